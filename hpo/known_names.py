"""The names that options take, without loading what they name."""

from __future__ import annotations

import search_spaces
from hpo.suggestion import suggestion

METHODS = tuple(search_spaces.method_names())
# As in the registry of `objectives`, which would load torch; a test holds the two equal.
OBJECTIVES = (
    "alignment",
    "alpha_req",
    "covariance_rank",
    "guarded_alpha",
    "guarded_lidar",
    "guarded_rank",
    "idest",
    "lidar",
    "lidar_noise_corrected",
    "nesum",
    "participation_ratio",
    "rankme",
    "self_cluster",
    "ssl_loss",
    "stable_rank",
    "uniformity",
    "view_retrieval",
)
BACKBONES = (
    "auto",
    "resnet101",
    "resnet10_narrow",
    "resnet18",
    "resnet18_narrow",
    "resnet34",
    "resnet50",
    "vit_base",
    "vit_small",
    "vit_tiny",
)


def known(name: str, value: str, names: tuple[str, ...]) -> str:
    """Return a name that is among the known ones.

    Raises:
        ValueError: when it is not, with the nearest that is.
    """
    if value in names:
        return value
    raise ValueError(f"got {value!r}, which is no known {name}. {suggestion(value, names)}")
