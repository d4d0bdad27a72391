"""Stopping what is dead: at once where that is certain, else when it is seen again."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from hpo.decision import GO_ON, Decision
from hpo.errors import ConfigError
from hpo.history import Finding, History, Reading
from objectives import CollapseReport, EmbeddingStatistics

UNDEFINED = "undefined"  # an objective without a value
UNNAMED = "collapse"  # said by somebody who did not say which kind
KINDS = frozenset(
    {"not finite", "constant", "shrunk", "exploded", "dimensional", "unmoved", UNDEFINED, UNNAMED}
)
# No sample of images makes these out of a living representation.
_CERTAIN = frozenset({"not finite", "constant", UNDEFINED})
# Between this share of a threshold and the threshold itself another seed may come to lie beyond.
_NEAR = 1.5
# A projector may be narrow, small or large over a backbone that is among the best, and people get
# the backbone. So what is seen in a projector counts only where the backbone finds the images of
# its views no better than untrained, and a loss of dimensions only where the backbone lost them
# too. Both were set on the digits' settings of the collapse study, with an eye on the best trials
# of its table (benchmarks/), so the one does not prove the other.
_NO_BETTER_THAN_UNTRAINED = 1.1
_RANK_SHARE_OF_THE_WELL = 0.25


@dataclass(frozen=True)
class CollapseRule:
    """Stops a collapsed trial.

    Args:
        kinds: of collapse that count, of `KINDS`; None for all. "collapse", which is one whose
            kind nobody named, always counts.
        patience: rungs in a row at which a collapse must be seen before it stops the trial, >= 1.
            Where noise cannot have put it there (values that are not finite, a constant, an
            objective without a value, or figures far beyond their threshold) once is enough.

    Raises:
        ConfigError: for an unknown kind or a patience below 1.
    """

    kinds: frozenset[str] | None = None
    patience: int = 2

    def __post_init__(self) -> None:
        if self.patience < 1:
            raise ConfigError(f"patience: got {self.patience}; wanted at least 1.")
        if unknown := sorted((self.kinds or frozenset()) - KINDS):
            raise ConfigError(f"kinds: got {unknown}; wanted some of {sorted(KINDS)}.")

    def decide(self, reading: Reading, history: History) -> Decision:
        """Judge a trial by its newest reading.

        Returns:
            A stop of kind "collapse" with the finding's reason, or going on; where a finding has
            yet to be seen again, with the reason for that.
        """
        found = reading.finding
        if found is None or not self._counts(found):
            return GO_ON
        seen = self._seen_in_a_row(reading, history)
        if found.clear or found.kind in _CERTAIN or seen >= self.patience:
            evidence: dict[str, float | int | str] = {
                "finding": found.kind,
                "layer": found.layer,
                "seen": seen,
            }
            return Decision(True, found.reason, "collapse", evidence)
        return Decision(
            False,
            f"{found.reason}; near its threshold and seen {_times(seen)}, stopped when seen at "
            f"{self.patience} rungs in a row",
        )

    def _counts(self, finding: Finding) -> bool:
        return self.kinds is None or finding.kind in self.kinds | {UNNAMED}

    def _seen_in_a_row(self, reading: Reading, history: History) -> int:
        """How many of the trial's newest readings, this one included, show a collapse."""
        seen = 1
        for earlier in reversed(history.of(reading.trial)):
            if earlier.epoch >= reading.epoch:
                continue
            if earlier.finding is None or not self._counts(earlier.finding):
                break
            seen += 1
        return seen


def findings(
    backbone: CollapseReport,
    projector: CollapseReport,
    *,
    references: tuple[EmbeddingStatistics | None, EmbeddingStatistics | None] = (None, None),
    gain: float = math.nan,
) -> Finding | None:
    """Return the collapse that two layers' reports show, the backbone's first.

    Args:
        backbone: report on the features h.
        projector: report on the embeddings z.
        references: the untrained network's statistics of both, as the reports were made with.
        gain: `view_retrieval` of the features as a multiple of the untrained network's; nan where
            nobody knows it.

    Returns:
        The finding, or None for two living layers. A projector's is none while the gain is known
        to be above 1.1, unless its values are not finite; and one of few dimensions is none while
        the backbone is known to have more than a quarter of its untrained rank. A backbone's is not
        `clear` when the figure that decided lies within a factor of 1.5 of its threshold; without
        the reference that the figure is a share of it is taken for clear. A projector that is
        narrow, small or large is never clear: many of the best begin so.

    >>> alive = CollapseReport(None, "", {})
    >>> findings(alive, CollapseReport("constant", "spread 0.01", {"spread": 0.01})).reason
    'projector collapsed, constant: spread 0.01'
    """
    if backbone.kind is not None:
        return _finding("backbone", backbone, clear=_is_clear(backbone, references[0]))
    if projector.kind in (None, "not finite"):
        return None if projector.kind is None else _finding("projector", projector, clear=True)
    if gain > _NO_BETTER_THAN_UNTRAINED:
        return None
    if projector.kind == "dimensional" and _has_rank(backbone, references[0]):
        return None
    found = _finding("projector", projector, clear=projector.kind in _CERTAIN)
    if math.isnan(gain):
        return found
    times = f"; views find their image {gain:.2f} times as often as untrained"
    return replace(found, reason=found.reason + times)


def _finding(layer: str, report: CollapseReport, *, clear: bool) -> Finding:
    reason = f"{layer} collapsed, {report.kind}: {report.reason}"
    return Finding(str(report.kind), layer, reason, clear=clear)


def _has_rank(backbone: CollapseReport, untrained: EmbeddingStatistics | None) -> bool:
    """Whether the backbone is known to have kept enough of its rank."""
    rank = backbone.evidence.get("rank")
    if rank is None or untrained is None:
        return False
    return rank > _RANK_SHARE_OF_THE_WELL * untrained.rank


def _is_clear(report: CollapseReport, reference: EmbeddingStatistics | None) -> bool:
    beyond = _times_beyond(report, reference)
    # nan: nothing to compare with, so nothing to be near to.
    return not beyond < _NEAR


def _times_beyond(report: CollapseReport, reference: EmbeddingStatistics | None) -> float:
    """By what factor the figure that decided lies beyond its threshold; nan when unknown."""
    figures, limits = report.evidence, report.thresholds
    if report.kind == "constant":
        return _ratio(limits.smallest_spread, figures.get("spread"))
    if report.kind == "unmoved":
        return _ratio(limits.least_moved, figures.get("moved"))
    if report.kind == "dimensional":
        by_rank = _ratio(limits.smallest_rank, figures.get("rank"))
        if reference is None:
            # Above the least rank it was a share of a reference that nobody gave.
            return by_rank if by_rank >= 1 else math.nan
        return max(
            by_rank, _ratio(limits.smallest_rank_share * reference.rank, figures.get("rank"))
        )
    if reference is None:
        return math.nan
    if report.kind == "shrunk":
        share = limits.smallest_variance_share * reference.total_variance
        return _ratio(share, figures.get("total_variance"))
    if report.kind == "exploded":
        norm = figures.get("mean_square_norm", math.nan)
        return norm / (limits.largest_growth * reference.mean_square_norm)
    return math.nan


def _ratio(limit: float, figure: float | None) -> float:
    if figure is None:
        return math.nan
    return limit / figure if figure > 0 else math.inf


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times in a row"
