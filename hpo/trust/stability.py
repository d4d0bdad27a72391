"""How steady a measure is: from rung to rung, and from seed to seed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hpo.trust.evidence import LINEAR, StudyEvidence, TrialEvidence
from hpo.trust.ranking import tau_and_rho

_Z = 1.959963984540054  # of the normal distribution, for 95 %


@dataclass(frozen=True)
class RungOrder:
    """A measure's order at one rung.

    Args:
        epoch: of the rung.
        with_end: Kendall's τ-b with its own order at the end, in [-1, 1]; None where undefined.
        with_probe: the same with the linear probe at the end.
        n: trials with a value at both.
    """

    epoch: int
    with_end: float | None
    with_probe: float | None
    n: int


@dataclass(frozen=True)
class Lead:
    """How far a measure's best trial is ahead of its second.

    Args:
        best: number of the first.
        second: number of the second.
        gap: between their scores, in the measure's unit, at least 0.
        noise: standard deviation of the score between seeds of one configuration; None where none
            was repeated.
        n_repeated: configurations that were.
    """

    best: int
    second: int
    gap: float
    noise: float | None
    n_repeated: int

    @property
    def is_tie(self) -> bool | None:
        """Whether another seed may turn the two about, gap ≤ 1.96 · √2 · noise; None: unknown."""
        return None if self.noise is None else self.gap <= _Z * math.sqrt(2) * self.noise


def rung_orders(evidence: StudyEvidence, measure: str) -> tuple[RungOrder, ...]:
    """Compare a measure's order at each rung with its last one and with the probe.

    All rungs are compared over the trials that may be chosen, which all reached the end: of those
    stopped on the way nobody knows where they would have ended.

    Args:
        evidence: the study.
        measure: its name.

    Returns:
        One for each rung before the end, ascending.
    """
    trials = tuple(t for t in evidence.own if t.may_be_chosen)
    last = evidence.scores(measure, trials, evidence.epoch)
    accuracy = evidence.accuracies(LINEAR, trials)
    found = []
    for epoch in evidence.rungs[:-1]:
        now = evidence.scores(measure, trials, epoch)
        own = tau_and_rho(now, last, n_resamples=0)[0]
        probe = tau_and_rho(now, accuracy, n_resamples=0)[0]
        found.append(RungOrder(epoch, _known(own.value), _known(probe.value), own.n))
    return tuple(found)


def lead(evidence: StudyEvidence, measure: str) -> Lead | None:
    """Compare the lead of a measure's best trial with how much seeds change the measure.

    Args:
        evidence: the study.
        measure: its name.

    Returns:
        None where fewer than two trials have a score.
    """
    trials = tuple(t for t in evidence.own if t.may_be_chosen)
    scores = evidence.scores(measure, trials, evidence.epoch)
    order = [i for i in np.argsort(-scores, kind="stable") if math.isfinite(scores[i])]
    if len(order) < 2:
        return None
    runs = _runs(evidence, measure)
    first, second = order[:2]
    return Lead(
        best=trials[first].number,
        second=trials[second].number,
        gap=float(scores[first] - scores[second]),
        noise=_spread(runs),
        n_repeated=sum(len(own) > 1 for own in runs.values()),
    )


def accuracy_spread(evidence: StudyEvidence, probe: str = LINEAR) -> float | None:
    """Standard deviation of a probe's accuracy between seeds of one configuration.

    Args:
        evidence: the study.
        probe: which.

    Returns:
        In the unit of accuracy; None where no configuration was repeated and probed.
    """
    families = _families(evidence)
    return _spread(
        {
            number: [a for a in evidence.accuracies(probe, runs).tolist() if math.isfinite(a)]
            for number, runs in families.items()
        }
    )


def _runs(evidence: StudyEvidence, measure: str) -> dict[int, list[float]]:
    return {
        number: [
            score
            for score in evidence.scores(measure, runs, evidence.epoch).tolist()
            if math.isfinite(score)
        ]
        for number, runs in _families(evidence).items()
    }


def _families(evidence: StudyEvidence) -> dict[int, tuple[TrialEvidence, ...]]:
    """The runs of each configuration that reached the end, the trial itself and its replicates."""
    found: dict[int, tuple[TrialEvidence, ...]] = {}
    for trial in evidence.trials:
        if trial.at_end:
            key = trial.number if trial.replicate_of is None else trial.replicate_of
            found[key] = (*found.get(key, ()), trial)
    return found


def _spread(runs: Mapping[int, list[float]]) -> float | None:
    from hpo.goldilocks import seed_spread  # loads torch, with the rules beside it

    return seed_spread(runs)


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
