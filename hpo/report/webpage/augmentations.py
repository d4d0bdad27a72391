"""What the chosen trial was trained on: a few images and the views that it saw of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hpo.errors import ConfigError, in_a_line
from hpo.report.webpage.pictures import data_uri

if TYPE_CHECKING:
    from torch import Tensor

    from hpo.record import TrialRow
    from hpo.training import TrainingPlan
    from hpo.views import ViewRecipe
    from hpo.workload import Workload

N_IMAGES, N_VIEWS = 6, 6


@dataclass(frozen=True)
class Augmented:
    """An image with views of it.

    Args:
        uri: of the image as it is stored.
        views: of its views, as data URIs.
    """

    uri: str
    views: tuple[str, ...]


def augmentations_of(workload: Workload, row: TrialRow) -> tuple[Augmented, ...]:
    """Draw views of six training images as the trial's training drew them, with its own options.

    Args:
        workload: the study's.
        row: the trial, whose hyperparameters may hold options of the views.

    Raises:
        ConfigError: when the method of today does not take the trial's hyperparameters.
    """
    import torch

    from hpo.data.store import TensorStore
    from hpo.embedding import Normalisation
    from hpo.views.stream import epoch_order, open_stream

    n = min(N_IMAGES, len(workload.train))
    plan, recipes = _planned(workload, row)
    order = torch.randperm(len(workload.train), generator=torch.Generator().manual_seed(0))
    images = workload.train.read(order[:n])
    channels = images.shape[1]
    stream = open_stream(
        plan.pipeline,
        TensorStore(images),
        recipes,
        Normalisation((0.0,) * channels, (1.0,) * channels),
        batch_size=n,
        seed=plan.seed,
        device=torch.device("cpu"),
        n_loader_workers=0,
    )
    drawn: list[list[Tensor]] = [[] for _ in range(n)]
    epoch = 0
    while len(drawn[0]) < N_VIEWS:
        place = epoch_order(n, plan.seed, epoch).tolist()
        for views in next(stream.epoch(epoch)):
            for position, view in zip(place, views, strict=True):
                drawn[position].append(view)
        epoch += 1
    return tuple(
        Augmented(data_uri(image), tuple(_uri(view) for view in views[:N_VIEWS]))
        for image, views in zip(images, drawn, strict=True)
    )


def _planned(workload: Workload, row: TrialRow) -> tuple[TrainingPlan, list[ViewRecipe]]:
    """One recipe a view: how many there are is the method's business, so it has to be built."""
    from hpo.backbones import build_backbone
    from hpo.methods import build_learner

    try:
        plan = workload.plan(row.hyperparameters)
        backbone = build_backbone(plan.backbone)
        learner = build_learner(plan.method, backbone, plan.backbone.dim, **plan.method_parameters)
    except (KeyError, TypeError, ValueError) as error:
        # The study is of another version, or the user's own method has changed since.
        raise ConfigError(
            f"trial {row.number}: its hyperparameters do not fit {workload.config.method} as it is "
            f"now ({in_a_line(error)})"
        ) from error
    n_global, n_local = getattr(learner, "n_global", 2), getattr(learner, "n_local", 0)
    return plan, plan.views.recipes(n_global=n_global, n_local=n_local)


def _uri(view: Tensor) -> str:
    return data_uri(view.mul(255.0).round().clamp(0, 255).byte())
