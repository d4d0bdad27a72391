"""Two processes of one training (DDP, gloo, CPU): one value, one trial, one verdict."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import optuna
import pytest
import torch
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from torch import Tensor

from hpo.lightning_callback import LabelFreeCallback
from hpo.lightning_callback.gauge import LoaderGauge
from hpo.lightning_callback.images import MeasuringImages
from hpo.lightning_callback.network import Network
from hpo.lightning_callback.start import Start
from tests.hpo.lightning_callback.modules import PACKAGES, loader, module, trainer

MEASURES = (
    "guarded_rank", "guarded_lidar", "rankme", "alpha_req", "lidar", "alignment", "uniformity",
    "view_retrieval",
)  # fmt: skip
SHARES = {"accelerator": "cpu", "devices": 2, "strategy": "ddp_fork"}


class Witness(importlib.import_module(PACKAGES[0]).Callback):  # type: ignore[misc]
    """Writes down what each process holds, for the processes end with the training."""

    def __init__(self, label_free: LabelFreeCallback, folder: Path) -> None:
        self.label_free, self.folder = label_free, folder

    def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
        self._write(trainer, "start", {"values": self.label_free.values})

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        ours = self.label_free
        trial = ours._trial
        seen = {
            "values": ours.values,
            "params": None if trial is None else trial.params,
            "verdict": ours.verdict.reason,
            "stops": trainer.should_stop,
            "epochs": trainer.current_epoch,
        }
        self._write(trainer, "end", seen)
        if trainer.is_global_zero:
            torch.save(pl_module.state_dict(), self.folder / "network.pt")
            torch.save(ours.state_dict(), self.folder / "state.pt")

    def _write(self, trainer: Any, when: str, seen: dict[str, Any]) -> None:
        path = self.folder / f"{when}{trainer.global_rank}.json"
        path.write_text(json.dumps(seen))


def read(folder: Path, when: str) -> list[dict[str, Any]]:
    return [json.loads((folder / f"{when}{rank}.json").read_text()) for rank in range(2)]


def with_quick_statistics(network: Any) -> Any:
    """BatchNorm that describes the last batch: other images, and so others, in each process."""
    for part in network.modules():
        if hasattr(part, "momentum"):
            part.momentum = 0.9
    return network


def in_a_file(folder: Path, pruner: Any = None) -> optuna.Study:
    storage = JournalStorage(JournalFileBackend(str(folder / "study.log")))
    return optuna.create_study(storage=storage, direction="maximize", pruner=pruner)


def test_two_processes_measure_what_one_would(small: Tensor, tmp_path: Path) -> None:
    # 97 images: a sampler that shares them out would count one of them twice.
    images = loader(small[:97])
    label_free = LabelFreeCallback(images, measures=MEASURES)
    network = with_quick_statistics(module(PACKAGES[0]))
    callbacks = [label_free, Witness(label_free, tmp_path)]
    run = trainer(PACKAGES[0], tmp_path, callbacks=callbacks, max_epochs=1, **SHARES)
    run.fit(network, loader(small))

    gauge = LoaderGauge(MeasuringImages(images), MEASURES)
    single = with_quick_statistics(module(PACKAGES[0]))
    start, found = gauge.start(Network.of(single, None, None), 0, 1)
    first, second = read(tmp_path, "start")
    assert first == second
    for name in MEASURES:
        assert first["values"][name] == pytest.approx(found.values[name], rel=1e-6), name

    # After training: of the network that a checkpoint holds, BatchNorm statistics included.
    single.load_state_dict(torch.load(tmp_path / "network.pt", weights_only=True))
    stored = torch.load(tmp_path / "state.pt", weights_only=True)
    torch.testing.assert_close(Start.of_state(stored["start"]).features, start.features)
    trained = gauge.measure(Network.of(single, None, None), start, 0, 1).values
    first, second = read(tmp_path, "end")
    assert first == second
    for name in (*MEASURES, "moved"):
        assert first["values"][name] == pytest.approx(trained[name], rel=1e-5), name
    assert first["values"]["moved"] > 0.01


def test_all_processes_have_one_trial_and_hear_one_verdict(small: Tensor, tmp_path: Path) -> None:
    # The second report is worse than this for anybody, so every trial ends there.
    pruner = optuna.pruners.ThresholdPruner(lower=100.0, n_warmup_steps=2)
    study = in_a_file(tmp_path, pruner)
    runs: list[list[dict[str, Any]]] = []

    def objective(trial: optuna.Trial) -> float:
        lr = trial.suggest_float("lr", 0.05, 0.5, log=True)
        label_free = LabelFreeCallback(loader(small[:64]), trial=trial)
        callbacks = [label_free, Witness(label_free, tmp_path)]
        run = trainer(PACKAGES[0], tmp_path, callbacks=callbacks, max_epochs=9, **SHARES)
        run.fit(module(PACKAGES[0], lr=lr), loader(small))
        runs.append(read(tmp_path, "end"))
        return label_free.result()

    study.optimize(objective, n_trials=2)
    assert [trial.state.name for trial in study.trials] == ["PRUNED", "PRUNED"]
    for trial, (first, second) in zip(study.trials, runs, strict=True):
        assert first == second
        assert first["params"] == trial.params
        assert first["stops"]
        assert first["epochs"] == 2
        assert "ThresholdPruner" in first["verdict"]
    assert [list(trial.intermediate_values) for trial in study.trials] == [[1, 2], [1, 2]]


def test_processes_with_trials_of_their_own_are_refused(small: Tensor, tmp_path: Path) -> None:
    study = in_a_file(tmp_path)
    trials = [study.ask(), study.ask()]
    for trial in trials:
        trial.suggest_float("lr", 0.05, 0.5)

    class Asks(LabelFreeCallback):
        """As where each process asks the study by itself: see optuna#6043."""

        def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
            self._trial = trials[trainer.global_rank]
            super().setup(trainer, pl_module, stage)

    run = trainer(PACKAGES[0], tmp_path, callbacks=Asks(loader(small)), max_epochs=1, **SHARES)
    with pytest.raises(Exception, match=r"trial: got number 1 .* in process 1, and number 0"):
        run.fit(module(PACKAGES[0]), loader(small))


def test_a_study_in_memory_is_refused_where_processes_only_have_a_copy(
    small: Tensor, tmp_path: Path
) -> None:
    trial = optuna.create_study(direction="maximize").ask()
    label_free = LabelFreeCallback(loader(small), trial=trial)
    run = trainer(PACKAGES[0], tmp_path, callbacks=label_free, max_epochs=1, **SHARES)
    with pytest.raises(Exception, match="trial: got one whose study lives in memory"):
        run.fit(module(PACKAGES[0]), loader(small))


@pytest.mark.slow
def test_a_script_whose_trainings_spawn_processes_has_its_trial_pruned(tmp_path: Path) -> None:
    script = Path(__file__).with_name("spawned_script.py")
    root = str(Path(__file__).parents[3])
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path)],
        env={**os.environ, "PYTHONPATH": root},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    study = optuna.load_study(study_name="spawned", storage=f"sqlite:///{tmp_path / 'study.db'}")
    (trial,) = study.trials
    assert trial.state.name == "PRUNED"
    assert list(trial.intermediate_values) == [1, 2]


def test_an_error_of_the_process_that_asks_ends_the_other_too(
    small: Tensor, tmp_path: Path
) -> None:
    class Broken(optuna.pruners.BasePruner):
        def prune(self, study: optuna.Study, trial: optuna.trial.FrozenTrial) -> bool:
            raise OSError("the disk is full")

    trial = in_a_file(tmp_path, Broken()).ask()
    label_free = LabelFreeCallback(loader(small), trial=trial)
    run = trainer(PACKAGES[0], tmp_path, callbacks=label_free, max_epochs=9, **SHARES)
    # Without word of it the other one would wait for half an hour.
    with pytest.raises(Exception, match="the disk is full"):
        run.fit(module(PACKAGES[0]), loader(small))
