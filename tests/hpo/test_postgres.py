"""Studies in a real PostgreSQL: refusals, a password, a restart, and several starting at once."""

from __future__ import annotations

import gc
import pickle
import re
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import optuna
import pytest
from optuna.storages import RDBStorage
from sqlalchemy import event

from hpo.belonging import check_place, open_shared_study
from hpo.database import open_database
from hpo.errors import StorageError, StudyMismatchError
from hpo.interruption import Interrupted, StopFlag
from hpo.place import Place
from hpo.storage_url import checked_url
from tests.hpo.postgres import PASSWORD, Server, server

# Of what could not be opened, the connections are left to the garbage collector.
_LEFT_OPEN = "ignore:.*was deleted while still open:ResourceWarning"
_HEARTBEAT = "ignore:Heartbeat of storage is supposed to be used"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings(_LEFT_OPEN),
    pytest.mark.filterwarnings(_HEARTBEAT),
]


@pytest.fixture(autouse=True)
def _collect_them() -> Iterator[None]:
    yield
    gc.collect()


@pytest.fixture(scope="module")
def postgres() -> Iterator[Server]:
    with server() as running:
        running.sql("CREATE ROLE guest LOGIN", "CREATE DATABASE closed")
        yield running


@pytest.fixture
def opened(postgres: Server) -> Iterator[list[RDBStorage]]:
    """Storages to close after the test."""
    storages: list[RDBStorage] = []
    yield storages
    for storage in storages:
        storage.engine.dispose()


def refused(url: str) -> str:
    started = time.monotonic()
    with pytest.raises(StorageError) as caught:
        open_database(checked_url(url))
    assert time.monotonic() - started < 12
    return str(caught.value)


def test_what_is_wrong_is_said_with_what_to_do(
    postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PGPASSWORD", raising=False)
    assert "create it: CREATE DATABASE nothing" in refused(postgres.url("nothing"))
    assert "GRANT CREATE ON SCHEMA public TO guest" in refused(postgres.url("closed", "guest"))
    assert "give the user's name in the URL" in refused(postgres.url(user="nobody-here"))
    away = postgres.tcp_url().replace(str(postgres.port), "1")
    assert "see whether the server runs" in refused(away)
    assert "see whether the server runs" in refused(
        "postgresql+psycopg://a@/d?host=/no/such/folder"
    )


def test_a_reader_may_look_and_not_write(postgres: Server, opened: list[RDBStorage]) -> None:
    url = postgres.new_database("looked_at")
    opened.append(open_database(url))
    study = optuna.create_study(study_name="a", storage=opened[0])
    message = refused(postgres.url("looked_at", "guest"))
    assert "let its owner grant guest SELECT" in message
    postgres.sql("GRANT SELECT ON ALL TABLES IN SCHEMA public TO guest", database="looked_at")
    opened.append(open_database(postgres.url("looked_at", "guest")))
    seen = optuna.load_study(study_name="a", storage=opened[1])
    assert seen.trials == study.trials


def test_a_password_comes_from_the_environment_or_a_file_and_is_shown_nowhere(
    postgres: Server,
    opened: list[RDBStorage],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("PGPASSWORD", raising=False)
    assert "PGPASSWORD, ~/.pgpass or a service" in refused(postgres.tcp_url())
    monkeypatch.setenv("PGPASSWORD", f"{PASSWORD}-wrong")
    wrong = refused(postgres.tcp_url())
    assert "give the right password by the environment variable PGPASSWORD" in wrong
    assert PASSWORD not in wrong
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    opened.append(open_database(postgres.tcp_url()))
    monkeypatch.delenv("PGPASSWORD")
    (tmp_path / "pass").write_text(f"*:*:*:*:{PASSWORD}\n")
    (tmp_path / "pass").chmod(0o600)
    opened.append(open_database(f"{postgres.tcp_url()}?passfile={tmp_path}/pass"))
    (tmp_path / "service").write_text(
        f"[lab]\nhost=127.0.0.1\nport={postgres.port}\nuser=admin\ndbname=studies\n"
        f"password={PASSWORD}\n"
    )
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "service"))
    opened.append(open_database("postgresql+psycopg://?service=lab"))
    assert all(storage.get_all_studies() == [] for storage in opened)


def test_a_server_that_was_restarted_in_between_is_not_noticed(
    postgres: Server, opened: list[RDBStorage]
) -> None:
    said: list[str] = []
    opened.append(open_database(postgres.new_database("restarted"), say=said.append))
    study = optuna.create_study(storage=opened[0])
    trial = study.ask()
    trial.report(0.5, step=1)
    for farewell in (signal.SIGINT, signal.SIGQUIT):
        postgres.stop(farewell)
        postgres.start()
        # Not one of the transactions that are done again when their connection dies.
        assert "after" not in opened[0].get_trial_user_attrs(trial._trial_id)
        trial.set_user_attr(f"after {farewell.name}", True)
    study.tell(trial, 1.0)
    (found,) = study.trials
    assert found.intermediate_values == {1: 0.5}
    assert set(found.user_attrs) == {"after SIGINT", "after SIGQUIT"}
    assert said == []


def test_a_server_that_is_away_is_waited_for(postgres: Server, opened: list[RDBStorage]) -> None:
    said: list[str] = []
    opened.append(open_database(postgres.new_database("away"), say=said.append))
    study = optuna.create_study(storage=opened[0])
    postgres.stop()
    back = threading.Timer(3.0, postgres.start)
    back.start()
    study.set_user_attr("a", 1)
    back.join()
    assert study.user_attrs == {"a": 1}
    assert [re.sub(r".*(is away|is back).*", r"\1", text) for text in said] == [
        "is away",
        "is back",
    ]


def test_a_worker_waits_for_a_server_that_is_away_when_it_starts(
    postgres: Server, opened: list[RDBStorage]
) -> None:
    url = postgres.new_database("underway")
    opened.append(open_database(url))
    postgres.stop()
    back = threading.Timer(2.0, postgres.start)
    back.start()
    refused(url)
    opened.append(open_database(url, underway=True))
    back.join()
    assert opened[1].get_all_studies() == []


def test_waiting_ends_when_somebody_asks_to_stop_or_after_a_while(
    postgres: Server, opened: list[RDBStorage]
) -> None:
    flag = StopFlag()
    url = postgres.new_database("given_up")
    opened.append(open_database(url, check=flag.check, patience_seconds=2.0))
    study = optuna.create_study(storage=opened[0])
    postgres.stop()
    try:
        started = time.monotonic()
        with pytest.raises(StorageError, match=r"was away for 2 s .*the same command goes on"):
            study.set_user_attr("a", 1)
        assert time.monotonic() - started > 2
        started = time.monotonic()
        with pytest.raises(StorageError, match="was away"):
            study.set_user_attr("a", 1)
        assert time.monotonic() - started < 1.5
        flag.signal_name = "SIGTERM"
        with pytest.raises(Interrupted, match="SIGTERM"):
            study.set_user_attr("a", 1)
    finally:
        postgres.start()


@pytest.mark.parametrize("moment", ["before_cursor_execute", "commit"])
def test_what_a_dying_connection_undid_is_done_again_and_a_lost_commit_ends_the_study(
    moment: str, postgres: Server, opened: list[RDBStorage]
) -> None:
    opened.append(open_database(postgres.new_database("cut")))
    study = optuna.create_study(storage=opened[0])
    cuts = ["first"]

    def cut(*_: object) -> None:
        if cuts:
            cuts.clear()
            postgres.sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'cut'"
            )

    event.listen(opened[0].engine, moment, cut)
    if moment == "commit":
        with pytest.raises(StorageError, match=r"in the middle of a write .*command goes on") as e:
            study.set_user_attr("a", 1)
        assert str(pickle.loads(pickle.dumps(e.value))) == str(e.value)
        assert study.user_attrs == {}
    else:
        study.set_user_attr("a", 1)
        assert study.user_attrs == {"a": 1}
    assert cuts == []
    assert study.ask().number == 0


def test_many_studies_may_start_at_once_in_an_empty_database(
    postgres: Server, opened: list[RDBStorage], tmp_path: Path
) -> None:
    url = postgres.new_database("crowded")

    def start(number: int) -> str:
        # The last two directories are both called `same`: one of them is refused.
        name = f"{number}/study-{number}" if number < 4 else f"{number}/same"
        place = Place(tmp_path / name, url, Path(name).name)
        place.out.mkdir(parents=True)
        try:  # by whichever of the two looks when the other one is there
            check_place(place)
            storage = place.open()
            opened.append(storage)
            study = open_shared_study(storage, place, direction="maximize")
        except StudyMismatchError:
            return "refused"
        study.set_user_attr("mine", number)
        return study.study_name

    with ThreadPoolExecutor(6) as threads:
        ended = list(threads.map(start, range(6)))
    assert sorted(ended) == ["refused", "same", *(f"study-{n}" for n in range(4))]
    summaries = optuna.get_all_study_summaries(opened[0])
    found = {s.study_name: s.user_attrs["mine"] for s in summaries}
    assert {f"study-{n}": n for n in range(4)}.items() <= found.items()
