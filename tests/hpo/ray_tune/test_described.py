"""The driver of a cluster describes its trials as they end, as workers on this machine do."""

from pathlib import Path
from typing import Any

from optuna.artifacts import get_all_artifact_meta

from hpo.dashboard import spectrum_record
from hpo.dashboard.notes import read_note
from tests.hpo.dashboard.made import power_law
from tests.hpo.ray_tune.driven import Driven, record


def measured(rank: float, **said: Any) -> Any:
    """A rung's record as a worker sends it, its spectrum included."""
    return {**record(rank, **said), "spectrum": spectrum_record(power_law())}


def test_spectra_travel_with_the_reports_and_end_as_artifacts(tmp_path: Path) -> None:
    driven = Driven(tmp_path, objective="rankme", trials=2, prune=False, filter=False)
    whole, dead = driven.suggest(), driven.suggest()
    assert whole is not None
    assert dead is not None
    for rung in driven.rungs:
        driven.result(whole, rung, measured(5.0))
    finding = {"kind": "constant", "layer": "backbone", "reason": "constant: spread 0"}
    driven.result(dead, driven.rungs[0], measured(1.0, finding=finding))
    driven.give_up(dead)
    study = driven.study
    assert driven.driver.error is None
    finished, lost = study.trials
    assert [f"spectrum/{rung}" in finished.user_attrs for rung in driven.rungs] == [True] * 3
    for trial, epoch in ((finished, driven.rungs[-1]), (lost, driven.rungs[0])):
        (meta,) = get_all_artifact_meta(trial, storage=study._storage)
        assert meta.filename == f"spectrum-{epoch:04d}.svg"
    notes = study._storage.get_study_system_attrs(study._study_id)
    assert read_note(notes, finished._trial_id).startswith("**finished** at epoch 6")
    assert read_note(notes, lost._trial_id).startswith("**failed** at epoch 1")


def test_a_worker_that_sends_no_spectrum_is_no_trouble(tmp_path: Path) -> None:
    """One that goes on from a checkpoint of an older version."""
    driven = Driven(tmp_path, objective="rankme", trials=1, prune=False, filter=False)
    number = driven.suggest()
    assert number is not None
    for rung in driven.rungs:
        driven.result(number, rung, record(5.0))
    assert driven.driver.error is None
    (trial,) = driven.study.trials
    assert get_all_artifact_meta(trial, storage=driven.study._storage) == []
    assert trial.user_attrs["alpha_req"] == 1.0
