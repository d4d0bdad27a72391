"""Whoever obeys the decisions never spends more than the budget and one rung."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from hpo.budget import COUNTS, UNITS, Budget, Limits, Spend, Unit
from tests.hpo.budget.simulated import Simulated

QUICK = settings(max_examples=100, deadline=None, derandomize=True)
RUNGS = st.sampled_from([(1,), (1, 2), (1, 3, 9), (2, 6, 18), (5,)])
LIMITS: dict[Unit, tuple[float, float]] = {
    "wall_seconds": (1.0, 20.0),
    "device_seconds": (1.0, 40.0),
    "epochs": (1.0, 60.0),
    "images": (100.0, 6e3),
}


@st.composite
def budgets(draw: st.DrawFn) -> Limits:
    units = draw(st.sets(st.sampled_from(UNITS), min_size=1))
    return Limits(**{unit: draw(st.floats(*LIMITS[unit])) for unit in sorted(units)})


@QUICK
@given(limits=budgets(), rungs=RUNGS, seed=st.integers(0, 99), n_workers=st.integers(1, 4))
def test_never_more_than_the_budget_and_one_rung(
    limits: Limits, rungs: tuple[int, ...], seed: int, n_workers: int
) -> None:
    budget = Budget(limits, whole=Spend(epochs=rungs[-1], images=100.0 * rungs[-1]))
    study = Simulated(budget, rungs, seed, n_workers).run()
    longest = max(end - start for start, end in pairwise((0, *rungs)))
    rung_seconds = longest * study.slowest_epoch_seconds
    for unit in limits.units:
        allowed = limits.of(unit) or 0.0
        slack = 1e-6 if unit in COUNTS else rung_seconds
        assert study.spend.of(unit) <= allowed + slack
    assert study.claimed == {}


@QUICK
@given(
    epochs=st.integers(1, 80),
    more=st.integers(0, 80),
    rungs=RUNGS,
    seed=st.integers(0, 99),
)
def test_more_epochs_never_give_fewer_trials(
    epochs: int, more: int, rungs: tuple[int, ...], seed: int
) -> None:
    def study(limit: int) -> Simulated:
        whole = Spend(epochs=rungs[-1])
        return Simulated(Budget(Limits(epochs=limit), whole=whole), rungs, seed).run()

    less, greater = study(epochs), study(epochs + more)
    assert greater.n_finished >= less.n_finished
    assert greater.spend.epochs >= less.spend.epochs - 1e-6
