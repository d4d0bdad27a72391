"""Modules as Lightly's examples have them, their data, and trainers, of either package.

Attributes and steps are those of the examples: `backbone` of a torchvision ResNet without its last
layer, `projection_head`, `(x0, x1) = batch[0]`. Here the ResNet has four blocks.
"""

from __future__ import annotations

import copy
import importlib
from pathlib import Path
from typing import Any

import torch
from lightly.loss import BarlowTwinsLoss, NegativeCosineSimilarity, NTXentLoss
from lightly.models.modules import (
    BarlowTwinsProjectionHead,
    BYOLPredictionHead,
    BYOLProjectionHead,
    SimCLRProjectionHead,
)
from lightly.models.utils import deactivate_requires_grad, update_momentum
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision.models.resnet import BasicBlock, ResNet
from torchvision.transforms import v2

PACKAGES = ("pytorch_lightning", "lightning.pytorch")
METHODS = ("simclr", "barlow_twins", "byol")


class Views(Dataset[Any]):
    """Digits as Lightly's data sets give them: (views, label, file name)."""

    def __init__(self, images: Tensor, n_views: int = 2) -> None:
        self.images, self.n_views = images, n_views
        self.transform = v2.RandomResizedCrop(images.shape[-1], (0.5, 1.0), antialias=True)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[list[Tensor], int, str]:
        views = [self.transform(self.images[index]) for _ in range(self.n_views)]
        return views, index % 10, f"{index}.png"


def pictures(digits: Tensor, size: int = 16) -> Tensor:
    """float32 (n, 3, size, size)."""
    images = nn.functional.interpolate(digits.float() / 255.0, size=(size, size))
    return images.expand(-1, 3, -1, -1).contiguous()


def loader(images: Tensor, batch_size: int = 32, **options: Any) -> DataLoader[Any]:
    return DataLoader(Views(images), batch_size=batch_size, **options)


def module(package: str, method: str = "tiny", **options: Any) -> Any:
    pl: Any = importlib.import_module(package)
    torch.manual_seed(0)
    return {"simclr": _simclr, "barlow_twins": _barlow, "byol": _byol, "tiny": _tiny}[method](
        pl, **options
    )


def trainer(package: str, folder: Path, **options: Any) -> Any:
    pl: Any = importlib.import_module(package)
    quiet = {"enable_progress_bar": False, "enable_model_summary": False, "logger": False}
    if "callbacks" not in options or not _saves(options["callbacks"]):
        quiet["enable_checkpointing"] = False
    return pl.Trainer(
        **{"accelerator": "cpu", "devices": 1, "default_root_dir": str(folder), **quiet, **options}
    )


def _saves(callbacks: Any) -> bool:
    each = callbacks if isinstance(callbacks, list) else [callbacks]
    return any(type(callback).__name__ == "ModelCheckpoint" for callback in each)


def _resnet() -> nn.Module:
    return nn.Sequential(*list(ResNet(BasicBlock, [1, 1, 1, 1]).children())[:-1])


def _optimizer(self: Any) -> torch.optim.Optimizer:
    return torch.optim.SGD(self.parameters(), lr=0.06)


def _siamese(pl: Any, head: nn.Module, criterion: nn.Module) -> Any:
    class Siamese(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.backbone = _resnet()
            self.projection_head = head
            self.criterion = criterion

        def forward(self, x: Tensor) -> Tensor:
            x = self.backbone(x).flatten(start_dim=1)
            return self.projection_head(x)

        def training_step(self, batch: Any, batch_index: int) -> Tensor:
            (x0, x1), _, _ = batch
            return self.criterion(self.forward(x0), self.forward(x1))

        configure_optimizers = _optimizer

    return Siamese()


def _simclr(pl: Any) -> Any:
    return _siamese(pl, SimCLRProjectionHead(512, 512, 128), NTXentLoss())


def _barlow(pl: Any) -> Any:
    return _siamese(pl, BarlowTwinsProjectionHead(512, 256, 256), BarlowTwinsLoss())


def _byol(pl: Any) -> Any:
    class BYOL(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.backbone = _resnet()
            self.projection_head = BYOLProjectionHead(512, 256, 128)
            self.prediction_head = BYOLPredictionHead(128, 256, 128)
            self.backbone_momentum = copy.deepcopy(self.backbone)
            self.projection_head_momentum = copy.deepcopy(self.projection_head)
            deactivate_requires_grad(self.backbone_momentum)
            deactivate_requires_grad(self.projection_head_momentum)
            self.criterion = NegativeCosineSimilarity()

        def forward(self, x: Tensor) -> Tensor:
            y = self.backbone(x).flatten(start_dim=1)
            return self.prediction_head(self.projection_head(y))

        def forward_momentum(self, x: Tensor) -> Tensor:
            y = self.backbone_momentum(x).flatten(start_dim=1)
            return self.projection_head_momentum(y).detach()

        def training_step(self, batch: Any, batch_idx: int) -> Tensor:
            update_momentum(self.backbone, self.backbone_momentum, m=0.99)
            update_momentum(self.projection_head, self.projection_head_momentum, m=0.99)
            (x0, x1), _, _ = batch
            p0, p1 = self.forward(x0), self.forward(x1)
            z0, z1 = self.forward_momentum(x0), self.forward_momentum(x1)
            return 0.5 * (self.criterion(p0, z1) + self.criterion(p1, z0))

        configure_optimizers = _optimizer

    return BYOL()


def _tiny(pl: Any, lr: float = 0.3, shrink: bool = False, projector: bool = True) -> Any:
    """SimCLR on a small network: eight seconds less a test; or one trained to a point."""

    class Tiny(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.backbone = nn.Sequential(
                nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(0.1),
                nn.Conv2d(8, 16, 3, 2, 1), nn.BatchNorm2d(16), nn.ReLU(), nn.AdaptiveAvgPool2d(2),
            )  # fmt: skip
            if projector:
                self.projection_head = SimCLRProjectionHead(64, 64, 32)
            self.criterion = NTXentLoss()

        def training_step(self, batch: Any, batch_idx: int) -> Tensor:
            (x0, x1), _, _ = batch
            h0, h1 = (self.backbone(x).flatten(start_dim=1) for x in (x0, x1))
            if shrink:
                return (h0 - 1.0).square().mean() + (h1 - 1.0).square().mean()
            if projector:
                h0, h1 = self.projection_head(h0), self.projection_head(h1)
            loss = self.criterion(h0, h1)
            self.log("train_loss", loss, on_epoch=True, sync_dist=True, batch_size=len(x0))
            return loss

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.parameters(), lr=lr)

    return Tiny()
