"""What a study has spent, over processes, attempts and kills."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import filelock
import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from hpo.budget import Budget, Spend, parse_budget
from hpo.ledger import Ledger
from hpo.storage import STUDY_NAME, open_storage, open_study


class Standing:
    seconds = 0.0


@pytest.fixture(params=["memory", "sqlite", "journal"])
def study(request: pytest.FixtureRequest, tmp_path: Path) -> optuna.Study:
    storage = {
        "memory": lambda: optuna.storages.InMemoryStorage(),
        "sqlite": lambda: open_storage(tmp_path / "study.db"),
        "journal": lambda: JournalStorage(JournalFileBackend(str(tmp_path / "study.log"))),
    }[request.param]()
    return optuna.create_study(study_name=STUDY_NAME, storage=storage)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    yield
    optuna.logging.set_verbosity(before)


def ledger(study: optuna.Study, budget: str, **options: Any) -> Ledger:
    made = Budget(parse_budget(budget), whole=Spend(epochs=9.0))
    return Ledger(study, made, Standing(), images_per_epoch=100, **options)


def asked(study: optuna.Study) -> optuna.Trial:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("warnings.warn", lambda *args, **kwargs: None)
        return study.ask()


def train(books: Ledger, trial: optuna.Trial, epochs: float, **options: Any) -> None:
    books.record(
        trial, epochs=epochs, images=int(100 * epochs), device_seconds=2 * epochs, **options
    )


def test_what_trials_spend_adds_up(study: optuna.Study) -> None:
    books = ledger(study, "1000 epochs")
    first, second = asked(study), asked(study)
    train(books, first, 3.0, force=True)
    train(books, second, 1.5, force=True)
    train(books, second, 0.5, force=True)
    study.tell(second, 1.0)
    spend = books.spend(fresh=True)
    assert spend == Spend(0.0, 10.0, 5.0, 500.0)
    assert study.trials[1].user_attrs["spent"] == {
        "epochs": 2.0,
        "images": 200,
        "device_seconds": 4.0,
    }
    # Whoever looks from elsewhere sees the same.
    assert ledger(study, "1000 epochs").spend() == spend


def test_a_trial_on_several_devices_uses_them_all(study: optuna.Study) -> None:
    books = ledger(study, "1 gpu-hours", n_devices=4)
    train(books, asked(study), 3.0, force=True)
    assert books.spend().device_seconds == 24.0


def test_it_is_written_now_and_then_and_seen_here_at_once(study: optuna.Study) -> None:
    books, trial = ledger(study, "1 gpu-hours"), asked(study)
    for _ in range(5):
        train(books, trial, 1.0)
    assert "spent" not in study.trials[0].user_attrs
    assert books.spend(fresh=True).device_seconds == 10.0
    books.record(trial, epochs=0, images=0, device_seconds=0.0, force=True)
    assert study.trials[0].user_attrs["spent"]["epochs"] == 5.0
    assert books.spend().device_seconds == books.spend(fresh=True).device_seconds == 10.0


def test_attempts_of_one_trial_add_up_with_what_was_lost(study: optuna.Study) -> None:
    train(ledger(study, "100 epochs"), asked(study), 3.0, force=True)
    again = optuna.Trial(study, study.trials[0]._trial_id)
    other = ledger(study, "100 epochs")
    train(other, again, 4.0, force=True)
    assert other.spend(fresh=True).epochs == 7.0


def test_probes_count_as_time_of_a_device(study: optuna.Study) -> None:
    study.set_user_attr("probe/untrained", {"seconds": 3.0, "order": 0})
    study.set_user_attr("probe/0", {"seconds": 4.0, "order": 5})
    spend = ledger(study, "1 gpu-hours").spend()
    assert (spend.device_seconds, spend.probe_seconds) == (7.0, 7.0)


def test_a_claim_counts_until_it_is_spent_or_the_trial_has_ended(study: optuna.Study) -> None:
    books, trial = ledger(study, "20 epochs"), asked(study)
    assert not books.claim(trial, 9).stop
    assert study.trials[0].user_attrs["claimed"] == {"epochs": 9.0, "images": 900}
    assert books.spend(fresh=True).epochs == 9.0
    train(books, trial, 4.0, force=True)
    assert books.spend(fresh=True).epochs == 9.0
    study.tell(trial, state=TrialState.PRUNED)
    assert books.spend(fresh=True).epochs == 4.0


def test_a_claim_that_does_not_fit_is_taken_back(study: optuna.Study) -> None:
    books = ledger(study, "20 epochs, 2M images")
    first, second = asked(study), asked(study)
    assert not books.claim(first, 18).stop
    refused = books.claim(second, 3)
    assert (refused.stop, refused.kind) == (True, "budget")
    assert refused.reason == (
        "2 epochs left of the search's part of the budget; the way to the next rung takes 3 epochs"
    )
    assert study.trials[1].user_attrs["claimed"] == {"epochs": 0.0, "images": 0}
    assert not books.claim(second, 2).stop
    assert books.spend(fresh=True).epochs == 20.0


def test_images_are_claimed_like_epochs(study: optuna.Study) -> None:
    books = ledger(study, "1000 images")
    assert not books.claim(asked(study), 9).stop
    assert "200 images" in books.claim(asked(study), 2).reason
    assert not books.claim(asked(study), 1).stop


def test_a_trial_that_goes_on_claims_what_is_still_to_train_on_top_of_what_was_lost(
    study: optuna.Study,
) -> None:
    books, trial = ledger(study, "100 epochs"), asked(study)
    books.claim(trial, 3)
    train(books, trial, 3.0, force=True)
    trial.set_user_attr("rung/3", {"seconds": 6.0})
    books.claim(trial, 9)
    train(books, trial, 5.0, force=True)  # and then its process was killed
    again = optuna.Trial(study, study.trials[0]._trial_id)
    ledger(study, "100 epochs").claim(again, 9)
    assert study.trials[0].user_attrs["claimed"]["epochs"] == 8.0 + 6.0
    ledger(study, "100 epochs").claim(again, 9, done=7)
    assert study.trials[0].user_attrs["claimed"]["epochs"] == 8.0 + 2.0


def test_where_only_time_is_limited_nothing_is_claimed(study: optuna.Study) -> None:
    books = ledger(study, "100s")
    books._clock.seconds = 89.0  # type: ignore[misc]
    trial = asked(study)
    assert not books.claim(trial, 9).stop
    assert "claimed" not in study.trials[0].user_attrs
    books._clock.seconds = 90.5  # type: ignore[misc]
    assert books.claim(trial, 9).stop
    trial.set_user_attr("replicate_of", 0)
    assert not books.claim(trial, 9).stop


def test_the_time_that_may_be_taken_is_everybodys(study: optuna.Study) -> None:
    books, other = ledger(study, "0.01 gpu-hours"), ledger(study, "0.01 gpu-hours")
    trial = asked(study)
    assert not books.decision(True).stop
    other.record(trial, epochs=0, images=0, device_seconds=34.0, force=True)
    given_up = time.monotonic() + 60
    while not books.decision(True).stop:  # until what it has read is too old
        assert time.monotonic() < given_up
        time.sleep(0.05)
    assert not books.decision(False).stop
    books.record(trial, epochs=0, images=0, device_seconds=2.0)
    assert books.decision(False).stop


def test_time_is_known_from_trials_that_went_the_same_way(study: optuna.Study) -> None:
    books = ledger(study, "1h", n_devices=2)
    assert books.rung_cost(0, 9) == Spend(epochs=9.0, images=900.0)
    for seconds in (3.0, 5.0, 100.0):
        trial = asked(study)
        trial.set_user_attr("rung/3", {"seconds": seconds})
    trial.set_user_attr("rung/9", {"seconds": 130.0})
    books.spend(fresh=True)
    assert books.rung_cost(0, 3) == Spend(5.0, 10.0, 3.0, 300.0)
    assert books.rung_cost(3, 9).wall_seconds == 30.0
    # Nobody went from 3 to 5: at the median of 1, 5/3 and 130/9 seconds an epoch.
    assert books.rung_cost(3, 5).wall_seconds == pytest.approx(2 * 5 / 3)
    # Since a whole trial is known to take 130 s, it fits into no tenth of 1h: 360 s do.
    assert books.budget.whole.wall_seconds == 130.0
    part = books.budget.part("wall_seconds")
    assert part is not None
    assert part.search == 3600.0 * 0.8


# Two processes


@contextmanager
def locked(path: Path) -> Iterator[None]:
    with filelock.FileLock(path):
        yield


def claim_in_a_loop(
    out: Path, budget: str, with_lock: bool, pipe: Connection, stop_after: int
) -> None:
    """Run trials of one epoch a rung until a claim is refused; say what was trained."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.load_study(
        study_name=STUDY_NAME,
        storage=open_storage(out / "study.db"),
        sampler=optuna.samplers.RandomSampler(),
    )
    options = {"lock": lambda: locked(out / ".lock")} if with_lock else {}
    books = Ledger(study, Budget(parse_budget(budget)), Standing(), images_per_epoch=100, **options)
    pipe.send("ready")
    pipe.recv()
    trained, refused = 0, 0
    while refused < 3:
        trial, done = asked(study), 0
        while done < 4 and not books.claim(trial, done + 1, done=done).stop:
            done, trained = done + 1, trained + 1
            train(books, trial, 1.0, force=True)
            # Training takes its time. Who waits for the lock looks for it every 50 ms: without a
            # pause the other one would have it again each time.
            time.sleep(0.1)
            if trained == stop_after:
                books.claim(trial, done + 3, done=done)
                pipe.send(trained)
                os.kill(os.getpid(), signal.SIGKILL)
        refused += done < 4
        study.tell(trial, state=TrialState.PRUNED)
    pipe.send(trained)


def two_processes(
    out: Path, budget: str, *, with_lock: bool = False, killed_after: int = -1
) -> list[int]:
    """Return what each has trained."""
    context = multiprocessing.get_context("spawn")
    ends = []
    for stop_after in (-1, killed_after):
        ours, theirs = context.Pipe()
        arguments = (out, budget, with_lock, theirs, stop_after)
        process = context.Process(target=claim_in_a_loop, args=arguments)
        process.start()
        ends.append((process, ours))
    for _, pipe in ends:
        assert pipe.recv() == "ready"
    for _, pipe in ends:
        pipe.send("go")
    trained = [int(pipe.recv()) for _, pipe in ends]
    for process, _ in ends:
        process.join()
    return trained


@pytest.mark.slow
@pytest.mark.parametrize("with_lock", [False, True])
def test_two_processes_never_exceed_one_budget(tmp_path: Path, with_lock: bool) -> None:
    study = open_study(open_storage(tmp_path / "study.db"), direction="maximize")
    trained = two_processes(tmp_path, "30 epochs, 1M images", with_lock=with_lock)
    assert min(trained) > 0
    assert sum(trained) <= 30
    if with_lock:  # then they do not step back from each other either
        assert sum(trained) == 30
    assert ledger(study, "40 epochs").spend().epochs == sum(trained)


@pytest.mark.slow
def test_a_kill_leaves_the_sum_right(tmp_path: Path) -> None:
    study = open_study(open_storage(tmp_path / "study.db"), direction="maximize")
    trained = two_processes(tmp_path, "30 epochs", with_lock=True, killed_after=3)
    assert trained[1] == 3
    running = [t for t in study.trials if t.state == TrialState.RUNNING]
    assert len(running) == 1
    spent = [t.user_attrs["spent"]["epochs"] for t in study.trials if "spent" in t.user_attrs]
    assert sum(spent) == sum(trained)
    # What the killed trial had claimed stays its own, for whoever goes on with it.
    claimed = running[0].user_attrs["claimed"]["epochs"] - running[0].user_attrs["spent"]["epochs"]
    books = ledger(study, "30 epochs")
    assert books.spend().epochs == sum(trained) + claimed <= 30
    again = optuna.Trial(study, running[0]._trial_id)
    assert not books.claim(again, 3, done=0).stop
    assert books.spend(fresh=True).epochs == 30.0
