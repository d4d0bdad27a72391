"""What the tests of both masked methods share: small vision transformers and digits."""

from typing import Any

import torch
from torch import Tensor

from hpo.backbones import backbone_spec, build_backbone
from hpo.backbones.vit import ViTSpec
from hpo.embedding import Normalisation
from hpo.optimization import OptimizerPlan
from hpo.training import Training, TrainingPlan
from hpo.views import ViewPlan

SPEC = backbone_spec("vit_tiny", image_size=16, in_channels=1)
TINY = ViTSpec(
    name="vit_tiny", dim=32, in_channels=1, image_size=16, patch_size=4, depth=2, n_heads=2,
    mlp_width=64,
)  # fmt: skip
NORMALISATION = Normalisation((0.3,), (0.37,))


def vit(spec: ViTSpec = TINY) -> Any:
    torch.manual_seed(0)
    return build_backbone(spec)


def large(digits: Tensor) -> Tensor:
    """8 x 8 digits are two patches a side; 16 x 16 are four."""
    return digits.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)


def training(method: str, digits: Tensor, *, n_epochs: int, **hyperparameters: Any) -> Training:
    plan = TrainingPlan(
        backbone=TINY,
        method=method,
        method_parameters=hyperparameters,
        n_epochs=n_epochs,
        batch_size=32,
        views=ViewPlan.for_size(16).changed({"hf_prob": 0.0}),
        seed=0,
        optimizer=OptimizerPlan(lr=1e-2),
    )
    return Training(plan, large(digits), NORMALISATION, torch.device("cpu"))


def equal(first: Any, second: Any) -> bool:
    """Whether two states hold the same values."""
    if isinstance(first, Tensor):
        return torch.equal(first, second)
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(equal(v, second[k]) for k, v in first.items())
    if isinstance(first, list | tuple):
        return all(equal(a, b) for a, b in zip(first, second, strict=True))
    return bool(first == second)
