"""What could be an objective: pure functions from a rung's measures to a score, higher better.

Few, named, each with its reason; none was fitted to accuracies. Those of several columns are
votes: their ranks among the trials at hand are averaged, so they have no value of their own to
tell a sampler.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from objectives import MEASURES

PROJECTOR_BY_NAME = ("alignment", "rankme", "uniformity")
"""Their column without a layer is the projector's; all others' is the backbone's."""


@dataclass(frozen=True)
class Rungs:
    """A cell's trials up to one rung.

    Args:
        now: a row a trial, at the rung that is judged.
        first: the same trials at the first rung.
        n_images: that the measures are taken of.
        untrained_retrieval: view retrieval of the untrained backbone, in [0, 1].
    """

    now: pd.DataFrame
    first: pd.DataFrame
    n_images: int
    untrained_retrieval: float

    def value(self, name: str) -> pd.Series:
        """Return a measure by its column's name."""
        column = f"measure.{name}"
        if column not in self.now:
            return pd.Series(np.nan, index=self.now.index)
        found: pd.Series = self.now[column]
        return found

    def log(self, name: str) -> pd.Series:
        """Return the natural logarithm of a measure; nan where it is not above 0."""
        return _log(self.value(name))


Score = Callable[[Rungs], "pd.Series | pd.DataFrame"]


@dataclass(frozen=True)
class Candidate:
    """Something that could choose a trial without labels.

    Args:
        name: short, unique.
        family: "published" (a registered measure), "remedy", or "consensus".
        score: of a rung's trials; a frame's columns are votes.
        reason: why it might work.
    """

    name: str
    family: str
    score: Score = field(repr=False)
    reason: str

    @property
    def absolute(self) -> bool:
        """Whether a trial's score depends on that trial alone, so that a sampler can be told."""
        return self.family != "consensus"

    def votes(self, rungs: Rungs) -> pd.DataFrame:
        """Return the score as one or more columns."""
        found = self.score(rungs)
        return found.to_frame("score") if isinstance(found, pd.Series) else found


def _log(values: pd.Series) -> pd.Series:
    logged: pd.Series = np.log(values.where(values > 0))
    return logged


def directed(name: str) -> Score:
    """Return a registered measure in the direction in which it is better."""
    base = name.removesuffix("_projector").removesuffix("_backbone")
    measure = MEASURES[base]
    sign = 1.0 if measure.optimiser_direction == "maximize" else -1.0
    return lambda rungs: sign * rungs.value(name).map(measure.objective)


def votes(*names: str) -> Score:
    """Return measures side by side, each in its direction; `moved` counts as higher better."""

    def score(rungs: Rungs) -> pd.DataFrame:
        parts = {n: rungs.value(n) if n == "moved" else directed(n)(rungs) for n in names}
        return pd.DataFrame(parts)

    return score


def log_sum(**weights: float) -> Score:
    """Return Σ w ln measure, the logarithm of a product of powers."""

    def score(rungs: Rungs) -> pd.Series:
        terms = [weight * rungs.log(name) for name, weight in weights.items()]
        return sum(terms[1:], start=terms[0])

    return score


def _corrected(rungs: Rungs, floor: float) -> pd.Series:
    """Logarithm of the retrieval above a floor, as a share of what there is above it."""
    return _log((rungs.value("view_retrieval") - floor) / (1 - floor))


def _view_contrast(layer: str) -> Score:
    """ln of how much nearer two views of an image are than two images, both on the sphere."""

    def score(rungs: Rungs) -> pd.Series:
        between = -rungs.value(f"uniformity{layer}")
        return _log(between) - rungs.log(f"alignment{layer}")

    return score


def _published() -> list[Candidate]:
    found = []
    for name, measure in MEASURES.items():
        found.append(Candidate(name, "published", directed(name), measure.source))
        if measure.layer != "loss":
            other = "backbone" if name in PROJECTOR_BY_NAME else "projector"
            layered = f"{name}_{other}"
            found.append(
                Candidate(layered, "published", directed(layered), f"{name} on the {other}")
            )
    return found


_REMEDIES = (
    ("moved", lambda r: r.value("moved"), "1 - CKA with the untrained network: learned anything?"),
    (
        "rankme_share",
        lambda r: r.value("rankme") / r.now["width"],
        "RankMe as a share of the projector's width, which a search varies",
    ),
    (
        "rankme_log_share",
        lambda r: r.log("rankme") / np.log(r.now["width"]),
        "the same as a ratio of logarithms: the width matters less",
    ),
    ("retrieval_both", log_sum(view_retrieval=1, view_retrieval_projector=1), "both layers'"),
    (
        "retrieval_rank_0.25",
        log_sum(view_retrieval=1, rankme_backbone=0.25),
        "guarded_rank with less rank: rank only breaks near-ties",
    ),
    ("retrieval_rank_0.5", log_sum(view_retrieval=1, rankme_backbone=0.5), "with half the rank"),
    ("retrieval_rank_2", log_sum(view_retrieval=1, rankme_backbone=2), "with twice the rank"),
    (
        "retrieval_rank_z",
        log_sum(view_retrieval=1, rankme=1),
        "retrieval of the features with RankMe where its paper takes it",
    ),
    (
        "retrieval_participation",
        log_sum(view_retrieval=1, participation_ratio=1),
        "a rank that small directions cannot raise",
    ),
    (
        "retrieval_lidar_corrected",
        log_sum(view_retrieval=1, lidar_noise_corrected=1),
        "guarded_lidar without LiDAR's noise floor",
    ),
    (
        "rank_above_chance",
        lambda r: _corrected(r, 1 / r.n_images) + r.log("rankme_backbone"),
        "guarded_rank with retrieval corrected for chance",
    ),
    (
        "rank_gain",
        lambda r: _corrected(r, r.untrained_retrieval) + r.log("rankme_backbone"),
        "guarded_rank with what retrieval gained over the untrained network",
    ),
    (
        "retrieval_moved",
        log_sum(view_retrieval=1, moved=1),
        "found again and learned: neither pixels nor noise",
    ),
    ("rank_moved", log_sum(rankme_backbone=1, moved=1), "rank, if anything was learned"),
    (
        "guarded_rank_moved",
        log_sum(rankme_backbone=1, view_retrieval=1, moved=1),
        "guarded_rank with a gradual bar in place of a threshold",
    ),
    (
        "retrieval_growth",
        lambda r: r.log("view_retrieval") - _log(r.first["measure.view_retrieval"]),
        "what training gained since the first rung",
    ),
    ("retrieval_idest", log_sum(view_retrieval=1, idest=-1), "found again in few dimensions"),
    (
        "retrieval_cluster",
        log_sum(view_retrieval=1, self_cluster=-1),
        "found again, not in a clump",
    ),
    ("alpha_high", lambda r: r.value("alpha_req"), "on small images features start at 1, too flat"),
    ("alpha_to_2", lambda r: -(r.value("alpha_req") - 2).abs(), "higher up to a knee, at 2"),
    ("view_contrast", _view_contrast(""), "retrieval without its all or nothing, projector"),
    ("view_contrast_backbone", _view_contrast("_backbone"), "the same on the backbone"),
    (
        "align_uniform",
        lambda r: -(r.value("alignment") + r.value("uniformity")),
        "the sum that Wang and Isola train on, projector",
    ),
    (
        "align_uniform_backbone",
        lambda r: -(r.value("alignment_backbone") + r.value("uniformity_backbone")),
        "the same on the backbone",
    ),
)

_CONSENSUS = (
    ("consensus_papers", votes("rankme", "alpha_req", "lidar"), "the three papers' together"),
    (
        "consensus_rank_views_moved",
        votes("rankme_backbone", "view_retrieval", "moved"),
        "guarded_rank_moved by ranks: no scale, no outlier",
    ),
    (
        "consensus_families",
        votes("view_retrieval", "idest", "self_cluster", "ssl_loss"),
        "one of each kind: views, dimension, clusters, the loss",
    ),
    (
        "consensus_retrieval_loss",
        votes("view_retrieval", "ssl_loss"),
        "fixed views and the trial's own",
    ),
)


def candidates() -> list[Candidate]:
    """Return all candidates: the measures as published first, on both layers."""
    remedies = [Candidate(name, "remedy", score, why) for name, score, why in _REMEDIES]
    consensus = [Candidate(name, "consensus", score, why) for name, score, why in _CONSENSUS]
    return [*_published(), *remedies, *consensus]


def rungs_at(rows: pd.DataFrame, first: pd.DataFrame, every: pd.DataFrame, n_images: int) -> Rungs:
    """Gather what candidates look at.

    Args:
        rows: a row a trial, at the rung that is judged.
        first: rows of the first rung.
        every: rows of all rungs: the one that moved least stands for the untrained network, of
            which the table holds no measures. All trials of a cell begin with the same backbone.
        n_images: that the measures are taken of.
    """
    known = every[every["measure.moved"].notna()].sort_values("measure.moved", kind="stable")
    untrained = float(known["measure.view_retrieval"].iloc[0])
    return Rungs(rows, first.reindex(rows.index), n_images, untrained)
