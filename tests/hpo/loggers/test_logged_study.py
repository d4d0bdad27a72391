"""Whole studies, trained: logged while they run, described as they end, on both engines."""

from pathlib import Path

import optuna
import pytest
from optuna.artifacts import get_all_artifact_meta

from hpo.config import load_config
from hpo.dashboard.notes import read_note
from hpo.errors import ConfigError
from hpo.study import run_study
from tests.hpo.loggers.test_tensorboard_log import read
from tests.hpo.studies import TINY, tiny

pytest.importorskip("tensorboard")


def steps(out: Path, number: int) -> list[int]:
    events = read(out / "tensorboard" / f"trial-{number:04d}")
    return [point.step for point in events.Scalars("guarded_alpha")]


def described(study: optuna.Study) -> list[tuple[str, int]]:
    """How each trial's note begins, and how many artifacts it has."""
    attrs = study._storage.get_study_system_attrs(study._study_id)
    return [
        (
            read_note(attrs, trial._trial_id).split("**")[1],
            len(get_all_artifact_meta(trial, storage=study._storage)),
        )
        for trial in study.trials
    ]


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["optuna", pytest.param("ray", marks=pytest.mark.ray)])
def test_a_study_that_goes_on_logs_and_describes_everything_once(
    tmp_path: Path, engine: str
) -> None:
    options = {"log": ["tensorboard"], "engine": engine, "prune": False, "filter": False}
    if engine == "optuna":
        options["workers"] = 2
    study = run_study(tiny(tmp_path, trials=2, **options))
    assert [steps(tmp_path, number) for number in (0, 1)] == [[1, 2, 6]] * 2
    assert described(study) == [("finished", 1)] * 2
    study = run_study(tiny(tmp_path, trials=3, **options))
    assert [steps(tmp_path, number) for number in (0, 1, 2)] == [[1, 2, 6]] * 3
    assert described(study) == [("finished", 1)] * 3
    attrs = study._storage.get_study_system_attrs(study._study_id)
    chosen = study.user_attrs["choice"]["number"]
    assert f"trial {chosen}: " in read_note(attrs, None)
    assert "**Chosen**" in read_note(attrs, study.trials[chosen]._trial_id)
    assert study.metric_names == ["guarded_alpha"]
    assert "tensorboard" in (tmp_path / "config.yaml").read_text()


def test_an_unknown_logger_is_refused_before_a_study_is_made(tmp_path: Path) -> None:
    out = tmp_path / "study"
    with pytest.raises(ConfigError, match="log"):
        load_config(None, {**TINY, "out": out, "log": ["comet"]})
    assert not out.exists()
