"""Small trainings for two processes, which each of them can make by itself."""

from dataclasses import fields, replace
from typing import Any, cast

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn

from hpo.backbones import backbone_spec
from hpo.embedding import Normalisation
from hpo.methods import Learner, Method, build_method, learner
from hpo.methods.criteria import Pair
from hpo.optimization import OptimizerPlan
from hpo.training import Training, TrainingPlan
from hpo.views import ViewPlan
from search_spaces import Categorical

PLAN = TrainingPlan(
    backbone=backbone_spec("resnet10_narrow", image_size=8, in_channels=1),
    method="simclr",
    optimizer=OptimizerPlan(name="sgd", lr=0.05, weight_decay=0.01, warmup_share=0.0),
    n_epochs=4,
    batch_size=16,
    views=ViewPlan.for_size(8).changed({"hf_prob": 0.0}),
    seed=3,
)
OWN = "tests.hpo.devices.trials"


def plan(**changed: Any) -> TrainingPlan:
    """The plan above with some of its own fields or its optimiser's changed."""
    own = {field.name for field in fields(TrainingPlan)}
    optimizing = replace(PLAN.optimizer, **{k: v for k, v in changed.items() if k not in own})
    return replace(PLAN, optimizer=optimizing, **{k: v for k, v in changed.items() if k in own})


def digits() -> tuple[Tensor, Normalisation]:
    """54 digits: three batches of 16 and six images left over."""
    images = torch.from_numpy((load_digits().images[:54] * 15.9).astype("uint8"))[:, None]
    return images, Normalisation.of(images)


def fewer_digits() -> tuple[Tensor, Normalisation]:
    images, normalisation = digits()
    return images[:50], normalisation


def no_digits() -> tuple[Tensor, Normalisation]:
    raise ValueError("the disk is gone")


def alone(of: TrainingPlan) -> Training:
    return Training(of, *digits(), torch.device("cpu"))


@learner(of=Categorical(["simclr"], default="simclr"), width=Categorical([8], default=8))
def without_norms(backbone: nn.Module, *, of: str = "simclr", width: int = 8) -> nn.Module:
    """A method without BatchNorm, whose statistics on CPUs are those of a part of the batch."""
    own = {"embedding_dim": width, "whitening_size": 16} if of == "wmse" else {}
    made = Learner(backbone, build_method(of, 128, **own))
    for module in list(made.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.BatchNorm1d | nn.BatchNorm2d):
                setattr(module, name, nn.Identity())
    return made


class Reconstruction(nn.Module):
    """A loss of its own: a mean over images of how well an image's mean is told."""

    def __init__(self, backbone: nn.Module) -> None:
        super().__init__()
        self.backbone, self.head = backbone, nn.Linear(128, 1)
        for module in list(backbone.modules()):
            for name, child in module.named_children():
                if isinstance(child, nn.BatchNorm2d):
                    setattr(module, name, nn.Identity())

    def forward(self, views: list[Tensor]) -> Tensor:
        told = self.head(self.backbone(views[0]))[:, 0]
        return cast(Tensor, (told - views[0].mean(dim=(1, 2, 3))).square().mean())


class SharedReconstruction(Reconstruction):
    loss_is_mean_over_images = True


@learner()
def reconstruction(backbone: nn.Module) -> nn.Module:
    return Reconstruction(backbone)


@learner()
def shared_reconstruction(backbone: nn.Module) -> nn.Module:
    return SharedReconstruction(backbone)


class GatheringPair(Pair):
    """A loss whose own switch for several devices somebody turned on."""

    def __init__(self) -> None:
        from lightly.loss import VICRegLoss

        super().__init__(VICRegLoss(gather_distributed=True))


@learner()
def gathering_itself(backbone: nn.Module) -> nn.Module:
    made = without_norms(backbone, of="vicreg")
    made.criterion = GatheringPair()
    return made


class FailsOnTheSecond(nn.Module):
    """Runs out of something, on the second device only."""

    def forward(self, z: Tensor) -> Tensor:
        if torch.distributed.is_initialized() and torch.distributed.get_rank() == 1:
            raise MemoryError("nothing left on the second")
        return z


@learner()
def failing(backbone: nn.Module) -> nn.Module:
    return Learner(backbone, Method(FailsOnTheSecond(), build_method("simclr", 128).criterion))
