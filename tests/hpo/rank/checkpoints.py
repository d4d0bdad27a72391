"""Checkpoints as other people have them, written by the libraries that they use."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
import torchvision
from lightly.loss import NTXentLoss
from lightly.models.modules import SimCLRProjectionHead
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset


class SimCLR(pl.LightningModule):
    """Built as Lightly's example builds it: the network's children in a Sequential, no `fc`."""

    def __init__(self, width: int = 512, temperature: float = 0.5) -> None:
        super().__init__()
        self.save_hyperparameters()
        resnet = torchvision.models.resnet18()
        self.backbone = nn.Sequential(*list(resnet.children())[:-1])
        self.projection_head = SimCLRProjectionHead(width, 64, 32)
        self.criterion = NTXentLoss(temperature)

    def forward(self, images: Tensor) -> Tensor:
        embeddings: Tensor = self.projection_head(self.backbone(images).flatten(start_dim=1))
        return embeddings

    def training_step(self, batch: list[Tensor], index: int) -> Tensor:
        loss: Tensor = self.criterion(self(batch[0]), self(batch[1]))
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.01, momentum=0.9)


def trained_by_lightning(path: Path) -> SimCLR:
    """Train two steps and write a checkpoint with everything that a Trainer puts into one."""
    torch.manual_seed(0)
    module, images = SimCLR(), torch.rand(16, 3, 32, 32)
    loader: DataLoader[Any] = DataLoader(TensorDataset(images, images.flip(-1)), batch_size=8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # advice about workers and logging
        trainer = pl.Trainer(
            max_epochs=1,
            accelerator="cpu",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(module, loader)
        trainer.save_checkpoint(path)
    return module.eval()


def torchvision_file(path: Path, seed: int = 1) -> nn.Module:
    """Write a whole ResNet-18 with its classifier, and return it without."""
    torch.manual_seed(seed)
    net = torchvision.models.resnet18()
    torch.save(net.state_dict(), path)
    net.fc = nn.Identity()
    return net.eval()
