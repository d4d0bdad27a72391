"""What early stops saved."""

from __future__ import annotations

from pathlib import Path

import pytest

from hpo.budget import Spend
from hpo.record import TrialRow, read_rows
from hpo.savings import savings_of
from tests.hpo.recorded import add_trial, recorded_study


def test_each_kind_of_stop_saves_the_epochs_its_trials_were_not_trained(tmp_path: Path) -> None:
    study = recorded_study(tmp_path)
    add_trial(study, "finished")
    add_trial(study, "halving", epoch=3, train=6.0)  # two seconds an epoch
    add_trial(study, "halving", epoch=1, train=1.0)
    add_trial(study, "zone", epoch=3, train=3.0)
    add_trial(study, "collapse", epoch=1, train=1.0)
    saved = savings_of(read_rows(study, running=False), n_epochs=9)
    assert saved.by == {
        "collapse": Spend(device_seconds=8.0, epochs=8.0, images=8000.0),
        "zone": Spend(device_seconds=6.0, epochs=6.0, images=6000.0),
        "halving": Spend(device_seconds=12.0 + 8.0, epochs=14.0, images=14_000.0),
    }
    assert saved.all_to_the_end == Spend(device_seconds=54.0, epochs=45.0, images=45_000.0)
    assert saved.share("zone") == pytest.approx(6 / 45)
    assert saved.share() == pytest.approx(28 / 45)


def test_what_nobody_decided_saves_nothing(tmp_path: Path) -> None:
    study = recorded_study(tmp_path)
    add_trial(study, "finished")
    for end in ("budget", "failed", None):
        add_trial(study, end, epoch=3)
    add_trial(study, "collapse", epoch=3, replicate_of=0)
    study.enqueue_trial({})
    saved = savings_of(read_rows(study, running=False), n_epochs=9)
    assert saved.total == Spend()
    assert saved.all_to_the_end.epochs == 4 * 9


def test_a_trial_that_broke_in_its_first_epoch_saves_at_the_usual_rate() -> None:
    finished = TrialRow(0, "finished", 9, 1.0, {}, "", 18.0, 1.0, {}, images_per_second=50.0)
    broken = TrialRow(1, "collapsed", 0, 1.0, {}, "", 0.0, 0.0, {})
    saved = savings_of([finished, broken], n_epochs=9)
    assert saved.total == Spend(device_seconds=18.0, epochs=9.0, images=900.0)


def test_work_that_was_lost_is_not_saved_twice(tmp_path: Path) -> None:
    study = recorded_study(tmp_path)
    add_trial(study, "halving", epoch=3, train=3.0, lost_epochs=5)
    assert savings_of(read_rows(study, running=False), n_epochs=9).total.epochs == 6.0


def test_a_trial_stopped_between_rungs_counts_what_it_trained() -> None:
    row = TrialRow(
        0, "collapsed", 3, 1.0, {}, "", 5.0, 0.0, {}, images_per_second=100.0,
        spent={"epochs": 5.0, "images": 500},
    )  # fmt: skip
    assert savings_of([row], n_epochs=9, images_per_epoch=100).total.epochs == 4.0


def test_a_study_without_trials_saves_nothing() -> None:
    assert savings_of([], n_epochs=9).share() == 0.0
