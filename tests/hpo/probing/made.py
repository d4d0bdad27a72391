"""Made features and labels."""

from __future__ import annotations

import torch
from torch import Tensor

CLASSES = torch.arange(120) % 4


def separable(labels: Tensor, dim: int = 6, seed: int = 0) -> Tensor:
    """Features in which every class has a direction of its own."""
    generator = torch.Generator().manual_seed(seed)
    noise = 0.1 * torch.randn(len(labels), dim, generator=generator)
    return noise + torch.eye(dim)[labels]


def noise(n: int, dim: int = 6) -> Tensor:
    return torch.randn(n, dim, generator=torch.Generator().manual_seed(1))
