"""The filter while a study runs: rounds decided, stored, carried out, and gone on with."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from optuna.trial import TrialState

from hpo.budget import Budget
from hpo.candidates import candidates_of
from hpo.errors import ConfigError
from hpo.goldilocks import EVERYWHERE, Candidate, Round
from hpo.online_filter import read_rounds, rules_of_rounds
from hpo.prober import Prober
from hpo.pruning.zone import Zone
from hpo.record import read_rows
from tests.hpo.made_study import MadeStudy, make_study
from tests.hpo.studies import tiny


class Killed(BaseException):
    """Stands for the end of the process."""


def rounds_of(made: MadeStudy) -> list[Round]:
    return read_rounds(made.study.user_attrs)


def finished(made: MadeStudy) -> list[Candidate]:
    return candidates_of(read_rows(made.study, running=False))


def add_and_filter(made: MadeStudy, n: int, **attrs: float) -> None:
    online = made.filter()
    for _ in range(n):
        made.add(**attrs)  # type: ignore[arg-type]
        online.after_trial()


def test_a_round_is_held_when_a_batch_has_finished_and_not_before(tmp_path: Path) -> None:
    made = make_study(tmp_path / "study")
    add_and_filter(made, 3)
    assert rounds_of(made) == []
    assert made.probes() == []
    assert "probe/untrained" not in made.study.user_attrs
    add_and_filter(made, 1)
    (first,) = rounds_of(made)
    assert first == Round((0, 1, 2, 3), (0, 1, 2, 3), {}, EVERYWHERE, 4, None, 0)
    assert made.probes() == [0, 1, 2, 3]
    orders = [made.study.user_attrs[f"probe/{n}"]["order"] for n in range(4)]
    assert [made.study.user_attrs["round/1"]["order"], *orders] == [1, 2, 3, 4, 5]
    assert made.study.user_attrs["probe/untrained"]["order"] == 0


def test_probes_grow_with_the_logarithm_of_the_rounds(tmp_path: Path) -> None:
    made = make_study(tmp_path / "study", probe_batch=2)
    add_and_filter(made, 12)
    rounds = rounds_of(made)
    assert [r.candidates for r in rounds] == [(n, n + 1) for n in range(0, 12, 2)]
    assert [r.quota for r in rounds] == [2, 1, 1, 0, 1, 0]
    assert len(made.probes()) == 5 <= 2 * (math.log(6) + 1)


def test_dead_unmoved_undefined_and_repeated_trials_are_no_candidates(tmp_path: Path) -> None:
    made = make_study(tmp_path / "study", probe_batch=1, least_moved=0.1)
    online = made.filter()
    made.add(state=TrialState.PRUNED, outcome={"kind": "zone", "reason": "far"})
    made.add(moved=0.01)
    made.add(replicate_of=0, seed=7)
    online.after_trial()
    assert rounds_of(made) == []
    made.add()
    online.after_trial()
    (only,) = rounds_of(made)
    assert only.numbers == (3,)
    assert made.probes() == [3]


def test_a_replicates_probe_counts_neither_as_spent_nor_as_evidence(tmp_path: Path) -> None:
    made = make_study(tmp_path / "study", probe_batch=1)
    made.add(replicate_of=7, seed=1)
    made.prober().trial(0)
    add_and_filter(made, 1)
    assert rounds_of(made)[0].n_probed == 0
    assert set(made.filter().accuracies()) == {1}


def test_a_fixed_zone_is_kept_and_exploration_looks_outside(tmp_path: Path) -> None:
    # By the golden ratio, trial 5 is the first to explore.
    made = make_study(tmp_path / "study", probe_batch=2, zone="0.8..1.2")
    add_and_filter(made, 8, alpha=3.0)
    rounds = rounds_of(made)
    assert {r.zone for r in rounds} == {Zone(0.8, 1.2)}
    assert [r.numbers for r in rounds] == [(0, 1), (), (5,), ()]
    assert rounds[1].excluded[2] == "α 3.00 is outside the window [0.8, 1.2]"


def test_a_killed_round_goes_on_with_the_probes_that_are_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make_study(tmp_path / "study")
    for _ in range(4):
        made.add()
    done: list[int] = []
    original = Prober.trial

    def trial(prober: Prober, number: int) -> dict[str, float]:
        if len(done) == 2:
            raise Killed
        done.append(number)
        return original(prober, number)

    monkeypatch.setattr(Prober, "trial", trial)
    with pytest.raises(Killed):
        made.filter().after_trial()
    monkeypatch.undo()
    before = made.record()
    again = made.again()
    again.add()  # one more; no new round
    again.filter().after_trial()
    assert again.probes() == [0, 1, 2, 3]
    assert len(rounds_of(again)) == 1
    for key, value in before.items():
        assert again.study.user_attrs[key] == value, key


def test_asking_again_changes_nothing(tmp_path: Path) -> None:
    made = make_study(tmp_path / "study")
    add_and_filter(made, 5)
    before = made.record()
    made.filter().after_trial()
    again = made.again()
    again.filter().after_trial()
    assert again.record() == before


def test_the_reserve_says_how_many_are_probed_but_never_none(tmp_path: Path) -> None:
    made = make_study(tmp_path / "study")
    for _ in range(4):
        made.add()
    online = made.filter(Budget(1e-3, probe_share=0.5))
    online.after_trial()
    (only,) = rounds_of(made)
    assert (only.affordable, only.numbers) == (0, (0,))
    assert only.excluded[1].endswith("the probe reserve paid for 0 more")
    rich = make_study(tmp_path / "rich")
    for _ in range(4):
        rich.add()
    rich.filter(Budget(1e6, probe_share=0.5)).after_trial()
    assert rounds_of(rich)[0].affordable is not None
    assert len(rich.probes()) == 4


def test_a_backbone_that_was_not_kept_is_passed_over(tmp_path: Path) -> None:
    made = make_study(tmp_path / "study", probe_batch=2)
    for _ in range(2):
        made.add()
    made.directory.checkpoint(0).unlink()
    made.filter().after_trial()
    (only,) = rounds_of(made)
    assert only.numbers == (1,)
    assert only.excluded == {0: "its checkpoint was not kept"}


def test_checking_labels_looks_at_nothing_before_the_end(tmp_path: Path) -> None:
    made = make_study(tmp_path / "study", labels=False, check_labels=True, probe_batch=1)
    add_and_filter(made, 2)
    assert not any(key.startswith(("probe/", "round/")) for key in made.study.user_attrs)


def test_without_labels_there_is_nothing_to_do(tmp_path: Path) -> None:
    made = make_study(tmp_path / "study", labels=False, probe_batch=1)
    add_and_filter(made, 2)
    assert not any(key.startswith(("probe/", "round/")) for key in made.study.user_attrs)


def test_all_may_be_probed_for_a_table_without_rounds(tmp_path: Path) -> None:
    options = {"labels": False, "check_labels": True, "probe_all": True}
    made = make_study(tmp_path / "study", **options)
    add_and_filter(made, 3, alpha=4.0)
    assert made.probes() == [0, 1, 2]
    assert rounds_of(made) == []


def test_whom_nobody_can_probe_any_more_is_named(tmp_path: Path) -> None:
    made = make_study(tmp_path / "study", labels=False, check_labels=True, probe_all=True)
    for _ in range(2):
        made.add()
    made.directory.checkpoint(0).unlink()
    made.filter().last_round(candidates_of(read_rows(made.study, running=False)))
    assert made.probes() == [1]
    assert "trial 0 is not probed: its checkpoint was not kept" in made.notes.lines


def test_probing_all_needs_labels(tmp_path: Path) -> None:
    made = make_study(tmp_path / "study", labels=False)
    config = made.workload.config.model_copy(update={"probe_all": True})
    object.__setattr__(made.workload, "config", config)
    try:
        with pytest.raises(ConfigError, match="probe_all: got true for a study without"):
            made.filter()
    finally:
        config = config.model_copy(update={"probe_all": False})
        object.__setattr__(made.workload, "config", config)


def test_without_the_filter_every_candidate_is_probed(tmp_path: Path) -> None:
    made = make_study(tmp_path / "study", probe_batch=2, filter=False)
    add_and_filter(made, 6, alpha=4.0)
    assert made.probes() == [0, 1, 2, 3, 4, 5]
    assert [r.quota for r in rounds_of(made)] == [None] * 3


def test_the_rules_are_those_of_the_configuration(tmp_path: Path) -> None:
    config = tiny(tmp_path, probe_batch=3, zone="..1.1", explore_share=0.2, objective="ssl_loss")
    rules = rules_of_rounds(config)
    assert (rules.batch, rules.zone, rules.explore_share) == (3, Zone(-math.inf, 1.1), 0.2)
    assert rules.direction == "minimize"
    assert rules_of_rounds(tiny(tmp_path)).zone is None


def test_the_best_are_probed_once_the_search_is_over_and_no_round_is_held(tmp_path: Path) -> None:
    made = make_study(tmp_path / "study", probe_best=2)
    online = made.filter()
    for objective in (1.0, 3.0, 2.0, 0.5, 2.5):
        made.add(objective=objective)
        online.after_trial()
    assert rounds_of(made) == []
    online.last_round(finished(made))
    assert made.probes() == [1, 4]
    online.last_round(finished(made))
    assert len(rounds_of(made)) == 1
    made.add(objective=9.0)
    online.after_trial()
    online.last_round(finished(made))
    assert made.probes() == [1, 4, 5]
