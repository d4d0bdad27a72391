"""What loggers are told of a trial."""

import math
from pathlib import Path

from hpo.loggers import trial_logs
from tests.hpo.dashboard.made import begin, end, made_study
from tests.hpo.recorded import choose


def test_all_that_was_measured_and_how_it_ended(tmp_path: Path) -> None:
    study, _ = made_study(tmp_path)
    end(begin(study), None)
    end(begin(study, epochs=(1,)), None, kind="zone", reason="α 3.0, far from the zone")
    running = begin(study, epochs=(1, 3))
    choose(study, 0, [0])
    finished, stopped, underway = trial_logs(study)
    assert {e: v["rankme"] for e, v in finished.points.items()} == {1: 6.0, 3: 8.0, 9: 14.0}
    assert finished.points[3]["ssl_loss"] == 4 / 3
    assert finished.hyperparameters["warmup_share"] == 0.1
    assert finished.tags == {"state": "finished", "chosen": "highest rankme"}
    assert finished.figures == {"rankme": 14.0}
    assert finished.finished >= finished.began > 1e9
    assert stopped.tags == {
        "state": "out of zone",
        "reason": "α 3.0, far from the zone",
        "kind": "zone",
    }
    assert (underway.number, underway.ended, underway.end) == (running.number, False, "")
    assert math.isnan(underway.finished)


def test_what_is_not_finite_is_left_out(tmp_path: Path) -> None:
    study, _ = made_study(tmp_path)
    trial = begin(study, epochs=())
    trial.set_user_attr("rung/1", {"rankme": math.nan, "ssl_loss": 2.0, "lidar": math.inf})
    end(trial, None, kind="collapse", reason="not finite")
    (log,) = trial_logs(study)
    assert dict(log.points[1]) == {"ssl_loss": 2.0}


def test_what_is_learned_after_the_end_changes_its_name(tmp_path: Path) -> None:
    study, _ = made_study(tmp_path)
    end(begin(study), None)
    before = trial_logs(study)[0].end
    assert trial_logs(study)[0].end == before
    study.set_user_attr("probe/0", {"cross_validated": 0.9, "seconds": 1.0})
    (log,) = trial_logs(study)
    assert log.end != before
    assert log.figures["probe_accuracy"] == 0.9


def test_waiting_trials_are_nobodys_run(tmp_path: Path) -> None:
    study, _ = made_study(tmp_path)
    study.enqueue_trial({"lr": 0.01})
    assert trial_logs(study) == []
