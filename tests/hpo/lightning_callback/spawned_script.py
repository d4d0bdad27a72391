"""A study whose trainings each start two processes, as a user's script."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import optuna
import torch
from lightly.loss import NTXentLoss
from lightly.models.modules import SimCLRProjectionHead
from torch import Tensor, nn
from torch.utils.data import DataLoader

from hpo.lightning_callback import LabelFreeCallback
from tests.hpo.lightning_callback.modules import Views


class Small(pl.LightningModule):
    def __init__(self, lr: float) -> None:
        super().__init__()
        self.backbone = nn.Sequential(nn.Conv2d(3, 8, 3, 2), nn.BatchNorm2d(8), nn.ReLU())
        self.projection_head = SimCLRProjectionHead(392, 32, 16)
        self.criterion, self.lr = NTXentLoss(), lr

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        (x0, x1), _, _ = batch
        z0, z1 = (self.projection_head(self.backbone(x).flatten(1)) for x in (x0, x1))
        return self.criterion(z0, z1)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), self.lr)


def main(folder: Path) -> None:
    loader = DataLoader(Views(torch.rand(64, 3, 16, 16)), batch_size=16)

    def objective(trial: optuna.Trial) -> float:
        label_free = LabelFreeCallback(loader, trial=trial, on_collapse="log")
        trainer = pl.Trainer(
            accelerator="cpu", devices=2, strategy="ddp_spawn", max_epochs=3, logger=False,
            callbacks=[label_free], enable_checkpointing=False, enable_progress_bar=False,
        )  # fmt: skip
        trainer.fit(Small(trial.suggest_float("lr", 1e-3, 1e-2)), loader)
        return label_free.result()

    # Nobody reaches a hundred, so the trial is pruned where pruning begins: after two epochs.
    study = optuna.create_study(
        storage=f"sqlite:///{folder / 'study.db'}",
        study_name="spawned",
        direction="maximize",
        pruner=optuna.pruners.ThresholdPruner(lower=100.0, n_warmup_steps=2),
    )
    study.optimize(objective, n_trials=1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
