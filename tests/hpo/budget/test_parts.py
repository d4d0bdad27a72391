"""How a limit is split, and that more of it never leaves any part with less."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpo.budget import Budget, Limits, Part, Spend, part_of
from hpo.config import StudyConfig
from hpo.errors import BudgetError

QUICK = settings(max_examples=300, deadline=None, derandomize=True)
SHARES = st.tuples(st.floats(0.0, 0.6), st.floats(0.0, 0.39))
WHOLE = st.none() | st.floats(0.0, 1e4)


@QUICK
@given(limit=st.floats(0.1, 1e6), shares=SHARES, whole=WHOLE)
def test_the_parts_make_the_whole(
    limit: float, shares: tuple[float, float], whole: float | None
) -> None:
    part = part_of(limit, probe_share=shares[0], replicate_share=shares[1], whole=whole)
    assert part.search > 0
    assert min(part.probes, part.replicates) >= 0
    assert part.search + part.probes + part.replicates == pytest.approx(limit)
    assert part.search + part.probes + part.replicates <= limit * (1 + 1e-12)
    assert part.probes == pytest.approx(shares[0] * limit)
    assert part.replicates <= shares[1] * limit * (1 + 1e-12)


@QUICK
@given(limit=st.floats(0.1, 1e5), factor=st.floats(1.0, 3.0), shares=SHARES, whole=WHOLE)
def test_more_budget_never_makes_a_part_smaller(
    limit: float, factor: float, shares: tuple[float, float], whole: float | None
) -> None:
    def split(amount: float) -> Part:
        return part_of(amount, probe_share=shares[0], replicate_share=shares[1], whole=whole)

    less, more = split(limit), split(limit * factor)
    assert more.search >= less.search * (1 - 1e-9)
    assert more.probes >= less.probes
    assert more.replicates >= less.replicates


@pytest.mark.parametrize(
    ("limit", "whole", "replicates"),
    [
        (539.0, 54.0, 0.0),  # a tenth of it is not a whole trial
        (540.0, 54.0, 0.0),
        (567.0, 54.0, 27.0),  # the search still has its 540
        (600.0, 54.0, 60.0),
        (5000.0, 54.0, 500.0),
        (5000.0, None, 0.0),
        (5000.0, 0.0, 0.0),
    ],
)
def test_replicates_get_nothing_before_a_whole_trial_fits_into_their_share(
    limit: float, whole: float | None, replicates: float
) -> None:
    part = part_of(limit, probe_share=0.0, replicate_share=0.1, whole=whole)
    assert part.replicates == pytest.approx(replicates)


def wall(budget: Budget) -> tuple[float, float]:
    """Wall time of the search and of the probes."""
    part = budget.part("wall_seconds")
    assert part is not None
    return part.search, part.probes


def test_probes_cost_no_epochs_and_no_images() -> None:
    budget = Budget(Limits(100.0, 200.0, 300.0, 400.0), probe_share=0.25)
    parts = [budget.part(unit) for unit in budget.limits.units]
    assert [part and part.probes for part in parts] == [25.0, 50.0, 0.0, 0.0]
    assert wall(budget) == (75.0, 25.0)


def test_without_a_limit_there_are_no_parts() -> None:
    budget = Budget(None)
    assert budget.part("wall_seconds") is budget.part("epochs") is None
    assert Budget(60.0) == Budget(60.0, 0.1, 0.1, Spend())
    assert Budget(60.0).limits == Limits(wall_seconds=60.0)


@pytest.mark.parametrize("shares", [(0.5, 0.5), (1.0, 0.0), (-0.1, 0.1), (0.1, -0.1)])
def test_shares_that_leave_nothing_to_search(shares: tuple[float, float]) -> None:
    with pytest.raises(BudgetError, match="probe_share and replicate_share: got"):
        Budget(60.0, *shares)


def test_nothing_is_set_aside_for_what_a_study_will_not_do() -> None:
    given_ = {"budget": "100s", "epochs": 9}
    bare = Budget.of(StudyConfig(**given_))
    assert wall(bare) == (100.0, 0.0)
    assert bare.whole == Spend(epochs=9.0)
    labelled = Budget.of(StudyConfig(**given_, labels=True, probe_share=0.2))
    assert wall(labelled) == (80.0, 20.0)
    assert wall(Budget.of(StudyConfig(**given_, check_labels=True))) == (90.0, 10.0)
    assert wall(Budget.of(StudyConfig(**given_, probe_all=True))) == (90.0, 10.0)
    known = bare.knowing(Spend(wall_seconds=1.0))
    assert wall(known) == (90.0, 0.0)
    no_replicates = Budget.of(StudyConfig(**given_, replicates=0)).knowing(known.whole)
    assert wall(no_replicates) == (100.0, 0.0)
    assert Budget.of(StudyConfig(trials=3)).limits.units == ()
