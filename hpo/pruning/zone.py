"""The Goldilocks zone: an interval of α, learned from probes, and which trials may ignore it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from hpo.errors import ConfigError
from objectives import GOLDILOCKS_ZONE

# Multiples of the golden ratio fill [0, 1) more evenly than any other sequence, without a period
# that could fall in step with how trials are drawn.
_GOLDEN = (math.sqrt(5) - 1) / 2
_SEED_STEP = math.sqrt(2) - 1


_ROUNDING = 1e-9  # 0.15 / 0.05 is 2.9999999999999996


@dataclass(frozen=True)
class Zone:
    """A closed interval of α; an infinite end is open.

    Args:
        low: lower end, -inf for none.
        high: upper end, inf for none; not below `low`.

    Raises:
        ConfigError: for ends that hold no number between them.

    >>> Zone(0.8, 1.2).distance(2.0)
    0.8
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        if not (self.low <= self.high and self.low < math.inf and self.high > -math.inf):
            raise ConfigError(
                f"zone: got {self.low:g} to {self.high:g}; wanted a lower end that is not above "
                "the upper one."
            )

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a zone as people write it.

        Args:
            text: "low..high"; an end left out is open.

        Raises:
            ConfigError: for anything else.

        >>> Zone.parse("0.8..1.2")
        Zone(low=0.8, high=1.2)
        >>> Zone.parse("..1.2").low
        -inf
        """
        low, dots, high = text.partition("..")
        if not dots or not (low.strip() or high.strip()):
            raise ConfigError(_wanted(text))
        return cls(_end(low, -math.inf, text), _end(high, math.inf, text))

    def __str__(self) -> str:
        low, high = (f"{end:.4g}" if math.isfinite(end) else "…" for end in (self.low, self.high))
        return f"[{low}, {high}]"

    def contains(self, alpha: float) -> bool:
        """Return whether α lies in the zone; never for nan."""
        return self.low <= alpha <= self.high

    def distance(self, alpha: float) -> float:
        """Return how far outside α lies.

        Formula: max(0, α - high, low - α).

        Returns:
            0 inside the zone, ends included; nan for nan. Lower is better.
        """
        if math.isnan(alpha):
            return math.nan
        return 0.0 if self.contains(alpha) else max(alpha - self.high, self.low - alpha)


GOLDILOCKS = Zone(*GOLDILOCKS_ZONE)
EVERYWHERE = Zone(-math.inf, math.inf)
"""The zone of a study that has learned none: it stops nobody, and nobody is nearer to it."""


def learn_zone(
    evidence: Sequence[tuple[float, float]],
    start: Zone,
    *,
    min_evidence: int = 6,
    top_share: float = 0.5,
    noise: float = 0.05,
) -> Zone:
    """Narrow the zone to where the winners are.

    It is a function of the set of the evidence alone: later probes, of exploring trials for one,
    widen it again just as earlier ones narrowed it.

    Args:
        evidence: (α, probe accuracy) of every trial probed so far; pairs that are not finite count
            for nothing.
        start: the zone while there is too little evidence.
        min_evidence: with fewer finite pairs the answer is `start`, >= 1.
        top_share: this share of the trials, the best by accuracy and rounded up, are winners; who
            ties with the last of them is one too. In (0, 1].
        noise: α differs this much between seeds; both ends are widened by it, >= 0.

    Returns:
        The zone that spans the winners' α. An end is open where the most extreme α seen is a
        winner's: nothing is known beyond it.

    Raises:
        ConfigError: for an argument out of its range.

    Source:
        Agrawal et al. 2022 (α-ReQ), model selection on a budget; with a least amount of evidence
        and without the memory of earlier zones.

    >>> seen = [(0.5, 0.3), (0.9, 0.7), (1.0, 0.8), (1.1, 0.7), (1.5, 0.5), (2.0, 0.4)]
    >>> str(learn_zone(seen, GOLDILOCKS))
    '[0.85, 1.15]'
    >>> str(learn_zone([*seen, (2.5, 0.9)], GOLDILOCKS))
    '[0.85, …]'
    """
    if min_evidence < 1:
        raise ConfigError(f"min_evidence: got {min_evidence}; wanted at least 1.")
    if not 0 < top_share <= 1:
        raise ConfigError(f"top_share: got {top_share:g}; wanted above 0, and at most 1.")
    if not 0 <= noise < math.inf:
        raise ConfigError(f"noise: got {noise:g}; wanted a finite number, at least 0.")
    seen = [pair for pair in evidence if all(math.isfinite(figure) for figure in pair)]
    if len(seen) < min_evidence:
        return start
    # The small step keeps 0.1 · 10 from being rounded up to 2 by its last bit.
    n_winners = max(1, math.ceil(top_share * len(seen) - 1e-9))
    least = sorted((accuracy for _, accuracy in seen), reverse=True)[n_winners - 1]
    alphas = [alpha for alpha, _ in seen]
    winners = [alpha for alpha, accuracy in seen if accuracy >= least]
    low, high = min(winners), max(winners)
    return Zone(
        -math.inf if low == min(alphas) else low - noise,
        math.inf if high == max(alphas) else high + noise,
    )


def noise_step(value: float, noise: float) -> float:
    """Return how many whole steps of the noise a distance has: within one, distances tie.

    Args:
        value: a distance, >= 0; one that is not finite stays as it is.
        noise: length of a step, >= 0; 0 for no steps.

    >>> noise_step(0.15, 0.05), noise_step(0.19, 0.05)
    (3, 3)
    """
    if noise == 0 or not math.isfinite(value):
        return value
    return math.floor(value / noise + _ROUNDING)


def explores(number: int, share: float, seed: int = 0) -> bool:
    """Tell whether a trial is an exploration slot: it goes on although its α says otherwise.

    Without such trials only what lies in the zone is ever probed, and a zone that was narrowed
    too early could never widen again.

    Formula: frac(number · (√5 - 1)/2 + seed · (√2 - 1)) < share.

    Args:
        number: the trial's, >= 0; 0 never explores, so that a first try is an ordinary one.
        share: of all trials in the long run, in [0, 1].
        seed: shifts the slots.

    Returns:
        The same for the same arguments, in every process.

    Raises:
        ConfigError: for a share outside [0, 1].

    >>> [number for number in range(30) if explores(number, 0.1)]
    [5, 13, 26]
    """
    if not 0 <= share <= 1:
        raise ConfigError(f"explore_share: got {share:g}; wanted between 0 and 1.")
    return number > 0 and (number * _GOLDEN + seed * _SEED_STEP) % 1.0 < share


def _end(text: str, missing: float, whole: str) -> float:
    if not text.strip():
        return missing
    try:
        end = float(text)
    except ValueError:
        raise ConfigError(_wanted(whole)) from None
    if not math.isfinite(end):
        raise ConfigError(_wanted(whole))
    return end


def _wanted(text: str) -> str:
    return (
        f"zone: got {text!r}; wanted two numbers as in 0.8..1.2, or one for a zone that is open "
        "at the other end, as in ..1.2."
    )
