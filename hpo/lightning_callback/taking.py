"""The measures by name, of two layers that one pass has described."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from torch import Tensor

from hpo.errors import ConfigError
from hpo.lightning_callback.tally import Layer
from objectives import (
    MEASURES,
    CollapseReport,
    EmbeddingError,
    SecondMoments,
    ViewMoments,
    alignment,
    alpha_req,
    covariance_rank,
    gate,
    get_measure,
    guarded_alpha_score,
    guarded_lidar_score,
    guarded_rank_score,
    idest,
    lidar,
    lidar_noise_corrected,
    nesum,
    participation_ratio,
    rankme,
    self_cluster,
    stable_rank,
    uniformity,
    view_retrieval,
)

FROM_THE_LOSS = "ssl_loss"


@dataclass(frozen=True)
class Seen:
    """What was seen of a network.

    Args:
        backbone: its features.
        projector: its embeddings; the features where it has no projector.
        report: whether the features are alive.
    """

    backbone: Layer
    projector: Layer
    report: CollapseReport


def take(names: Sequence[str], seen: Seen) -> dict[str, float]:
    """Measure by name, each on the layer that the registry names.

    Returns:
        Values; nan where one is undefined, −inf for a guarded one of a dead network.
    """
    values = {}
    for name in names:
        try:
            values[name] = _TAKEN[name](seen)
        except EmbeddingError:
            values[name] = math.nan  # undefined for these embeddings; the report says why
    return values


def check_measures(names: Sequence[str], objective: str | None) -> tuple[tuple[str, ...], str]:
    """Return the measures to take and the one that is the objective.

    Raises:
        ConfigError: for none, for one that is not of embeddings, or an objective not among them.
        UnknownMeasureError: for a name that the registry does not know.
    """
    if isinstance(names, str) or not names:
        raise ConfigError(
            f"measures: got {names!r}; wanted a tuple of names, such as ('guarded_alpha',)."
        )
    for name in names:
        if get_measure(name).name == FROM_THE_LOSS:
            raise ConfigError(
                f"measures: got {FROM_THE_LOSS!r}, which is not measured on embeddings; the module "
                "logs it itself."
            )
    chosen = names[0] if objective is None else objective
    if chosen not in names:
        raise ConfigError(
            f"objective: got {chosen!r}, which is not among the measures {tuple(names)}; wanted "
            "one of them."
        )
    return tuple(dict.fromkeys(names)), chosen


def that_need_views(names: Sequence[str]) -> list[str]:
    """Return those of the measures that need views of each image."""
    return [name for name in names if MEASURES[name].needs_views]


def _guarded(
    score: Callable[[float, float], float], rank: Callable[[Seen], float]
) -> Callable[[Seen], float]:
    def measure(seen: Seen) -> float:
        if not gate(collapse=[seen.report]).open:
            return -math.inf
        return score(rank(seen), view_retrieval(_views(seen.backbone)))

    return measure


def _spectral(measure: Callable[[SecondMoments], float]) -> Callable[[Seen], float]:
    return lambda seen: measure(seen.backbone.moments)


def _alpha(seen: Seen) -> float:
    return alpha_req(seen.backbone.moments).alpha


def _lidar(seen: Seen) -> float:
    return lidar(_view_moments(seen.backbone))


def _rows(layer: Layer) -> Tensor:
    return _given(layer.rows, "rows")


def _views(layer: Layer) -> Tensor:
    return _given(layer.views, "views")


def _view_moments(layer: Layer) -> ViewMoments:
    if layer.view_moments is None:
        raise EmbeddingError("views: got none of these images.")
    return layer.view_moments


def _given(rows: Tensor | None, what: str) -> Tensor:
    if rows is None:
        raise EmbeddingError(f"{what}: got none of these images.")
    return rows


_TAKEN: Mapping[str, Callable[[Seen], float]] = MappingProxyType(
    {
        "alignment": lambda seen: alignment(_views(seen.projector)),
        "alpha_req": _alpha,
        "covariance_rank": _spectral(covariance_rank),
        "guarded_alpha": _guarded(guarded_alpha_score, _alpha),
        "guarded_lidar": _guarded(guarded_lidar_score, _lidar),
        "guarded_rank": _guarded(guarded_rank_score, _spectral(rankme)),
        "idest": lambda seen: idest(_rows(seen.backbone)).dimension,
        "lidar": _lidar,
        "lidar_noise_corrected": lambda seen: lidar_noise_corrected(_view_moments(seen.backbone)),
        "nesum": _spectral(nesum),
        "participation_ratio": _spectral(participation_ratio),
        "rankme": lambda seen: rankme(seen.projector.moments),
        "self_cluster": lambda seen: self_cluster(_rows(seen.backbone)),
        "stable_rank": _spectral(stable_rank),
        "uniformity": lambda seen: uniformity(_rows(seen.projector)),
        "view_retrieval": lambda seen: view_retrieval(_views(seen.backbone)),
    }
)
