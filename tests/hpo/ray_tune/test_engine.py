"""Whole studies on a real Ray cluster, through the door that the command line uses."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
import pytest

from hpo.errors import ConfigError
from hpo.interruption import Interrupted, StopFlag
from hpo.observer import Silent
from hpo.storage import StudyDirectory, load_study
from hpo.study import run_study
from tests.hpo.ray_tune.own_cluster import cluster
from tests.hpo.studies import parameters, states, tiny, values

pytestmark = pytest.mark.slow

OPTIONS: dict[str, Any] = {"trials": 4, "epochs": 9, "batch_size": 128, "check_labels": True}


class Watching(Silent):
    """Keeps what it is told, and asks to stop once a number of epochs were reported."""

    def __init__(self, flag: StopFlag | None = None, n_epochs: int = 0) -> None:
        self.flag, self.left = flag, n_epochs
        self.epochs: list[tuple[int, int]] = []
        self.lines: list[str] = []

    def epoch(self, number: int, epoch: int) -> None:
        self.epochs.append((number, epoch))
        self.left -= 1
        if self.flag is not None and self.left == 0:
            self.flag.signal_name = "SIGINT"

    def note(self, text: str) -> None:
        self.lines.append(text)


@pytest.fixture(scope="module", autouse=True)
def home() -> Iterator[Path]:
    with cluster(num_cpus=2) as folder:
        yield folder


@pytest.fixture(scope="module")
def by_optuna(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("by_optuna") / "s"
    run_study(tiny(out, **OPTIONS))
    return out


def same(one: Path, other: Path) -> None:
    """Hold two studies equal in all but the time they took."""
    a, b = one / "study.db", other / "study.db"
    assert states(a) == states(b)
    assert parameters(a) == parameters(b)
    assert values(a) == values(b)
    first, second = load_study(StudyDirectory(one)), load_study(StudyDirectory(other))
    assert first.user_attrs["choice"] == second.user_attrs["choice"]
    for x, y in zip(first.trials, second.trials, strict=True):
        assert _decided(x) == _decided(y)
        assert x.user_attrs["spent"]["images"] == y.user_attrs["spent"]["images"]


def _decided(trial: optuna.trial.FrozenTrial) -> dict[str, Any]:
    kinds = ("decision/", "order/", "finding/", "outcome", "hyperparameters", "measured_as")
    return {k: v for k, v in trial.user_attrs.items() if k.startswith(kinds)}


def test_the_same_seed_gives_the_same_study_with_both_engines(
    by_optuna: Path, tmp_path: Path, home: Path
) -> None:
    out, watching = tmp_path / "s", Watching()
    run_study(tiny(out, engine="ray", **OPTIONS), observer=watching)
    same(out, by_optuna)
    assert {number for number, _ in watching.epochs} == {0, 1, 2, 3}
    # What Ray kept of trials that have ended is gone, and what the study keeps is there.
    assert list((out / "ray").iterdir()) == []
    kept = {path.name for path in (out / "checkpoints").iterdir()}
    assert kept == {path.name for path in (by_optuna / "checkpoints").iterdir()}
    assert not (home / "ray_results").exists()


def test_a_finished_study_asks_nothing_of_ray(by_optuna: Path, tmp_path: Path) -> None:
    out = tmp_path / "s"
    shutil.copytree(by_optuna, out)
    run_study(tiny(out, engine="ray", **OPTIONS))
    assert not (out / "ray").exists()
    same(out, by_optuna)


def test_engines_may_take_turns_in_one_study(by_optuna: Path, tmp_path: Path) -> None:
    out = tmp_path / "s"
    turns = (("ray", 3), ("optuna", 5), ("ray", 2))
    for engine, n_epochs in turns:
        flag = StopFlag()
        with pytest.raises(Interrupted, match="SIGINT"):
            run_study(
                tiny(out, engine=engine, **OPTIONS),
                flag=flag,
                observer=Watching(flag, n_epochs),
            )
    run_study(tiny(out, engine="ray", **OPTIONS))
    a, b = out / "study.db", by_optuna / "study.db"
    assert states(a) == states(b)
    assert parameters(a) == parameters(b)
    assert values(a) == values(b)


def test_two_at_once_finish_within_a_budget_in_epochs(tmp_path: Path) -> None:
    given = OPTIONS | {"trials": None, "workers": 2, "budget": "30 epochs", "replicates": 0}
    study = run_study(tiny(tmp_path / "s", engine="ray", max_concurrent=2, **given))
    spent = sum(trial.user_attrs["spent"]["epochs"] for trial in study.trials)
    assert 20 < spent <= 30.000001
    assert "RUNNING" not in dict(states(tmp_path / "s" / "study.db")).values()


def test_checkpoints_may_lie_behind_a_url(by_optuna: Path, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    given = OPTIONS | {"storage_path": f"local://{shared}"}
    run_study(tiny(tmp_path / "s", engine="ray", **given))
    same(tmp_path / "s", by_optuna)
    assert [list(folder.iterdir()) for folder in shared.iterdir()] == [[]]
    assert not (tmp_path / "s" / "ray").exists()


def test_what_no_node_can_give_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cpus_per_trial.*no node of the cluster has the 64 CPU"):
        run_study(tiny(tmp_path / "s", engine="ray", cpus_per_trial=64))
    assert not (tmp_path / "s").exists()
