"""Wall time of a study over several sessions, and what a tick may raise."""

from __future__ import annotations

import time
from pathlib import Path

import optuna
import pytest

from hpo.budget import Budget
from hpo.decision import GO_ON, Decision
from hpo.interruption import Interrupted, StopFlag
from hpo.meter import BudgetSpent, Clock, Meter, session_seconds, worker_seconds
from hpo.storage import open_storage, open_study


@pytest.fixture
def study(tmp_path: Path) -> optuna.Study:
    return open_study(open_storage(tmp_path / "study.db"), direction="maximize")


def test_sessions_add_up(study: optuna.Study) -> None:
    first = Meter(study, Budget(None), StopFlag(), started=time.monotonic() - 5)
    first.write()
    second = Meter(study, Budget(None), StopFlag(), started=time.monotonic() - 3)
    second.write()
    assert second.seconds == pytest.approx(8, abs=0.5)
    assert session_seconds(study.user_attrs) == pytest.approx(8, abs=0.5)


def test_a_tick_raises_once_the_search_has_spent_its_part(study: optuna.Study) -> None:
    meter = Meter(study, Budget(10.0, 0.1), StopFlag(), started=time.monotonic() - 9.5)
    meter.tick()  # not searching: probing may use the reserve
    meter.phase = "search"
    with pytest.raises(BudgetSpent, match=r"9\.\ds of 9\.0s"):
        meter.tick()


def test_a_tick_raises_once_somebody_asked_to_stop(study: optuna.Study) -> None:
    flag = StopFlag()
    meter = Meter(study, Budget(None), flag, started=time.monotonic())
    meter.tick()
    flag.signal_name = "SIGTERM"
    with pytest.raises(Interrupted, match="SIGTERM"):
        meter.tick()


def test_the_heartbeat_of_the_running_trial_is_kept(study: optuna.Study) -> None:
    beats: list[int] = []
    meter = Meter(study, Budget(None), StopFlag(), started=time.monotonic(), heartbeat=beats.append)
    meter.tick()
    assert beats == []
    meter.watch(7)
    meter.tick()
    meter.tick()
    assert beats == [7]
    meter.watch(None)
    meter.tick()
    assert beats == [7]


def test_sessions_count_as_often_as_they_had_workers(study: optuna.Study) -> None:
    Meter(study, Budget(None), StopFlag(), started=time.monotonic() - 5, n_workers=3).write()
    Meter(study, Budget(None), StopFlag(), started=time.monotonic() - 3).write()
    assert session_seconds(study.user_attrs) == pytest.approx(8, abs=0.5)
    assert worker_seconds(study.user_attrs) == pytest.approx(18, abs=1.0)


def test_a_workers_clock_is_the_parents_and_records_nothing(study: optuna.Study) -> None:
    started = time.monotonic() - 5
    clock = Clock(Budget(100.0), StopFlag(), started=started, earlier_seconds=84.9)
    clock.phase = "search"
    clock.tick()
    assert clock.seconds == pytest.approx(89.9, abs=0.05)
    time.sleep(0.15)
    with pytest.raises(BudgetSpent):
        clock.tick()
    assert study.user_attrs == {}


def test_after_the_search_the_whole_budget_holds(study: optuna.Study) -> None:
    meter = Meter(study, Budget(10.0, 0.1), StopFlag(), started=time.monotonic() - 9.5)
    meter.phase = "after"
    meter.tick()
    late = Meter(study, Budget(10.0, 0.1), StopFlag(), started=time.monotonic() - 1.0)
    late.tick()  # idle: both sessions together have taken more than 10 s
    late.phase = "after"
    with pytest.raises(BudgetSpent, match=r"^the budget is spent: 1\ds of 10s"):
        late.tick()


def test_whoever_knows_more_than_wall_time_judges(study: optuna.Study) -> None:
    asked: list[bool] = []

    def judge(searching: bool) -> Decision:
        asked.append(searching)
        return GO_ON if len(asked) < 3 else Decision(True, "40 gpu-hours are spent", "budget")

    clock = Clock(Budget(0.001), StopFlag(), started=time.monotonic() - 5)
    clock.judge = judge
    clock.tick()
    assert asked == []  # idle
    clock.phase = "search"
    clock.tick()
    clock.phase = "after"
    clock.tick()
    with pytest.raises(BudgetSpent, match="40 gpu-hours are spent"):
        clock.tick()
    assert asked == [True, False, False]
