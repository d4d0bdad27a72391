"""Objectives that take a second a trial, and what their studies are compared by."""

from __future__ import annotations

from typing import Any

import optuna
import torch
from optuna.trial import FrozenTrial
from torch import Tensor

from hpo.label_free import Embeddings, LabelFreeObjective
from tests.hpo.studies import TINY

OPTIONS: dict[str, Any] = {
    **{name: TINY[name] for name in ("image_size", "batch_size", "precision", "least_moved")},
    "epochs": 2,
    "max_images": 500,
    "lidar_views": 2,
    "threads": 1,
}


def made(**options: Any) -> LabelFreeObjective:
    """Return an objective over SimCLR on the digits."""
    return LabelFreeObjective("digits", "simclr", **{**OPTIONS, **options})


def studied(objective: Any, n_trials: int = 1, **study: Any) -> optuna.Study:
    """Return a study with some trials of an objective, drawn at random but always the same."""
    catch = study.pop("catch", ())
    given = {"sampler": optuna.samplers.RandomSampler(seed=0), **study}
    if "directions" not in given:
        given = {"direction": objective.direction, **given}
    begun = optuna.create_study(**given)
    begun.optimize(objective, n_trials=n_trials, catch=catch)
    return begun


def only(study: optuna.Study) -> FrozenTrial:
    """Return the one trial of a study."""
    (trial,) = study.get_trials(deepcopy=False)
    return trial


def features(*, n_images: int = 120, dim: int = 8, decay: float = 0.5, seed: int = 0) -> Tensor:
    """Return embeddings whose spectrum falls by a power."""
    drawn = torch.randn(n_images, dim, generator=torch.Generator().manual_seed(seed))
    return drawn * torch.arange(1, dim + 1) ** -decay


def views_of(rows: Tensor, *, n_views: int = 3, noise: float = 0.1) -> Tensor:
    """Return noisy views of embeddings."""
    generator = torch.Generator().manual_seed(1)
    drawn = torch.randn(len(rows), n_views, rows.shape[1], generator=generator)
    return rows[:, None] + noise * drawn


def found(decay: float = 0.5, seed: int = 0) -> Embeddings:
    """Return embeddings with views."""
    rows = features(decay=decay, seed=seed)
    return Embeddings(rows, views_of(rows))
