"""Directories and the studies of one database: who may go on with which."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import optuna
import pytest

from hpo import belonging
from hpo.belonging import check_place, open_shared_study
from hpo.config import load_config, to_yaml
from hpo.errors import StorageError, StudyMismatchError
from hpo.place import Place, place_of
from hpo.storage import StudyDirectory, load_study

Start = Callable[..., optuna.Study]


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(belonging, "_A_MOMENT_SECONDS", 0.0)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/shared.db"


@pytest.fixture
def start(tmp_path: Path, url: str) -> Iterator[Start]:
    """Starts a study, or goes on with it, as `goldilocks run` does before any training."""
    opened = []

    def start(out: str, **options: str | None) -> optuna.Study:
        given = {"out": tmp_path / out, "storage": url, **options}
        config = load_config(None, given)
        place = place_of(config)
        place.out.mkdir(exist_ok=True)
        check_place(place)
        storage = place.open()
        opened.append(storage)
        if not place.elsewhere:
            return optuna.create_study(study_name="goldilocks", storage=storage)
        study = open_shared_study(storage, place, direction="maximize")
        study.set_user_attr("identity", {"method": "simclr"})
        named = config.model_copy(update={"study_name": place.study_name})
        (place.out / "config.yaml").write_text(to_yaml(named))
        return study

    yield start
    for storage in opened:
        storage.engine.dispose()


def test_the_same_command_goes_on_with_the_same_study(start: Start, tmp_path: Path) -> None:
    first = start("photos")
    first.add_trial(optuna.trial.create_trial(value=1.0))
    again = start("photos")
    assert again.study_name == "photos"
    assert again.direction.name == "MAXIMIZE"
    assert len(again.trials) == 1
    found = load_study(StudyDirectory(tmp_path / "photos"))
    assert len(found.trials) == 1


def test_studies_of_different_names_share_a_database(start: Start) -> None:
    start("photos").add_trial(optuna.trial.create_trial(value=1.0))
    assert len(start("texts").trials) == 0
    assert len(start("photos").trials) == 1


def test_another_directory_of_the_same_name_is_refused(start: Start, tmp_path: Path) -> None:
    start("photos")
    (tmp_path / "b").mkdir()
    whose = rf"belongs to {tmp_path}/photos on {socket.gethostname()}, not to {tmp_path}/b/photos"
    with pytest.raises(StudyMismatchError, match=f"{whose}.*another --study-name.*its --out"):
        start("b/photos")
    assert start("b/photos", study_name="photos-b").study_name == "photos-b"
    assert start("photos").user_attrs["belongs_to"]["out"] == str(tmp_path / "photos")


def test_a_directory_that_was_moved_keeps_its_study(start: Start, tmp_path: Path) -> None:
    start("photos").add_trial(optuna.trial.create_trial(value=1.0))
    (tmp_path / "photos").rename(tmp_path / "moved")
    assert len(load_study(StudyDirectory(tmp_path / "moved")).trials) == 1
    with pytest.raises(StudyMismatchError, match="--study-name photos to go on"):
        start("moved")
    again = start("moved", study_name="photos")
    assert len(again.trials) == 1
    assert again.user_attrs["belongs_to"]["out"] == str(tmp_path / "moved")


def test_a_copy_of_a_directory_may_not_go_on_beside_it(start: Start, tmp_path: Path) -> None:
    start("photos")
    shutil.copytree(tmp_path / "photos", tmp_path / "copy")
    with pytest.raises(StudyMismatchError, match=f"copy is a copy of {tmp_path}/photos"):
        start("copy", study_name="photos")
    shutil.rmtree(tmp_path / "photos")
    start("copy", study_name="photos")


@pytest.mark.parametrize(
    ("first", "then", "words"),
    [
        ({"storage": None}, {}, r"recorded as .*/photos/study\.db; leave out --storage"),
        ({}, {"storage": None}, r"recorded as study 'photos' in .*shared\.db; give --storage"),
        ({}, {"study_name": "other"}, "give --storage .* --study-name photos to go on"),
        ({}, {"storage": "OTHER"}, r"give --storage sqlite:.*shared\.db --study-name photos"),
    ],
)
def test_a_directory_does_not_change_its_database_in_silence(
    first: dict[str, str | None],
    then: dict[str, str | None],
    words: str,
    start: Start,
    tmp_path: Path,
) -> None:
    start("photos", **first)
    if then.get("storage") == "OTHER":
        then = {"storage": f"sqlite:///{tmp_path}/other.db"}
    with pytest.raises(StudyMismatchError, match=words):
        start("photos", **then)


def test_a_database_that_was_moved_is_known_by_its_study(
    start: Start, tmp_path: Path, url: str
) -> None:
    start("photos").add_trial(optuna.trial.create_trial(value=1.0))
    optuna.copy_study(
        from_study_name="photos", from_storage=url, to_storage=f"sqlite:///{tmp_path}/new.db"
    )
    assert len(start("photos", storage=f"sqlite:///{tmp_path}/new.db").trials) == 1


def test_a_study_that_was_deleted_is_not_begun_anew_over_its_checkpoints(
    start: Start, tmp_path: Path, url: str
) -> None:
    start("photos")
    optuna.delete_study(study_name="photos", storage=url)
    with pytest.raises(StorageError, match=r"there is no study 'photos' .* any more"):
        start("photos")
    with pytest.raises(StorageError, match="holds no study named 'photos' yet"):
        load_study(StudyDirectory(tmp_path / "photos"))


def test_a_study_of_somebody_elses_is_left_alone(start: Start, url: str) -> None:
    study = optuna.create_study(study_name="photos", storage=url)
    study.add_trial(optuna.trial.create_trial(value=1.0))
    with pytest.raises(StudyMismatchError, match=r"not made by `goldilocks run`.*--study-name"):
        start("photos")
    assert study.user_attrs == {}


@pytest.mark.parametrize("identity", [None, {"method": "simclr"}])
def test_one_without_an_owner_is_taken_when_it_is_empty_or_was_copied_from_a_file(
    identity: dict[str, str] | None, start: Start, url: str
) -> None:
    study = optuna.create_study(study_name="photos", storage=url, direction="maximize")
    if identity is not None:
        study.set_user_attr("identity", identity)
        study.add_trial(optuna.trial.create_trial(value=1.0))
    assert start("photos").user_attrs["belongs_to"]["id"]


def test_looking_at_another_directorys_study_is_refused_too(start: Start, tmp_path: Path) -> None:
    start("photos")
    (tmp_path / "b").mkdir()
    shutil.copy(tmp_path / "photos" / "config.yaml", tmp_path / "b")
    with pytest.raises(StudyMismatchError, match="belongs to"):
        load_study(StudyDirectory(tmp_path / "b"))


def test_a_configuration_without_a_study_binds_to_nothing(
    start: Start, tmp_path: Path, url: str
) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "config.yaml").write_text(f"storage: {url}\nstudy-name: a\n")
    assert start("photos", study_name="b").study_name == "b"


def test_the_place_is_where_it_was_said(tmp_path: Path, url: str) -> None:
    with pytest.raises(StorageError, match=r"no study\.db, and no storage in config\.yaml"):
        load_study(StudyDirectory(tmp_path))
    assert Place(tmp_path, url, "a").elsewhere
