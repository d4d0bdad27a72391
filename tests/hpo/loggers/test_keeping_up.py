"""A logger is brought up to date with a study: everything once, whatever happened before."""

from pathlib import Path

import optuna
import pytest

from hpo.loggers import KeepingUp
from tests.hpo.dashboard.made import begin, end, made_study
from tests.hpo.loggers.logged import Kept

END = ("end", {"state": "finished"})


def add_rung(trial: optuna.Trial, epoch: int) -> None:
    trial.set_user_attr(f"rung/{epoch}", {"rankme": 5.0 + epoch})
    trial.report(5.0 + epoch, step=epoch)


@pytest.fixture
def study(tmp_path: Path) -> optuna.Study:
    return made_study(tmp_path)[0]


def test_rungs_are_logged_as_they_come_and_then_the_end(study: optuna.Study) -> None:
    kept = Kept()
    keeping = KeepingUp(study, kept)
    trial = begin(study, epochs=(1,))
    assert keeping.sync() == 1
    assert kept.runs == {"run-0-of-0": [(1, 6.0)]}
    assert keeping.sync() == 0
    for epoch in (3, 9):
        add_rung(trial, epoch)
    end(trial, None)
    keeping.sync()
    assert kept.runs == {"run-0-of-0": [(1, 6.0), (3, 8.0), (9, 14.0), END]}


def test_a_trial_is_a_run_before_its_first_rung(study: optuna.Study) -> None:
    kept = Kept()
    begin(study, epochs=())
    assert KeepingUp(study, kept).sync() == 1
    assert kept.runs == {"run-0-of-0": []}
    assert KeepingUp(study, kept).sync() == 0


def test_another_session_goes_on_in_the_same_runs(study: optuna.Study) -> None:
    kept = Kept()
    trial = begin(study, epochs=(1,))
    end(begin(study), None)
    KeepingUp(study, kept).sync()
    add_rung(trial, 3)
    assert KeepingUp(study, kept).sync() == 1
    assert kept.runs == {
        "run-0-of-0": [(1, 6.0), (3, 8.0)],
        "run-1-of-1": [(1, 6.0), (3, 8.0), (9, 14.0), END],
    }


def test_what_was_missed_while_the_logger_was_away_is_caught_up_with(study: optuna.Study) -> None:
    kept = Kept()
    keeping = KeepingUp(study, kept)
    trial = begin(study, epochs=(1,))
    keeping.sync()
    kept.away = True
    add_rung(trial, 3)
    with pytest.raises(ConnectionError):
        keeping.sync()
    end(trial, None)
    kept.away = False
    keeping.sync()
    assert kept.runs["run-0-of-0"] == [(1, 6.0), (3, 8.0), END]


def test_a_failure_in_the_middle_of_a_trial_repeats_no_point(study: optuna.Study) -> None:
    kept = Kept()
    end(begin(study), None)

    class Breaking(Kept):
        def end(self, run: str, log: object) -> None:
            raise ConnectionError("gone")

    breaking = Breaking()
    keeping = KeepingUp(study, breaking)
    with pytest.raises(ConnectionError):
        keeping.sync()
    kept.runs = breaking.runs
    keeping.logger = kept
    keeping.sync()
    assert kept.runs == {"run-0-of-0": [(1, 6.0), (3, 8.0), (9, 14.0), END]}


def test_a_logger_that_lost_its_runs_gets_them_again_whole(study: optuna.Study) -> None:
    trial = begin(study, epochs=(1, 3))
    KeepingUp(study, Kept()).sync()
    other = Kept()
    add_rung(trial, 9)
    KeepingUp(study, other).sync()
    assert other.runs == {"run-0-of-0": [(1, 6.0), (3, 8.0), (9, 14.0)]}


def test_a_later_finding_ends_the_same_run_again(study: optuna.Study) -> None:
    kept = Kept()
    end(begin(study), None)
    KeepingUp(study, kept).sync()
    study.set_user_attr("choice", {"number": 0, "reason": "highest rankme"})
    KeepingUp(study, kept).sync()
    assert kept.runs["run-0-of-0"][-1] == ("end", {"state": "finished", "chosen": "highest rankme"})
    assert len(kept.runs["run-0-of-0"]) == 5


def test_a_run_is_remembered_before_anything_is_logged_in_it(study: optuna.Study) -> None:
    """A process that is killed while it logs leaves no second run behind."""

    class Killed(Kept):
        def point(self, run: str, log: object, epoch: int, values: object) -> None:
            self.stored = study._storage.get_study_system_attrs(study._study_id)

    killed = Killed()
    begin(study)
    KeepingUp(study, killed).sync()
    (remembered,) = killed.stored.values()
    assert remembered == {"epoch": 0, "end": "", "run": "run-0-of-0"}


def test_two_loggers_do_not_know_of_each_other(study: optuna.Study) -> None:
    end(begin(study), None)
    first, second = Kept(), Kept()
    second.name = "other"
    for kept in (first, second):
        KeepingUp(study, kept).sync()
    assert first.runs == second.runs


def test_its_memory_is_no_user_attribute(study: optuna.Study) -> None:
    before = set(study.user_attrs)
    end(begin(study), None)
    KeepingUp(study, Kept()).sync()
    assert set(study.user_attrs) == before
    assert all("logged" not in name for name in study.trials[0].user_attrs)
