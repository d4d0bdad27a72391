"""What a user's training function yields at a rung, in whichever form."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from hpo.errors import ConfigError
from objectives import EmbeddingError, Measure
from objectives.embeddings import ArrayLike


@dataclass(frozen=True)
class Embeddings:
    """What a network makes of the images that are measured; the same images in every trial.

    Args:
        embeddings: floating (n_images, dim), features of the images without augmentation.
        views: floating (n_images, n_views, dim), features of fixed augmented views, of the same
            images or of fewer; for the measures that need them.
        projector: floating (n_images, any), the features through the projector, where there is
            one: `rankme` and `uniformity` are taken of it then.
        projector_views: floating (n_images, n_views, any), likewise for `alignment`.
        values: further numbers to record by name, such as `ssl_loss`, which may be optimised too.

    Raises:
        EmbeddingError: for views of another size than the embeddings.
    """

    embeddings: ArrayLike
    views: ArrayLike | None = None
    projector: ArrayLike | None = None
    projector_views: ArrayLike | None = None
    values: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, rows, views in (
            ("views", self.embeddings, self.views),
            ("projector_views", self.projector, self.projector_views),
        ):
            if views is None:
                continue
            dims = None if rows is None else rows.shape[-1], views.shape[-1]
            if dims[0] != dims[1]:
                raise EmbeddingError(
                    f"{name}: got {dims[1]} features beside {dims[0]} of the images; wanted as "
                    "many: read both at the same layer."
                )


def numbered(yields: Iterable[Any]) -> Iterator[tuple[int, Embeddings]]:
    """Return what was yielded with its epoch.

    Args:
        yields: each an `Embeddings`, a tensor or array (n_images, dim), or a pair of an epoch and
            either. Without an epoch it is one more than before, from 1.

    Yields:
        Epochs, ascending, and embeddings; epoch 0 is the untrained network.

    Raises:
        ConfigError: for something else, or an epoch that is not later than the one before.

    >>> import torch
    >>> [epoch for epoch, _ in numbered([(0, torch.eye(3)), torch.eye(3), (6, torch.eye(3))])]
    [0, 1, 6]
    """
    last = -1
    for given in yields:
        epoch, what = max(last, 0) + 1, given
        if isinstance(given, tuple) and len(given) == 2:
            epoch, what = given
        if not isinstance(what, Embeddings):
            if not hasattr(what, "shape"):
                raise ConfigError(
                    f"train: yielded a {type(given).__name__}; wanted embeddings (images, "
                    "features), hpo.label_free.Embeddings, or a pair of an epoch and either."
                )
            what = Embeddings(what)
        if not isinstance(epoch, int) or isinstance(epoch, bool) or epoch <= last:
            raise ConfigError(
                f"train: yielded epoch {epoch!r} after {last if last >= 0 else 'none'}; wanted a "
                "whole number, each larger than the one before, 0 for the untrained network."
            )
        last = epoch
        yield epoch, what


def missing_for(measure: Measure, found: Embeddings) -> str:
    """Say what a measure needs that was not yielded; empty when it has all.

    Args:
        measure: that is optimised.
        found: as yielded.

    >>> import torch
    >>> from objectives import get_measure
    >>> missing_for(get_measure("lidar"), Embeddings(torch.eye(3)))[:42]
    'views: lidar needs several views of each i'
    """
    name = measure.name
    if name in found.values:
        return ""
    if measure.layer == "loss":
        return (
            f"values: {name} is not measured but the training's own; yield "
            f"hpo.label_free.Embeddings(features, values={{{name!r}: loss}})."
        )
    if not measure.needs_views:
        return ""
    if found.views is None:
        return (
            f"views: {name} needs several views of each image, (images, views, features), and "
            "none were yielded; yield hpo.label_free.Embeddings(features, views=views), or "
            "optimise a measure that needs none, such as rankme or alpha_req."
        )
    of_projector = measure.layer == "projector" and found.projector is not None
    if of_projector and found.projector_views is None:
        return f"projector_views: {name} is taken of the projector; yield its views too."
    return ""
