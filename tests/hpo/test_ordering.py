"""One order for reports, decisions, probes and rounds."""

from pathlib import Path

import optuna
import pytest

from hpo.ordering import next_order


@pytest.fixture(params=["memory", "sqlite"])
def study(request: pytest.FixtureRequest, tmp_path: Path) -> optuna.Study:
    storage = None if request.param == "memory" else f"sqlite:///{tmp_path}/study.db"
    return optuna.create_study(storage=storage)


def test_an_empty_study_begins_with_one(study: optuna.Study) -> None:
    assert next_order(study) == 1


def test_the_next_place_comes_after_every_kind_of_entry(study: optuna.Study) -> None:
    first, second = study.ask(), study.ask()
    first.set_user_attr("order/6", 1)
    assert next_order(study) == 2
    first.set_user_attr("decision/6", {"order": 4})
    assert next_order(study) == 5
    second.set_user_attr("order/6", 7)
    assert next_order(study) == 8
    study.set_user_attr("probe/0", {"order": 9, "cross_validated": 0.5})
    assert next_order(study) == 10
    study.set_user_attr("round/1", {"order": 12})
    assert next_order(study) == 13


def test_entries_of_other_kinds_and_probes_without_a_place_count_for_nothing(
    study: optuna.Study,
) -> None:
    trial = study.ask()
    trial.set_user_attr("rung/6", {"order": 99})
    study.set_user_attr("probe/untrained", {"cross_validated": 0.5})
    assert next_order(study) == 1
