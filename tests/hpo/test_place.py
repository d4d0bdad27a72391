"""Where a study is recorded, by its configuration and by what its directory says."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest

from hpo.config import load_config, to_yaml
from hpo.errors import ConfigError, StorageError
from hpo.place import Place, place_of, recorded_place


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/shared.db"


def test_without_a_database_it_is_the_directorys_own_file(tmp_path: Path) -> None:
    place = place_of(load_config(None, {"out": tmp_path / "a"}))
    assert place == Place(tmp_path / "a", None, "goldilocks")
    assert not place.elsewhere
    assert place.describe() == f"{tmp_path}/a/study.db"


def test_in_a_database_the_name_is_the_directorys_or_the_given_one(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def name(out: Path | str, **more: str) -> str:
        return place_of(load_config(None, {"out": out, "storage": url, **more})).study_name

    monkeypatch.chdir(tmp_path)
    assert name(tmp_path / "photos") == "photos"
    assert name("studies/photos/") == "photos"
    assert name(".") == tmp_path.name
    assert name("/") == "goldilocks"
    assert name("photos", study_name="a name") == "a name"


def test_a_directory_says_where_its_study_is(tmp_path: Path, url: str) -> None:
    out = tmp_path / "photos"
    assert recorded_place(out) is None
    out.mkdir()
    assert recorded_place(out) is None
    config = load_config(None, {"out": out, "storage": url, "study_name": "x"})
    (out / "config.yaml").write_text(to_yaml(config))
    assert recorded_place(out) == place_of(config) == Place(out, url, "x")
    (out / "config.yaml").write_text(f"storage: {url}\nstudy-name: y\n")
    assert recorded_place(out) == Place(out, url, "y")
    (out / "config.yaml").write_text("epochs: 3\n")
    assert recorded_place(out) is None
    (out / "study.db").touch()
    assert recorded_place(out) == Place(out)


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("storage: postgresql+psycopg://u:7Zq@h/d", ConfigError, "a URL with a password"),
        ("storage: postgresql://u:7Zq@h/d: x", StorageError, "no valid YAML"),
        ("\xff", StorageError, "cannot be read"),
    ],
)
def test_a_configuration_that_was_spoilt_is_a_message(
    text: str, kind: type[Exception], words: str, tmp_path: Path
) -> None:
    (tmp_path / "config.yaml").write_text(text, encoding="latin-1")
    with pytest.raises(kind, match=words) as caught:
        recorded_place(tmp_path)
    assert "7Zq" not in str(caught.value)


def test_the_options_that_name_a_place_can_be_pasted(tmp_path: Path) -> None:
    place = Place(tmp_path, "postgresql+psycopg://a@/d?host=/x&port=1", "my study")
    assert place.options() == (
        "--storage 'postgresql+psycopg://a@/d?host=%2Fx&port=1' --study-name 'my study'"
    )


def test_both_kinds_open_with_a_heartbeat(tmp_path: Path, url: str) -> None:
    for place in (Place(tmp_path), Place(tmp_path, url, "x")):
        storage = place.open()
        assert storage.get_heartbeat_interval() == 60
        callback = storage.get_heartbeat_stale_trial_callback()
        assert isinstance(callback, optuna.storages.RetryHeartbeatStaleTrialCallback)
        with storage.engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 60_000
        storage.engine.dispose()
