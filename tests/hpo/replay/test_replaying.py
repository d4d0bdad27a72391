"""A replay makes every decision again as it was made, whatever happened in whatever order."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.storages import RDBStorage

from hpo.decision import Decision
from hpo.history import Finding, History, Reading
from hpo.pruners import read_history
from hpo.replay import Redecision, Replay, read_recording, replay
from hpo.replay.growing_history import GrowingHistory
from hpo.rules import rules_of
from tests.hpo.replay import simulator
from tests.hpo.replay.simulator import RUNGS, Course, Simulator, courses, run


def again(study: optuna.Study, **changes: Any) -> Replay:
    """Replay a simulated study under its own settings, or changed ones."""
    direction: Any = study.direction.name.lower()
    config = simulator.settings(**{**study.user_attrs["given"], **changes})
    return replay(read_recording(study).events, rules_of(config, direction=direction))


def recorded(study: optuna.Study) -> list[tuple[int, int]]:
    """Trial and epoch of every decision on a report, in the recorded order."""
    found = [
        (value["order"], trial.number, int(key.removeprefix("decision/")))
        for trial in study.trials
        for key, value in trial.user_attrs.items()
        if key.startswith("decision/")
    ]
    reported = [(t.number, epoch) for t in study.trials for epoch in t.intermediate_values]
    return [(number, epoch) for _, number, epoch in sorted(found) if (number, epoch) in reported]


finite = st.floats(-5, 5, allow_nan=False)
measured = st.one_of(finite, st.sampled_from([math.nan, math.inf, -math.inf]))
alphas = st.one_of(st.floats(0.2, 3.0), st.just(math.nan))
found = st.builds(
    Finding,
    kind=st.sampled_from(["dimensional", "not finite", "shrunk"]),
    layer=st.just("backbone"),
    reason=st.sampled_from(["rank 1.2", "nan"]),
    clear=st.booleans(),
)
rungs = st.integers(0, 2)
course = st.builds(
    Course,
    objective=st.tuples(measured, finite, finite),
    alpha=st.tuples(alphas, alphas, alphas),
    finding=st.dictionaries(rungs, found, max_size=2),
    breaks=st.one_of(st.none(), st.none(), rungs),
    error=st.one_of(st.none(), st.none(), rungs),
    accuracy=st.one_of(st.none(), st.floats(0, 1)),
)
options = st.fixed_dictionaries(
    {
        "filter_share": st.sampled_from([0.3, 2 / 3]),
        "rung_factor": st.sampled_from([2, 3]),
        "patience": st.integers(1, 2),
        "zone": st.sampled_from([None, "0.8..1.2", "..1.5"]),
        "explore_share": st.sampled_from([0.0, 0.3]),
        "prune": st.booleans(),
        "filter": st.booleans(),
    }
)


def play(
    study: optuna.Study, planned: list[Course], given: dict[str, Any], data: st.DataObject
) -> None:
    """Let Hypothesis start, advance and kill trials in any order to the end."""
    study.set_user_attr("given", given)
    simulated = Simulator(study, planned, simulator.settings(**given))
    while not simulated.over:
        running = simulated.running()
        turn = data.draw(st.integers(0, len(running)))
        if turn == len(running):
            simulated.start()
        if running:
            at = running[min(turn, len(running) - 1)]
            simulated.step(at, killed=data.draw(st.booleans()) and turn % 3 == 1)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(course, min_size=6, max_size=14), options, st.sampled_from(["up", "down"]), st.data()
)
def test_a_replay_equals_every_history(
    planned: list[Course], given: dict[str, Any], way: str, data: st.DataObject
) -> None:
    study = optuna.create_study(direction="maximize" if way == "up" else "minimize")
    play(study, planned, given, data)
    replayed = again(study)
    assert [(made.trial, made.epoch) for made in replayed.redecisions] == recorded(study)
    assert [made for made in replayed.redecisions if not made.same] == []
    assert all(end.given or end.kind != "unknown" for end in replayed.ends.values())


def test_a_busy_study_replays_across_processes(tmp_path: Path) -> None:
    """Every rule stops some, six trials at a time, killed and resumed, read by a new process."""
    url, given = f"sqlite:///{tmp_path}/study.db", {"filter_share": 0.5, "zone": "0.8..1.2"}
    planned = courses(24, seed=1)
    planned[7] = Course((1.0,) * 3, (1.0,) * 3, breaks=1)
    planned[9] = Course((9.0,) * 3, (1.0,) * 3, finding={1: Finding("constant", "backbone", "0")})
    study = optuna.create_study(storage=RDBStorage(url), study_name="s", direction="maximize")
    study.set_user_attr("given", given)
    config = simulator.settings(**given)
    for turn in range(200):
        # Nothing but the storage knows of the turns before.
        if turn % 20 == 0:
            study = optuna.load_study(study_name="s", storage=RDBStorage(url))
        simulated = Simulator(study, planned, config)
        if simulated.over:
            break
        if len(simulated.running()) < 6:
            simulated.start()
        running = simulated.running()
        simulated.step(running[turn * 7 % len(running)], killed=turn % 5 == 0)
    read = optuna.load_study(study_name="s", storage=RDBStorage(url))
    replayed = again(read)
    assert len(replayed.redecisions) == len(recorded(read)) > 30
    assert all(made.same for made in replayed.redecisions)
    kinds = {made.new.kind for made in replayed.redecisions if made.new.stop}
    assert kinds == {"collapse", "zone", "halving"}


def test_a_kill_between_a_reports_place_and_the_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """What others decided before the trial went on did not see its report, so a replay must not."""
    study = optuna.create_study(direction="maximize")
    study.set_user_attr("given", {"filter": False})
    good, bad = Course((9.0,) * 3, (1.0,) * 3), Course((1.0,) * 3, (1.0,) * 3)
    simulated = Simulator(study, [good, bad], simulator.settings(filter=False))
    for _ in range(2):
        simulated.start()

    def dies(self: optuna.Trial, value: float, step: int) -> None:
        raise simulator.Killed

    with monkeypatch.context() as patched:
        patched.setattr(optuna.Trial, "report", dies)
        simulated.step(0)
    for number in (1, 0):
        simulated.step(number)
    assert "outcome" not in study.trials[1].user_attrs
    assert [made for made in again(study).redecisions if not made.same] == []


@pytest.fixture(scope="module")
def busy() -> optuna.Study:
    """60 trials, three at a time, all probed that finish; collapse, zone and halving all stop."""
    study = optuna.create_study(direction="maximize")
    study.set_user_attr("given", {})
    planned = courses(60, seed=3)
    planned[20] = Course((99.0,) * 3, (1.0,) * 3, breaks=2)
    planned[30] = Course((9.0,) * 3, (1.0,) * 3, finding={0: Finding("constant", "backbone", "0")})
    run(study, planned, simulator.settings(), at_once=3)
    return study


def test_the_history_at_the_end_is_the_one_the_storage_has(busy: optuna.Study) -> None:
    replayed, history = again(busy), read_history(busy)
    of_trial = {n: history.of(n) for n in {reading.trial for reading in history.readings}}
    # What a broken training did to its own newest reading came after all that was decided by it.
    assert {n: r for n, r in replayed.readings.items() if n != 20} == {
        n: r for n, r in of_trial.items() if n != 20
    }
    assert replayed.probed == dict(history.probed)
    dead = {n for n, end in replayed.ends.items() if end.kind == "collapse"}
    assert dead == history.collapsed == {20, 30}


def test_a_stricter_rule_stops_sooner_and_what_came_after_is_left_out(busy: optuna.Study) -> None:
    then, now = again(busy), again(busy, rung_factor=20)
    assert len(now.redecisions) < len(then.redecisions)
    sooner = [
        n for n, end in now.ends.items() if end.epoch < max(busy.trials[n].intermediate_values)
    ]
    assert sooner
    for number in sooner:
        assert [r.epoch for r in now.readings[number]] == [
            e for e in RUNGS if e <= now.ends[number].epoch
        ]
        assert number not in now.probed


def test_who_goes_on_where_the_record_ends_is_unknown(busy: optuna.Study) -> None:
    now = again(busy, prune=False, filter=False)
    unknown = {n: end for n, end in now.ends.items() if end.kind == "unknown"}
    stopped = {t.number for t in busy.trials if t.user_attrs.get("outcome")}
    # Nobody stops a dead one before the last rung; the one that broke did so by itself.
    assert set(unknown) == stopped - {20}
    assert now.ends[20].given
    assert all(now.readings[n][-1].epoch == end.epoch for n, end in unknown.items())
    assert "place" in next(iter(unknown.values())).reason


class Executioner:
    """Calls one trial dead, and takes note of who is whose peer."""

    def __init__(self, dead: int) -> None:
        self.dead, self.peers = dead, set[int]()

    def decide(self, reading: Reading, history: History) -> Decision:
        self.peers |= {peer.trial for peer in history.peers(reading)}
        return Decision(reading.trial == self.dead, "", "collapse")


def test_who_collapses_in_a_replay_is_nobodys_peer(busy: optuna.Study) -> None:
    alive, dead = Executioner(-1), Executioner(0)
    replay(read_recording(busy).events, alive)
    replay(read_recording(busy).events, dead)
    assert 0 in alive.peers
    assert alive.peers - dead.peers == {0}


def test_replicates_are_no_part_of_it(busy: optuna.Study) -> None:
    study = optuna.create_study(direction="maximize")
    study.set_user_attr("given", {})
    run(study, courses(12, seed=5), simulator.settings(), at_once=2)
    before = again(study)
    again_3 = study.ask()
    for name, value in study.trials[3].user_attrs.items():
        again_3.set_user_attr(name, value)
    again_3.set_user_attr("replicate_of", 3)
    again_3.report(1e6, step=6)
    study.set_user_attr(f"probe/{again_3.number}", {"order": 0, "cross_validated": 1.0})
    assert again(study) == before


def test_a_growing_history_answers_as_a_plain_one(busy: optuna.Study) -> None:
    plain, growing = read_history(busy), GrowingHistory()
    for reading in plain.readings:
        growing.add(reading)
    for number in plain.collapsed:
        growing.bury(number)
    for number, accuracy in plain.probed.items():
        growing.probe(number, accuracy)
    assert growing.readings == plain.readings
    assert growing.collapsed == plain.collapsed
    assert growing.probed == plain.probed
    for reading in plain.readings:
        assert growing.peers(reading) == plain.peers(reading)
        assert growing.of(reading.trial) == plain.of(reading.trial)


def test_a_difference_in_a_single_figure_is_a_difference(busy: optuna.Study) -> None:
    made = next(one for one in again(busy).redecisions if one.new.evidence)
    name = next(iter(made.new.evidence))
    other = replace(made.new, evidence={**made.new.evidence, name: -1})
    assert not Redecision(made.trial, made.epoch, made.recorded, other).same
    assert not Redecision(made.trial, made.epoch, None, made.new).same
