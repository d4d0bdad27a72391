"""Loggers beside a search: in threads of their own, and never in its way."""

import threading
import time
from pathlib import Path

import pytest

from hpo.loggers import logging_to, watching
from hpo.observer import Silent
from tests.hpo.dashboard.made import begin, end, made_study
from tests.hpo.loggers.logged import Kept


class Notes(Silent):
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.threads: set[int] = set()

    def note(self, text: str) -> None:
        self.lines.append(text)
        self.threads.add(threading.get_ident())


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Kept:
    kept = Kept()
    monkeypatch.setattr(watching, "open_loggers", lambda *_: [kept])
    return kept


def test_without_loggers_nothing_is_in_between(tmp_path: Path) -> None:
    study, directory = made_study(tmp_path)
    observer = Silent()
    with logging_to([], study, directory, "a", observer) as watched:
        assert watched is observer


def test_what_happens_is_logged_by_the_end(tmp_path: Path, kept: Kept) -> None:
    study, directory = made_study(tmp_path)
    notes = Notes()
    with logging_to(["kept"], study, directory, "a", notes) as watched:
        end(begin(study), None)
        watched.rows([])
        end(begin(study), None)  # nobody is told of this one
    assert [len(points) for points in kept.runs.values()] == [4, 4]
    assert kept.n_closed == 1
    assert notes.lines == []


def test_an_outage_is_said_once_and_so_is_its_end(
    tmp_path: Path, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "_AGAIN_AFTER_SECONDS", 0.02)
    study, directory = made_study(tmp_path)
    notes, kept.away = Notes(), True
    with logging_to(["kept"], study, directory, "a", notes) as watched:
        end(begin(study), None)
        watched.rows([])
        wait_until(lambda: watched.time(1.0) or len(notes.lines) == 1)
        time.sleep(0.2)  # it is tried again several times
        kept.away = False
        wait_until(lambda: watched.time(1.0) or len(notes.lines) == 2)
    assert "log: kept: ConnectionError: nobody there; the study goes on" in notes.lines[0]
    assert "for long" not in notes.lines[0]  # one line
    assert "answers again" in notes.lines[1]
    assert len(kept.runs["run-0-of-0"]) == 4
    assert notes.threads == {threading.get_ident()}  # the terminal is nobody else's


def test_an_outage_to_the_end_does_not_end_the_study(tmp_path: Path, kept: Kept) -> None:
    study, directory = made_study(tmp_path)
    notes, kept.away = Notes(), True
    started = time.monotonic()
    with logging_to(["kept"], study, directory, "a", notes) as watched:
        end(begin(study), None)
        watched.rows([])
    assert time.monotonic() - started < 20  # not the minute between two attempts
    assert len(notes.lines) == 1
    kept.away = False
    with logging_to(["kept"], study, directory, "a", notes):
        pass
    assert len(kept.runs["run-0-of-0"]) == 4


def test_a_logger_that_hangs_is_left_behind(
    tmp_path: Path, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "_LAST_WORDS_SECONDS", 0.2)
    study, directory = made_study(tmp_path)
    let_go, notes = threading.Event(), Notes()
    monkeypatch.setattr(kept, "start", lambda log: let_go.wait() and "run")
    with logging_to(["kept"], study, directory, "a", notes) as watched:
        begin(study)
        watched.rows([])
    let_go.set()
    assert notes.lines == [
        "log: kept: does not answer; what is missing there is logged by the next run"
    ]


def test_what_ends_the_search_passes_through(tmp_path: Path, kept: Kept) -> None:
    study, directory = made_study(tmp_path)

    def search() -> None:
        with logging_to(["kept"], study, directory, "a", Silent()):
            end(begin(study), None)
            raise RuntimeError("three trials in a row failed")

    with pytest.raises(RuntimeError, match="three trials"):
        search()
    assert len(kept.runs["run-0-of-0"]) == 4


def wait_until(condition: object, seconds: float = 60.0) -> None:
    give_up = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < give_up
        time.sleep(0.01)
