"""A study that begins with an older one, trained for real."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hpo.config import load_config
from hpo.errors import ConfigError
from hpo.record import read_rows
from hpo.study import run_study
from tests.hpo.studies import TINY, tiny


def beginnings(study: Any) -> list[str]:
    return [row.origin.rpartition("/")[2] for row in read_rows(study, running=False)]


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("studies") / "a"
    run_study(tiny(out, epochs=2, sampler="random", prune=False, filter=False))
    return out


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_the_best_come_after_the_defaults_once(tmp_path: Path, older: Path, workers: int) -> None:
    options = {"epochs": 3, "warm_start": str(older), "from_trials": 2, "workers": workers}
    config = tiny(tmp_path / "new", **options, sampler="random", prune=False, filter=False)
    study = run_study(config.model_copy(update={"trials": 2}))
    again = run_study(config.model_copy(update={"trials": 4}))
    origins = beginnings(again)
    assert origins[0] == ""
    assert origins[1] in {f"a's trial {n}" for n in range(3)}
    marks = [t.user_attrs.get("warm_start_from") for t in again.get_trials()]
    points = again.user_attrs["warm_start"]["points"]
    assert [mark for mark in marks if mark] == [point[:2] for point in points]
    assert len(again.get_trials()) == 4
    for trial in again.get_trials()[1 : 1 + len(points)]:
        assert trial.params == points[trial.number - 1][2]
    assert points == study.user_attrs["warm_start"]["points"]


def test_what_does_not_fit_is_refused_before_any_image_is_read(tmp_path: Path, older: Path) -> None:
    options = {**TINY, "out": tmp_path / "new", "data": "nowhere", "warm_start": [str(older)]}
    config = load_config(
        None, {**options, "space": {"temperature": {"low": 0.199, "high": 0.2001}}}
    )
    with pytest.raises(ConfigError, match=r"temperature: .* (is|are) not in") as caught:
        run_study(config)
    assert "--space temperature=" in str(caught.value)
    assert not (tmp_path / "new" / "study.db").exists()


def test_a_password_is_refused_and_not_repeated() -> None:
    with pytest.raises(ConfigError, match=r"^from: got a URL with a password") as caught:
        load_config(None, {"warm_start": "postgresql://me:hunter2@host/db#a"})
    assert "hunter2" not in str(caught.value)


def test_the_option_is_a_name_or_several_and_may_be_called_from(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("from: studies/a\nfrom-trials: 5")
    config = load_config(tmp_path / "c.yaml", {})
    assert (config.warm_start, config.from_trials) == (["studies/a"], 5)
    assert load_config(None, {"warm_start": ["a", "b"]}).warm_start == ["a", "b"]
