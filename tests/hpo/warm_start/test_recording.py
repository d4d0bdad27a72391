"""A new study that begins with older ones: what is recorded, once, and what is refused."""

from pathlib import Path
from typing import Any

import optuna
import pytest

from hpo.config import StudyConfig
from hpo.errors import ConfigError
from hpo.storage import open_storage, open_study
from hpo.warm_start.recording import check_sources, points_of, record_points
from tests.hpo.warm_start.older import add, new, older


def fresh(out: Path) -> optuna.Study:
    out.mkdir()
    return open_study(open_storage(out / "study.db"), direction="maximize")


def record(study: optuna.Study, config: StudyConfig, *sources: Path | str, n: int = 3) -> list[str]:
    notes: list[str] = []
    names = [str(source) for source in sources]
    space = config.search_space()
    record_points(study, names, config, space, n_trials=n, note=notes.append)
    return notes


def taken(study: optuna.Study) -> list[tuple[str, int]]:
    return [(Path(point.source).name, point.number) for point in points_of(study)]


def refused(config: StudyConfig, *sources: Path | str, n: int = 3) -> str:
    with pytest.raises(ConfigError) as caught:
        check_sources([str(source) for source in sources], config, n_trials=n)
    return str(caught.value)


def test_only_configurations_are_recorded_and_where_they_are_from(tmp_path: Path) -> None:
    older(tmp_path / "a", 1.0, 4.0, 3.0, 2.0).set_user_attr("choice", {"number": 3})
    study, config = fresh(tmp_path / "new"), new(tmp_path / "new")
    notes = record(study, config, tmp_path / "a")
    assert taken(study) == [("a", 3), ("a", 1), ("a", 2)]
    first = points_of(study)[0].values
    assert first == {"lr": 1e-3, "weight_decay": 0.01, "temperature": 0.13}
    assert study.get_trials() == []
    assert [note.endswith("configurations of trials 3, 1, 2") for note in notes] == [True]


def test_the_same_again_reads_nothing_again(tmp_path: Path) -> None:
    source = older(tmp_path / "a", 1.0, 2.0)
    study, config = fresh(tmp_path / "new"), new(tmp_path / "new")
    record(study, config, tmp_path / "a", n=2)
    before = points_of(study)
    add(source, 9.0, temperature=0.9)
    assert record(study, config, tmp_path / "a", n=2) == []
    (tmp_path / "a" / "study.db").unlink()
    assert record(study, config, tmp_path / "a", n=2) == []
    assert points_of(study) == before


def test_more_of_it_and_another_study_may_be_asked_for_later(tmp_path: Path) -> None:
    older(tmp_path / "a", 1.0, 2.0, 3.0)
    add(older(tmp_path / "b"), 5.0, temperature=0.1 + 2 / 100)  # the best of a
    add(older(tmp_path / "c"), 5.0, temperature=0.7)
    study, config = fresh(tmp_path / "new"), new(tmp_path / "new")
    record(study, config, tmp_path / "a", n=1)
    record(study, config, tmp_path / "a", tmp_path / "b", n=2)
    record(study, config, tmp_path / "a", tmp_path / "b", tmp_path / "c", n=2)
    assert taken(study) == [("a", 2), ("a", 1), ("c", 0)]


def test_the_published_defaults_are_not_taken_for_they_come_first_anyway(tmp_path: Path) -> None:
    add(older(tmp_path / "a", 1.0), 9.0)
    study = fresh(tmp_path / "new")
    notes = record(study, new(tmp_path / "new"), tmp_path / "a")
    assert taken(study) == [("a", 0)]
    assert notes[0].endswith("a: 2 trials to take, 3 wanted.")


def test_other_conditions_are_said_and_do_no_harm(tmp_path: Path) -> None:
    older(tmp_path / "a", 1.0, data="photos/", epochs=3, views={"min_scale": 0.5})
    study, config = fresh(tmp_path / "new"), new(tmp_path / "new", image_size=16)
    (note, _) = record(study, config, tmp_path / "a", n=1)
    assert note.endswith(
        "a: data 'photos/' there, 'digits' here; image_size None there, 16 here; epochs 3 there, "
        "9 here; other views: only configurations are taken."
    )


def test_all_mistakes_of_all_studies_are_one_error(tmp_path: Path) -> None:
    add(older(tmp_path / "wild"), 1.0, temperature=7.0, lr=5.0)
    older(tmp_path / "vicreg", 1.0, method="vicreg", optimizer="sgd")
    older(tmp_path / "young")
    (tmp_path / "empty").mkdir()
    names = ("wild", "vicreg", "young", "empty")
    lines = refused(new(tmp_path / "new"), *(tmp_path / name for name in names)).splitlines()
    told = [line.removeprefix(f"from {tmp_path}/") for line in lines]
    assert [text.partition(" (")[0][:30] for text in sorted(told)] == [
        "empty: holds no study",
        "vicreg: method: that study has",
        "vicreg: optimizer: that study ",
        "wild: lr: 5.0 of trial 0 is no",
        "wild: temperature: 7.0 of tria",
        "young: holds no trial to take,",
    ]
    assert "has 'vicreg', this one 'simclr'" in "".join(told)


def test_a_study_that_exists_is_not_checked_again(tmp_path: Path) -> None:
    fresh(tmp_path / "new")
    check_sources([str(tmp_path / "gone")], new(tmp_path / "new"), n_trials=3)
    assert "holds no study" in refused(new(tmp_path / "other"), tmp_path / "gone")


def test_a_choice_that_is_too_large_for_the_images_is_found_once_they_are_read(
    tmp_path: Path,
) -> None:
    add(older(tmp_path / "a", method="mocov2"), 1.0, queue=16384)
    config = new(tmp_path / "new", method="mocov2")
    sources = [str(tmp_path / "a")]
    check_sources(sources, config, n_trials=1)
    space = config.search_space().for_images(1500)
    with pytest.raises(
        ConfigError, match=r"queue: 16384 of trial 0 is not among .* too few images"
    ):
        check_sources(sources, config, n_trials=1, space=space)


def test_nothing_is_recorded_where_anything_is_wrong(tmp_path: Path) -> None:
    older(tmp_path / "a", 1.0)
    study, config = fresh(tmp_path / "new"), new(tmp_path / "new")
    with pytest.raises(ConfigError):
        record(study, config, tmp_path / "a", tmp_path / "gone")
    assert study.user_attrs == {}
    assert record(study, config, tmp_path / "a", n=1) != []


def test_a_study_does_not_begin_with_itself(tmp_path: Path) -> None:
    study = older(tmp_path / "a", 1.0)
    with pytest.raises(ConfigError, match="is this study itself"):
        record(study, new(tmp_path / "a"), tmp_path / "b" / ".." / "a")


# What an older version recorded, and what lies elsewhere


@pytest.mark.parametrize(
    "settings", [{"method": "simclr", "a_setting_of_old": 3, "epochs": "many"}, {"epochs": 9}]
)
def test_settings_of_an_older_version_are_not_validated(
    tmp_path: Path, settings: dict[str, Any]
) -> None:
    older(tmp_path / "a", 1.0).set_user_attr("config", settings)
    study = fresh(tmp_path / "new")
    record(study, new(tmp_path / "new"), tmp_path / "a", n=1)
    assert taken(study) == [("a", 0)]


def test_a_study_of_something_else_is_refused(tmp_path: Path) -> None:
    older(tmp_path / "a", 1.0).set_user_attr("config", {})
    assert "recorded no settings" in refused(new(tmp_path / "new"), tmp_path / "a")


def test_a_method_of_the_users_own_may_have_moved(tmp_path: Path) -> None:
    older(tmp_path / "a", 1.0).set_user_attr("config", {"method": "somewhere/else/simclr"})
    study = fresh(tmp_path / "new")
    record(study, new(tmp_path / "new"), tmp_path / "a", n=1)
    assert taken(study) == [("a", 0)]


def test_a_study_of_a_shared_database_is_named_by_url_and_name(tmp_path: Path) -> None:
    older(tmp_path / "a", 1.0, 2.0)
    url = f"sqlite:///{tmp_path}/a/study.db"
    study = fresh(tmp_path / "new")
    record(study, new(tmp_path / "new"), f"{url}#goldilocks", n=1)
    assert taken(study) == [("study.db#goldilocks", 1)]
    record(study, new(tmp_path / "new"), url, n=2)
    assert taken(study)[1:] == [("study.db", 0)]


def test_what_is_wrong_with_a_url_is_said_without_its_password(tmp_path: Path) -> None:
    older(tmp_path / "a", 1.0)
    url = f"sqlite:///{tmp_path}/a/study.db"
    config = new(tmp_path / "new")
    assert "got 'other'. Known: goldilocks." in refused(config, f"{url}#other")
    missing = tmp_path / "missing.db"
    assert f"there is no file {missing}" in refused(config, f"sqlite:///{missing}#x")
    assert not missing.exists()
    secret = refused(config, "postgresql://me:hunter2@host/db#x")
    assert "password" in secret
    assert "hunter2" not in secret
