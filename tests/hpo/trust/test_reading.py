"""From a study in SQLite to evidence."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import optuna
import pytest

from hpo.errors import StorageError
from hpo.trust import read_evidence, trust
from tests.hpo.recorded import add_trial, choose, recorded_study

N_LABELLED, N_REPORTED = 400, 100


def probe(accuracy: float, reported: float | None = None, **more: float) -> dict[str, float]:
    found = {"cross_validated": accuracy, "reported": accuracy if reported is None else reported}
    return {**found, "n_reported": float(N_REPORTED), "knn": 0.7, "few_shot_10": 0.6, **more}


def labelled(study: optuna.Study, probes: dict[int, Any]) -> None:
    images = {"train": 1000, "measure": 50, "probe": N_LABELLED, "skipped": 0}
    study.set_user_attr("images", images)
    for number, record in probes.items():
        study.set_user_attr(f"probe/{number}", record)
    study.set_user_attr("probe/untrained", probe(0.5))


@pytest.fixture
def study(tmp_path: Path) -> optuna.Study:
    """Every kind of end, with probes of some."""
    study = recorded_study(tmp_path, labels=True)
    add_trial(study, "finished", objective=7.0)
    add_trial(study, "finished", objective=9.0, moved=0.01)
    add_trial(study, "halving", epoch=3, objective=20.0)
    add_trial(study, "collapse", epoch=1, objective=30.0)
    add_trial(study, "finished", objective=8.0)
    add_trial(study, "finished", objective=7.5, replicate_of=4)
    add_trial(study, "halving", epoch=3, replicate_of=0)
    add_trial(study, "finished", objective=6.0)
    labelled(study, {0: probe(0.8, 0.9), 1: probe(0.99), 4: probe(0.9), 5: probe(0.88)})
    choose(study, 4, [4, 0])
    return study


def test_who_is_compared(study: optuna.Study) -> None:
    evidence = read_evidence(study)
    by_number = {t.number: t for t in evidence.trials}
    assert evidence.epoch == 9
    assert [n for n, t in by_number.items() if t.may_be_chosen] == [0, 4, 7]
    assert "has not moved" in by_number[1].barred
    assert [t.number for t in evidence.probed()] == [0, 4]
    assert [t.number for t in evidence.probed(barred=True)] == [0, 1, 4]
    assert [by_number[n].at_end for n in (2, 3, 5, 6)] == [False, False, True, False]
    assert [by_number[n].replicate_of for n in (5, 6)] == [4, 0]
    assert by_number[3].state == "collapsed"


def test_the_linear_probe_is_pooled_over_all_labelled_images(study: optuna.Study) -> None:
    """As in the tabular benchmark: each image counts once, judged while held out."""
    evidence = read_evidence(study)
    found = {t.number: t.accuracies for t in evidence.trials if t.accuracies}
    assert found[0]["linear"] == pytest.approx((0.8 * 300 + 0.9 * 100) / 400)
    assert found[0]["knn"] == 0.7
    assert evidence.n_tested == {"linear": 400, "knn": 300, "few_shot_10": 300}


def test_equal_counts_of_right_answers_are_ties(tmp_path: Path) -> None:
    study = recorded_study(tmp_path)
    for _ in range(2):
        add_trial(study, "finished")
    labelled(study, {0: probe(0.1 + 0.2), 1: probe(0.3)})
    band = trust(read_evidence(study)).band
    assert band is not None
    assert band.best == (0, 1)


def test_seeds_and_choices_are_read(study: optuna.Study) -> None:
    evidence = read_evidence(study)
    assert (evidence.chosen, evidence.chosen_by_probe) == (4, True)
    found = trust(evidence)
    assert found.band is not None
    assert found.band.seed_points == pytest.approx(100 * 0.02 / math.sqrt(2))
    assert found.own.lead is not None
    assert found.own.lead.noise == pytest.approx(0.5 / math.sqrt(2))
    assert found.own.favourites == (4,)


def test_measures_of_both_layers_know_their_direction(tmp_path: Path) -> None:
    study = recorded_study(tmp_path)
    trial = study.ask()
    values = {"rankme": 2.0, "rankme_backbone": 2.0, "idest_projector": 1.0, "alpha_req": 1.0}
    trial.set_user_attr("rung/9", {**values, "moved": 0.5, "seconds": 1.0, "alpha_r_squared": 0.9})
    trial.report(2.0, step=9)
    study.tell(trial, 2.0)
    assert read_evidence(study).measures == {
        "alpha_req": "closest_to_one",
        "idest_projector": "minimize",
        "rankme": "maximize",
        "rankme_backbone": "maximize",
    }


def test_somebody_elses_study_has_its_reported_values() -> None:
    study = optuna.create_study(direction="minimize")
    for value in (3.0, 1.0, 2.0):
        trial = study.ask()
        trial.report(value + 1, step=1)
        trial.report(value, step=4)
        study.tell(trial, value)
    study.enqueue_trial({})
    found = trust(read_evidence(study))
    assert (found.objective, found.epoch, found.own.favourites) == ("objective", 4, (1,))
    assert [r.with_end for r in found.own.by_rung] == [pytest.approx(1.0)]
    assert found.population.started == 3


def test_a_study_without_trials_or_reports() -> None:
    assert trust(read_evidence(optuna.create_study())).population.started == 0
    study = optuna.create_study()
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)
    assert trust(read_evidence(study)).own.favourites == ()


def test_several_objectives_have_no_one_order() -> None:
    with pytest.raises(StorageError, match="study: got 2 objectives, wanted one"):
        read_evidence(optuna.create_study(directions=["minimize", "maximize"]))
