"""What is said of a replay: trials, compute, probes, choice, regret, budgets and orders."""

from __future__ import annotations

import io
import math
from dataclasses import replace
from typing import Any

import optuna
import pytest
from rich.console import Console

from hpo.decision import Decision
from hpo.errors import ConfigError, StorageError
from hpo.goldilocks import Choice
from hpo.history import Finding, History, Reading
from hpo.replay import Comparison, as_recorded, compare, read_recording, replay
from hpo.replay.choosing import ChoiceSettings
from hpo.replay.command import Player, replay_outcome
from hpo.replay.page import Outcome, replay_page, to_json
from tests.hpo.replay import simulator
from tests.hpo.replay.simulator import RUNGS, Course, courses, recorded


def compared(study: optuna.Study, **changes: Any) -> Comparison:
    return replay_outcome(study, changes=changes).comparison


def test_the_record_beside_itself(pruned: optuna.Study) -> None:
    same = compared(pruned)
    assert same.count("same") == len(pruned.trials)
    assert (same.saved.epochs, same.extra_epochs, same.probe_seconds_saved) == (0, 0, 0)
    ends = [max(trial.intermediate_values) for trial in pruned.trials]
    assert same.recorded.epochs == sum(ends)
    assert same.recorded.images == sum(ends) * simulator.PER_EPOCH
    assert same.recorded.device_seconds == 2.0 * sum(ends)
    assert same.regret is not None
    assert same.regret.value == 0.0


def test_compute_saved_is_what_the_record_says_came_after(whole: optuna.Study) -> None:
    now = compared(whole, prune=True, filter=True)
    lost = [fate for fate in now.fates.values() if fate.change == "lost"]
    assert len(lost) == now.count("lost") > 5
    assert now.count("lost") + now.count("same") == 20
    assert now.saved.epochs == sum(54 - fate.now_epoch for fate in lost) > 0
    assert now.saved.images == now.saved.epochs * simulator.PER_EPOCH
    assert now.saved.device_seconds == 2.0 * now.saved.epochs
    assert now.probes_then == 20
    assert now.probes_now == now.count("same")
    assert now.probe_seconds_saved == 3.0 * len(lost)


def test_regret_is_in_probe_accuracy_where_the_choice_was_probed(whole: optuna.Study) -> None:
    planned = courses(20, seed=4)
    accuracies = {n: course.accuracy or 0.0 for n, course in enumerate(planned)}
    best = max(accuracies, key=lambda n: accuracies[n])
    now = compared(whole, zone=f"{2.2}..", filter=True, filter_share=0.1)
    assert now.chosen is not None
    assert now.regret is not None
    assert now.chosen.number != best
    assert now.regret.unit == "probe accuracy"
    assert now.regret.best == best
    assert now.regret.value == pytest.approx(accuracies[best] - accuracies[now.chosen.number])


def test_regret_is_in_the_objective_where_it_was_not() -> None:
    study = recorded(courses(20, seed=4, probed=False), prune=False, filter=False)
    now = compared(study, zone="2.2..", filter=True, filter_share=0.1)
    values = [trial.value or 0.0 for trial in study.trials]
    assert now.chosen is not None
    assert now.regret is not None
    assert now.regret.unit == "rankme"
    assert now.regret.value == pytest.approx(max(values) - values[now.chosen.number])
    assert now.regret.value > 0


def test_regret_knows_that_less_may_be_better() -> None:
    study = recorded(courses(20, seed=4, probed=False), prune=False, filter=False)
    now = compared(study, objective="alpha_req", zone="1.5..", filter=True, filter_share=0.1)
    off = {t.number: abs(t.user_attrs["rung/54"]["alpha_req"] - 1.0) for t in study.trials}
    assert now.chosen is not None
    assert now.regret is not None
    assert now.regret.best == min(off, key=off.__getitem__)
    assert now.regret.value == pytest.approx(off[now.chosen.number] - min(off.values()))
    assert now.regret.value > 0


def test_a_looser_rule_costs_at_least_the_next_rung(pruned: optuna.Study) -> None:
    now = compared(pruned, prune=False, filter=False)
    unknown = [fate for fate in now.fates.values() if fate.change == "unknown"]
    following = {6: 12, 18: 36}
    assert now.extra_epochs == sum(following[fate.now_epoch] for fate in unknown) > 0
    assert now.saved.epochs == 0
    assert now.chosen is not None
    assert now.chosen.number not in {fate.trial for fate in unknown}


def test_a_stricter_rule_stops_sooner_without_losing_what_was_lost(pruned: optuna.Study) -> None:
    now = compared(pruned, rung_factor=20)
    assert now.count("sooner") > 0
    for fate in now.fates.values():
        if fate.change == "sooner":
            assert fate.now_epoch < fate.then_epoch < 54


class DeadAtTheEnd:
    """Finds every trial dead at the last rung."""

    def decide(self, reading: Reading, history: History) -> Decision:
        return Decision(reading.epoch == RUNGS[-1], "all dead", "collapse")


def test_a_trial_that_dies_at_the_last_rung_is_lost_and_saves_nothing(whole: optuna.Study) -> None:
    recording = read_recording(whole)
    then, now = as_recorded(recording.events), replay(recording.events, DeadAtTheEnd())
    how = ChoiceSettings("rankme", "maximize")
    compared = compare(recording, then, now, how, rungs=RUNGS)
    assert compared.count("lost") == 20
    assert compared.saved.epochs == 0
    assert compared.chosen is None
    assert compared.regret is None


@pytest.mark.parametrize("labels", [True, False])
def test_recorded_replicates_of_a_finalist_count(labels: bool) -> None:
    study = recorded(courses(10, seed=4), prune=False, filter=False, labels=labels)
    first = compared(study).chosen
    assert first is not None
    repeat(study, first.number, rankme=-9.0, accuracy=0.0)
    other = compared(study).chosen
    assert other is not None
    assert other.number != first.number
    assert "finalists (4 runs)" in other.reason
    assert compared(study).probes_then == 10


def test_another_objective_is_what_is_compared(whole: optuna.Study) -> None:
    """Recorded lidar is rankme upside down, so the order of the trials is as well."""
    rankme = compared(whole, prune=True)
    lidar = compared(whole, prune=True, objective="lidar")
    kept = [{n for n, f in c.fates.items() if f.change == "same"} for c in (rankme, lidar)]
    values = {trial.number: trial.value or 0.0 for trial in whole.trials}
    assert max(values, key=values.__getitem__) in kept[0] - kept[1]
    assert min(values, key=values.__getitem__) in kept[1] - kept[0]


def test_an_objective_that_was_not_recorded_is_refused(whole: optuna.Study) -> None:
    with pytest.raises(ConfigError, match=r"objective: trial \d+ has no 'nesum'.*alpha_req, lidar"):
        compared(whole, objective="nesum")


def test_an_objective_without_a_value_is_a_collapse() -> None:
    planned = [Course((math.nan, 2.0, 3.0), (1.0,) * 3), Course((1.0, 2.0, 3.0), (1.0,) * 3)]
    study = recorded(planned)
    assert compared(study, objective="lidar").fates[0].then == "finished"
    assert compared(study, objective="lidar").fates[0].now == "collapse"
    assert compared(study, objective="alpha_req").count("same") == 2


def test_what_only_the_old_objective_lacked_is_no_collapse() -> None:
    undefined = Finding("undefined", "projector", "rankme is undefined at epoch 6")
    planned = [Course((1.0,) * 3, (1.0,) * 3), Course((1.0,) * 3, (1.0,) * 3, {0: undefined})]
    study = recorded(planned)
    assert compared(study).fates[1].now == "collapse"
    assert compared(study, objective="lidar").fates[1].now == "unknown"


def test_a_study_without_an_order_is_refused_by_name() -> None:
    study = optuna.create_study()
    study.set_user_attr("config", simulator.settings().model_dump(mode="json"))
    trial = study.ask()
    trial.report(1.0, step=6)
    with pytest.raises(StorageError, match=r"trial 0 was measured at epoch 6.*order/6.*missing"):
        Player.of(study, {})


def test_a_study_of_nobodys_settings_is_refused() -> None:
    with pytest.raises(StorageError, match="recorded no settings"):
        Player.of(optuna.create_study(), {})


def test_an_empty_study_says_so_in_json() -> None:
    study = optuna.create_study(direction="maximize")
    study.set_user_attr("config", simulator.settings().model_dump(mode="json"))
    record = to_json(replay_outcome(study))
    assert record["rungs"] == list(RUNGS)
    assert record["decisions"]["made"] == 0
    assert record["choice"]["replayed"] is None
    assert record["compute"]["recorded"]["epochs"] == 0


def test_the_number_of_labels_decides_who_is_within_reach_as_it_did_then() -> None:
    study = recorded(courses(10, seed=4), prune=False, filter=False, labels=True)
    probes = {n: study.user_attrs[f"probe/{n}"] for n in range(10)}
    by_probe = max(probes, key=lambda n: probes[n]["cross_validated"])
    assert read_recording(study).n_labelled is None
    assert compared(study).chosen == choose_by_probe(study, by_probe)
    say_that_there_are_ten_labels(study)
    assert read_recording(study).n_labelled == 10
    chosen = compared(study).chosen
    assert chosen is not None
    assert "that 10 labels cannot tell apart" in chosen.reason


def say_that_there_are_ten_labels(study: optuna.Study) -> None:
    probes = {k: v for k, v in study.user_attrs.items() if k.startswith("probe/")}
    for key, record in probes.items():
        study.set_user_attr(key, {**record, "n_reported": 8.0})
    study.set_user_attr("images", {"train": 100, "probe": 18})


def test_replicates_count_for_a_finalist_that_is_one_by_its_objective() -> None:
    """Trial 1 is the best of those within reach of trial 0, which no replay by probes would see."""
    planned = courses(8, seed=4)
    planned[0] = replace(planned[0], objective=(1.0, 1.0, 1.0), accuracy=0.95)
    planned[1] = replace(planned[1], objective=(20.0, 20.0, 20.0), accuracy=0.93)
    study = recorded(planned, prune=False, filter=False, labels=True, finalists=1)
    repeat(study, 1, rankme=22.0, accuracy=0.91)
    say_that_there_are_ten_labels(study)
    chosen = compared(study).chosen
    assert chosen is not None
    assert chosen.number == 1
    assert chosen.reason.startswith("best mean linear probe of the 1 finalist (2 runs): 0.920")
    repeat(study, 0, rankme=99.0, accuracy=0.94)
    both = compared(study, finalists=2).chosen
    assert both is not None
    assert both.number == 0
    assert both.reason.startswith("highest mean rankme, 50, of the 2 finalists that 10 labels")


def repeat(study: optuna.Study, number: int, *, rankme: float, accuracy: float) -> None:
    again = study.ask()
    again.set_user_attr("replicate_of", number)
    again.set_user_attr("rung/54", {"rankme": rankme, "alpha_req": 1.0})
    again.report(rankme, step=54)
    study.tell(again, rankme)
    record = {"order": 10_000, "cross_validated": accuracy, "seconds": 1.0}
    study.set_user_attr(f"probe/{again.number}", {**record, "n_reported": 8.0})


def choose_by_probe(study: optuna.Study, number: int) -> Choice:
    accuracy = study.user_attrs[f"probe/{number}"]["cross_validated"]
    return Choice(
        number, f"best linear probe of the 10 probed: {accuracy:.3f} cross-validated accuracy"
    )


def test_whom_nobody_probed_then_is_counted_and_said() -> None:
    planned = [
        replace(course, accuracy=None) if n in (3, 7) else course
        for n, course in enumerate(courses(10, seed=4))
    ]
    study = recorded(planned, prune=False, filter=False, labels=True)
    outcome = replay_outcome(study, changes={"objective": "alpha_req"})
    assert outcome.comparison.unprobed == 2
    assert to_json(outcome)["probes"]["finished_without"] == 2
    said = _said(outcome)
    assert "2 trials were measured to the end but never probed and cannot be chosen here" in said
    assert "never probed" not in _said(replay_outcome(study, changes={}))
    without_labels = replay_outcome(study, changes={"labels": False}).comparison
    assert without_labels.unprobed == 0


def test_whom_no_probe_could_help_is_not_counted() -> None:
    planned = [
        replace(course, accuracy=None) if n in (3, 7) else course
        for n, course in enumerate(courses(10, seed=4))
    ]
    planned[3] = replace(planned[3], alpha=(1.0, 1.0, math.nan))
    study = recorded(planned, prune=False, filter=False, labels=True)
    assert compared(study, finalists=1).unprobed == 2
    assert compared(study, objective="alpha_req").unprobed == 1


def _said(outcome: Outcome) -> str:
    console = Console(width=400, record=True, file=io.StringIO())
    console.print(replay_page(outcome))
    return console.export_text()
