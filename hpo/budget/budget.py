"""The budget's decisions: who may start, train on, probe or be repeated, and when all is spent."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from hpo.budget.limits import Limits, parse_budget
from hpo.budget.parts import Part, part_of
from hpo.budget.spend import COUNTS, TIMES, Spend, Unit, format_amount
from hpo.decision import GO_ON, Decision
from hpo.errors import BudgetError

if TYPE_CHECKING:
    from hpo.options import StudyConfig

# Sums of fractions of epochs are off in the last digits; no whole epoch hides in there.
_ROUNDING = 1e-6


@dataclass(frozen=True)
class Budget:
    """What a study may spend, over all its workers and all the times it was started.

    Args:
        total: the limits; a number is wall time in seconds; None for no limit.
        probe_share: of time, set aside for probes before the search starts, in [0, 1). Probes
            cost no epochs and no images.
        replicate_share: of every limit, set aside for replicates of the finalists as far as whole
            trials fit into it, in [0, 1).
        whole: what a whole trial costs; 0 where that is not known yet.

    Raises:
        BudgetError: when nothing is left to search.
    """

    total: Limits | float | None = None
    probe_share: float = 0.1
    replicate_share: float = 0.1
    whole: Spend = field(default_factory=Spend)

    def __post_init__(self) -> None:
        if min(self.probe_share, self.replicate_share) < 0 or (
            self.probe_share + self.replicate_share >= 1
        ):
            raise BudgetError(
                f"probe_share and replicate_share: got {self.probe_share:g} and "
                f"{self.replicate_share:g}; wanted both at least 0, and less than 1 together: "
                "the rest is what the search may spend."
            )

    @classmethod
    def of(cls, config: StudyConfig) -> Budget:
        """Return the budget of a study; nothing is set aside for what it will not do."""
        with_labels = config.uses_labels
        return cls(
            None if config.budget is None else parse_budget(config.budget),
            config.probe_share if with_labels else 0.0,
            0.0 if config.replicates == 0 else config.replicate_share,
            Spend(epochs=float(config.epochs)),
        )

    def knowing(self, whole: Spend) -> Budget:
        """Return the same budget with what a whole trial costs."""
        return replace(self, whole=whole)

    @property
    def limits(self) -> Limits:
        """The limits, of everything together."""
        return self.total if isinstance(self.total, Limits) else Limits(wall_seconds=self.total)

    def part(self, unit: Unit) -> Part | None:
        """Return how a limit is split; None where there is none."""
        limit = self.limits.of(unit)
        if limit is None:
            return None
        return part_of(
            limit,
            probe_share=self.probe_share if unit in TIMES else 0.0,
            replicate_share=self.replicate_share,
            whole=self.whole.of(unit),
        )

    def left(self, unit: Unit, spend: Spend, *, search: bool = True) -> float:
        """Return what may still be spent; negative when it is overspent, inf without a limit.

        Args:
            unit: in which.
            spend: of the whole study so far.
            search: what the search may spend; False for everything that is not spent. Time that
                probes took in the middle of the search is taken from their reserve, so that it
                costs the search nothing.
        """
        limit, part = self.limits.of(unit), self.part(unit)
        if limit is None or part is None:
            return math.inf
        held = part.replicates
        if unit in TIMES:
            held += max(0.0, part.probes - spend.probe_seconds)
        return limit - (held if search else 0.0) - spend.of(unit)

    def search_decision(self, spend: Spend) -> Decision:
        """Stop the search in the middle of a rung once the time that it may take is spent.

        Epochs and images do not pass by themselves: whoever trains has claimed them before.

        >>> Budget(100.0).search_decision(Spend(wall_seconds=91.0)).stop
        True
        """
        return self._spent(spend, TIMES, search=True)

    def total_decision(self, spend: Spend) -> Decision:
        """Stop whatever follows the search once all the time is spent, likewise."""
        return self._spent(spend, TIMES, search=False)

    def claim_decision(self, spend: Spend, cost: Spend, *, replicate: bool = False) -> Decision:
        """Refuse a trial the way to its next rung if that would exceed the budget.

        Args:
            spend: of the whole study, with what other trials have claimed.
            cost: of the way. Its epochs and images must fit; of time, what is spent counts.
            replicate: whether the trial is one, which may use everything that is left.

        >>> print(Budget(parse_budget("10 epochs")).claim_decision(
        ...     Spend(epochs=6.0), Spend(epochs=12.0)).reason)
        4 epochs left of the search's part of the budget; the way to the next rung takes 12 epochs
        """
        over = self._spent(spend, TIMES, search=not replicate)
        if over.stop:
            return over
        return self._fits(
            spend, cost, COUNTS, "the way to the next rung takes", search=not replicate
        )

    def next_trial_decision(
        self,
        spend: Spend,
        first_rung: Spend | None = None,
        whole: Spend | None = None,
        any_finished: bool = False,
    ) -> Decision:
        """Refuse a new trial that cannot reach its first rung, or can no longer be chosen.

        Once a trial has finished, those that have not cannot be chosen any more.

        Args:
            spend: of the whole study, with what trials have claimed.
            first_rung: what reaching the first rung costs; 0 in units where that is unknown.
            whole: what a whole trial costs, likewise.
            any_finished: whether any trial has finished.
        """
        units = (*TIMES, *COUNTS)
        over = self._spent(spend, units, search=True)
        if over.stop:
            return over
        if first_rung is not None:
            over = self._fits(spend, first_rung, units, "a first rung takes", search=True)
        if over.stop or whole is None or not any_finished:
            return over
        over = self._fits(spend, whole, units, "a whole trial takes", search=True)
        if not over.stop:
            return over
        rest = f"{over.reason}, so that what is left is for probes and replicates"
        return replace(over, reason=rest)

    def replicate_decision(self, spend: Spend, whole: Spend) -> Decision:
        """Refuse a replicate that cannot finish with everything that is left.

        Args:
            spend: of the whole study, with what trials have claimed.
            whole: what a whole trial costs, with its probe if it will have one; 0 where unknown.
        """
        units = (*TIMES, *COUNTS)
        over = self._spent(spend, units, search=False)
        if over.stop:
            return over
        return self._fits(spend, whole, units, "a replicate takes", search=False)

    def probes_affordable(self, spend: Spend, probe_seconds: float) -> int | None:
        """Return how many more probes fit into the reserve; None without a limit on time.

        Args:
            spend: of the whole study so far, with the seconds that probes have taken.
            probe_seconds: what a probe takes, > 0.

        Raises:
            BudgetError: for a probe that takes no time.

        >>> Budget(100.0).probes_affordable(Spend(wall_seconds=90.0), 3.0)
        3
        """
        if not probe_seconds > 0:
            raise BudgetError(f"probe_seconds: got {probe_seconds}; wanted more than 0.")
        fitting = []
        for unit in TIMES:
            part = self.part(unit)
            if part is not None:
                reserve = part.probes - spend.probe_seconds
                rest = min(reserve, self.left(unit, spend, search=False))
                fitting.append(math.floor(max(0.0, rest) / probe_seconds))
        return min(fitting, default=None)

    def shortfall(self, spend: Spend | float, whole: Spend | float) -> str:
        """Say so when what is left cannot finish a whole trial; empty otherwise.

        Args:
            spend: of the whole study so far; a number is wall time in seconds.
            whole: what a whole trial will take at the rate seen, likewise.

        >>> Budget(600.0).shortfall(60.0, 100.0)
        ''
        >>> print(Budget(600.0).shortfall(60.0, 2000.0))
        a whole trial will take about 33m 20s, and 8m 00s are left to search: no trial will finish
        """
        spent = spend if isinstance(spend, Spend) else Spend(wall_seconds=spend)
        cost = whole if isinstance(whole, Spend) else Spend(wall_seconds=whole)
        for unit in self.limits.units:
            left = self.left(unit, spent)
            if cost.of(unit) > left + _ROUNDING:
                return (
                    f"a whole trial will take about {format_amount(unit, cost.of(unit))}, and "
                    f"{format_amount(unit, max(0.0, left))} are left to search: no trial will "
                    "finish"
                )
        return ""

    def _spent(self, spend: Spend, units: tuple[Unit, ...], *, search: bool) -> Decision:
        for unit in units:
            if self.left(unit, spend, search=search) <= 0:
                spent = spend.of(unit)
                allowed = spent + self.left(unit, spend, search=search)
                return Decision(
                    True,
                    f"{_whose(search)} is spent: {format_amount(unit, spent)} of "
                    f"{format_amount(unit, allowed)}",
                    "budget",
                    {"unit": unit, "spent": spent, "allowed": allowed},
                )
        return GO_ON

    def _fits(
        self, spend: Spend, cost: Spend, units: tuple[Unit, ...], what: str, *, search: bool
    ) -> Decision:
        for unit in units:
            left, needed = self.left(unit, spend, search=search), cost.of(unit)
            if needed > left + _ROUNDING:
                return Decision(
                    True,
                    f"{format_amount(unit, max(0.0, left))} left of {_whose(search)}; {what} "
                    f"{format_amount(unit, needed)}",
                    "budget",
                    {"unit": unit, "left": left, "needed": needed},
                )
        return GO_ON


def _whose(search: bool) -> str:
    return "the search's part of the budget" if search else "the budget"
