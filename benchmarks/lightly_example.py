"""SimCLR as Lightly's own examples write it: PIL transforms, a DataLoader, one loop.

The same backbone, head, loss and optimiser as ours, so that only the way of running differs. It
trains on a folder of images (every epoch decodes its files) or on an array of small ones.

    python -m benchmarks.lightly_example DATA --size 32 --epochs 1 --loaders 2 --threads 2
"""

from __future__ import annotations

import argparse
import json
import time
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightly.data import LightlyDataset
from lightly.loss import NTXentLoss
from lightly.models.modules import SimCLRProjectionHead
from lightly.transforms import SimCLRTransform
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from hpo.backbones import backbone_spec, build_backbone


class SimCLR(nn.Module):
    """As in the example: a backbone, flattened, and a projection head."""

    def __init__(self, size: int, channels: int) -> None:
        super().__init__()
        spec = backbone_spec("resnet10_narrow", image_size=size, in_channels=channels)
        self.backbone = build_backbone(spec)
        self.projection_head = SimCLRProjectionHead(spec.dim, spec.dim, 128)

    def forward(self, x: Tensor) -> Tensor:
        return self.projection_head(self.backbone(x).flatten(start_dim=1))


class ArrayDataset(Dataset[tuple[Any, int, str]]):
    """Images in memory, handed to the transform as PIL images, as torchvision's sets do."""

    def __init__(self, file: Path, transform: Any) -> None:
        self.images = np.load(file)["images"]
        self.transform = transform

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Any, int, str]:
        return self.transform(Image.fromarray(self.images[index])), 0, str(index)


def dataset_of(data: Path, size: int, channels: int) -> Dataset[Any]:
    mean = std = [0.5] * channels
    transform = SimCLRTransform(
        input_size=size,
        min_scale=0.2,
        cj_strength=0.5,
        gaussian_blur=0.0,
        normalize={"mean": mean, "std": std},
    )
    if data.suffix == ".npz":
        return ArrayDataset(data, transform)
    return LightlyDataset(str(data), transform=transform)


def main() -> None:
    """Train, then print one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--size", type=int, required=True)
    parser.add_argument("--channels", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--loaders", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=None, help="stop after so many steps")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    model = SimCLR(options.size, options.channels)
    loader = DataLoader(
        dataset_of(options.data, options.size, options.channels),
        batch_size=128,
        shuffle=True,
        drop_last=True,
        num_workers=options.loaders,
        persistent_workers=options.loaders > 0,
    )
    criterion = NTXentLoss(0.2)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-4)
    model.train()
    n_images, started = 0, time.perf_counter()
    batches = chain.from_iterable(loader for _ in range(options.epochs))
    for views, _, _ in islice(batches, options.steps):
        loss = criterion(model(views[0]), model(views[1]))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        n_images += len(views[0])
    print(json.dumps({"images": n_images, "seconds": time.perf_counter() - started}))


if __name__ == "__main__":
    main()
