"""Studies with several workers that nothing disturbs."""

from __future__ import annotations

import time
from pathlib import Path

import optuna
import pytest

from hpo.errors import DataError
from hpo.interruption import Interrupted, StopFlag
from hpo.meter import session_seconds, worker_seconds
from hpo.observer import Silent
from hpo.record import TrialRow, read_rows
from hpo.study import run_study
from tests.hpo.studies import parameters, states, tiny, values

pytestmark = pytest.mark.slow


class Watcher(Silent):
    """Keeps what it is told; asks to stop when two trials are in the middle of an epoch."""

    def __init__(self, flag: StopFlag | None = None) -> None:
        self.lines: list[str] = []
        self.at_once = 0
        self.epochs: set[tuple[int, int]] = set()
        self.flag = flag

    def note(self, text: str) -> None:
        self.lines.append(text)

    def rows(self, rows: list[TrialRow]) -> None:  # type: ignore[override]
        self.at_once = max(self.at_once, sum(row.state == "running" for row in rows))

    def epoch(self, number: int, epoch: int) -> None:
        self.epochs.add((number, epoch))
        if self.flag is not None and len({n for n, _ in self.epochs}) == 2:
            self.flag.signal_name = "SIGINT"


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, optuna.Study, Watcher, float]:
    out = tmp_path_factory.mktemp("two") / "s"
    watcher, started = Watcher(), time.monotonic()
    study = run_study(
        tiny(out, trials=5, workers=2, max_images=900, check_labels=True), observer=watcher
    )
    return out, study, watcher, time.monotonic() - started


Two = tuple[Path, optuna.Study, Watcher, float]


def test_there_are_as_many_trials_as_asked_for_and_all_have_ended(two: Two) -> None:
    out, study, _, _ = two
    assert [number for number, _ in states(out / "study.db")] == [0, 1, 2, 3, 4]
    assert {state for _, state in states(out / "study.db")} <= {"COMPLETE", "PRUNED"}
    assert (out / "chosen" / "backbone.safetensors").exists()
    assert study.user_attrs["choice"]["number"] in range(5)


def test_both_work_and_at_the_same_time(two: Two) -> None:
    _, study, watcher, _ = two
    rows = read_rows(study, running=False)
    assert {row.worker for row in rows} == {0, 1}
    assert watcher.at_once == 2
    times = [(t.user_attrs["worker"], t.datetime_start, t.datetime_complete) for t in study.trials]
    overlapping = [
        (a, b)
        for a, start_a, end_a in times
        for b, start_b, end_b in times
        if a < b and start_a and end_a and start_b and end_b and start_a < end_b and start_b < end_a
    ]
    assert overlapping


def test_the_first_trial_has_the_published_defaults_and_no_other_has(two: Two) -> None:
    _, study, _, _ = two
    defaults = study.trials[0].params
    assert defaults == {"lr": 1e-3, "weight_decay": 0.01, "temperature": 0.2}
    assert all(trial.params != defaults for trial in study.trials[1:])


def test_every_epoch_of_every_trial_is_shown(two: Two) -> None:
    _, study, watcher, _ = two
    for row in read_rows(study, running=False):
        assert {(row.number, epoch) for epoch in range(1, row.epoch + 1)} <= watcher.epochs
    assert "at once: 2 trials, on 1 thread each" in "\n".join(watcher.lines)


def test_wall_time_is_that_of_the_session_not_of_its_workers(two: Two) -> None:
    _, study, _, took = two
    assert session_seconds(study.user_attrs) == pytest.approx(took, abs=2.0)
    assert worker_seconds(study.user_attrs) == pytest.approx(2 * session_seconds(study.user_attrs))
    assert sum(key.startswith("session/") for key in study.user_attrs) == 1
    for row in read_rows(study, running=False):
        assert row.images_per_second > 0
        # Whole batches of 64 of the training images, every epoch that was reached.
        n_images = study.user_attrs["images"]["train"] // 64 * 64
        seen = row.images_per_second * row.train_seconds
        assert seen == pytest.approx(row.epoch * n_images)


def test_a_trial_is_worth_the_same_as_in_a_study_with_one_worker(two: Two, tmp_path: Path) -> None:
    """The first four are drawn without a look at others, so they are the same trials too."""
    out, _, _, _ = two
    run_study(tiny(tmp_path / "one", trials=4, max_images=900, check_labels=True))
    one = tmp_path / "one" / "study.db"
    mine = {key: value for *key_, value in values(out / "study.db") for key in [tuple(key_)]}
    theirs = {key: value for *key_, value in values(one) for key in [tuple(key_)]}
    assert [p for p in parameters(out / "study.db") if p[0] < 4] == parameters(one)
    common = mine.keys() & theirs.keys()
    assert {number for number, _ in common} == {0, 1, 2, 3}
    assert {key: mine[key] for key in common} == {key: theirs[key] for key in common}


def test_the_same_command_again_starts_no_worker(two: Two) -> None:
    out, _, _, _ = two
    before = values(out / "study.db")
    watcher = Watcher()
    study = run_study(
        tiny(out, trials=5, workers=2, max_images=900, check_labels=True), observer=watcher
    )
    assert values(out / "study.db") == before
    assert (len(study.trials), watcher.epochs) == (5, set())


def test_a_stopped_study_goes_on_with_any_number_of_workers(tmp_path: Path) -> None:
    flag = StopFlag()
    watcher = Watcher(flag)
    config = tiny(tmp_path / "s", trials=4, workers=2, epochs=12, max_images=500)
    with pytest.raises(Interrupted, match="SIGINT"):
        run_study(config, flag=flag, observer=watcher)
    stopped = states(tmp_path / "s" / "study.db")
    assert stopped == [(0, "RUNNING"), (1, "RUNNING")]
    before = values(tmp_path / "s" / "study.db")
    again = Watcher()
    study = run_study(
        tiny(tmp_path / "s", trials=4, workers=1, epochs=12, max_images=500), observer=again
    )
    assert [number for number, _ in states(tmp_path / "s" / "study.db")] == [0, 1, 2, 3]
    assert "RUNNING" not in dict(states(tmp_path / "s" / "study.db")).values()
    assert set(before) <= set(values(tmp_path / "s" / "study.db"))
    assert sum("goes on where it was interrupted" in line for line in again.lines) == 2
    assert sorted(study.user_attrs["session/0"]) == ["pid", "seconds", "started", "workers"]


def test_what_is_wrong_is_said_before_any_worker_starts(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError):
        run_study(tiny(tmp_path / "s", data=str(tmp_path / "empty"), workers=2))
