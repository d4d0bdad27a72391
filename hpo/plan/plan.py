"""What a study will do with its budget, before it starts. Pure: figures in, figures out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

from hpo.budget import Budget, Part, Spend, Unit
from hpo.options import StudyConfig
from hpo.pruning import rung_epochs


@dataclass(frozen=True)
class Facts:
    """What a plan needs to know of the images and the machine.

    Args:
        n_train: images to train on.
        n_measure: images to measure on.
        n_labelled: labelled images that only probes see; 0 without labels.
        n_workers: trials at once.
    """

    n_train: int
    n_measure: int
    n_labelled: int = 0
    n_workers: int = 1


@dataclass(frozen=True)
class Rates:
    """What things take on this machine, in seconds.

    Args:
        seconds_per_image: of training, with the method's default hyperparameters.
        seconds_per_measure: one rung's.
        seconds_per_probe: one backbone's; None without labels.
    """

    seconds_per_image: float
    seconds_per_measure: float
    seconds_per_probe: float | None = None


@dataclass(frozen=True)
class LimitPlan:
    """What one limit allows.

    Args:
        unit: of the limit.
        part: how it is split.
        n_whole: trials that fit into the search's part when none is stopped early; None where
            what they take is unknown.
        n_expected: when one in `rung_factor` goes on at each rung, likewise.
    """

    unit: Unit
    part: Part
    n_whole: int | None
    n_expected: int | None


@dataclass(frozen=True)
class Plan:
    """The plan of a study.

    Args:
        config: of the study.
        facts: of its images and its machine.
        rates: measured; None leaves time unknown.
        budget: with what a whole trial costs.
        rungs: epochs at which a trial is measured, ascending.
    """

    config: StudyConfig
    facts: Facts
    rates: Rates | None
    budget: Budget
    rungs: tuple[int, ...]

    def cost(self, start: int, end: int) -> Spend:
        """Return what a trial costs from one epoch to another, measures included; time may be 0.

        0 stands for unknown: there are no rates.
        """
        return _cost(self.config, self.facts, self.rates, self.rungs, start, end)

    @property
    def expected(self) -> Spend:
        """What a trial costs on average when one in `rung_factor` goes on at each rung.

        Σᵢ cost(rungᵢ₋₁, rungᵢ) / rung_factorⁱ; the whole cost without pruning.
        """
        total, share = Spend(), 1.0
        for start, end in pairwise((0, *self.rungs)):
            total += self.cost(start, end) * share
            share /= self.config.rung_factor if self.config.prune else 1.0
        return total

    @property
    def limits(self) -> tuple[LimitPlan, ...]:
        """Every limit of the budget with what it allows."""
        return tuple(self._limit(unit) for unit in self.budget.limits.units)

    @property
    def n_probes(self) -> int | None:
        """Probes that fit into the reserve, baselines included; None without labels or a limit."""
        if self.rates is None or not self.rates.seconds_per_probe:
            return None
        return self.budget.probes_affordable(Spend(), self.rates.seconds_per_probe)

    @property
    def n_replicates(self) -> int | None:
        """Whole trials that fit into what is set aside for replicates; None without a limit."""
        fitting = [
            self._n_fitting(limit.part.replicates, self.budget.whole, limit.unit)
            for limit in self.limits
        ]
        return min((n for n in fitting if n is not None), default=None)

    @property
    def ends_first(self) -> Unit | None:
        """The limit that fewest trials fit into; None when that is the number of trials."""
        known = [(limit.n_expected, limit.unit) for limit in self.limits]
        n, unit = min(((n, u) for n, u in known if n is not None), default=(None, None))
        if n is not None and self.config.n_trials is not None and self.config.n_trials <= n:
            return None
        return unit

    def _limit(self, unit: Unit) -> LimitPlan:
        part = self.budget.part(unit) or Part(math.inf, 0.0, 0.0)
        return LimitPlan(
            unit,
            part,
            self._n_fitting(part.search, self.budget.whole, unit),
            self._n_fitting(part.search, self.expected, unit),
        )

    def _n_fitting(self, amount: float, cost: Spend, unit: Unit) -> int | None:
        """Trials that an amount buys; all workers train while the clock on the wall goes on."""
        at_once = self.facts.n_workers if unit == "wall_seconds" else 1
        if cost.of(unit) <= 0:
            return None
        return math.floor(amount * at_once / cost.of(unit) + 1e-9)


def plan_of(config: StudyConfig, facts: Facts, rates: Rates | None = None) -> Plan:
    """Plan a study.

    Args:
        config: of the study.
        facts: of its images and its machine.
        rates: measured; without them only epochs and images are known.

    >>> config = StudyConfig(epochs=54, budget="500 epochs", batch_size=128)
    >>> plan = plan_of(config, Facts(n_train=1000, n_measure=500))
    >>> plan.rungs, plan.budget.whole.images
    ((2, 6, 18, 54), 48384.0)
    >>> plan.limits[0].n_whole, plan.limits[0].n_expected
    (9, 83)
    """
    rungs = tuple(rung_epochs(config.epochs, factor=config.rung_factor, n_rungs=config.rungs))
    whole = _cost(config, facts, rates, rungs, 0, config.epochs)
    return Plan(config, facts, rates, Budget.of(config).knowing(whole), rungs)


def images_per_epoch(config: StudyConfig, n_train: int) -> int:
    """Return the images that an epoch trains on; an incomplete batch is left out."""
    return n_train // config.batch_size * config.batch_size


def _cost(
    config: StudyConfig,
    facts: Facts,
    rates: Rates | None,
    rungs: tuple[int, ...],
    start: int,
    end: int,
) -> Spend:
    images = (end - start) * images_per_epoch(config, facts.n_train)
    counts = Spend(epochs=float(end - start), images=float(images))
    if rates is None:
        return counts
    n_measures = sum(start < rung <= end for rung in rungs)
    seconds = images * rates.seconds_per_image + n_measures * rates.seconds_per_measure
    return counts + Spend(wall_seconds=seconds, device_seconds=seconds * config.devices)


__all__ = ["Facts", "LimitPlan", "Plan", "Rates", "images_per_epoch", "plan_of"]
