"""How budgets are written, and what is no budget."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpo.budget import UNITS, Limits, Spend, exact_amount, format_amount, parse_budget
from hpo.errors import BudgetError

QUICK = settings(max_examples=150, deadline=None, derandomize=True)


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        ("8h", Limits(wall_seconds=28_800.0)),
        ("1h 30m", Limits(wall_seconds=5400.0)),
        ("500 epochs", Limits(epochs=500.0)),
        ("500epochs", Limits(epochs=500.0)),
        ("1 epoch", Limits(epochs=1.0)),
        ("2M images", Limits(images=2e6)),
        ("2e6 images", Limits(images=2e6)),
        ("200k Images", Limits(images=2e5)),
        ("1.5m images", Limits(images=1.5e6)),
        ("40 gpu-hours", Limits(device_seconds=144_000.0)),
        ("40 gpu-h", Limits(device_seconds=144_000.0)),
        ("0.5 GPU hours", Limits(device_seconds=1800.0)),
        ("3 worker-hours", Limits(device_seconds=10_800.0)),
        ("8h, 500 epochs", Limits(wall_seconds=28_800.0, epochs=500.0)),
        (
            "2M images,8h , 1 gpu-hour,30 epochs",
            Limits(28_800.0, 3600.0, 30.0, 2e6),
        ),
    ],
)
def test_budgets(text: str, limits: Limits) -> None:
    assert parse_budget(text) == limits


@pytest.mark.parametrize(
    "text",
    [
        "",
        "500",
        "epochs",
        "8h,",
        ",8h",
        "1,5h",
        "8h 500 epochs",
        "-3 epochs",
        "40 gpus",
        "40 gpu",
        "2MB images",
        "five epochs",
        "1e-3 images",
        "nan epochs",
        "8h; 500 epochs",
        "gpu-hours",
        "1:30",
    ],
)
def test_no_budgets(text: str) -> None:
    with pytest.raises(BudgetError, match=re.escape(f"budget: got {text!r}; wanted")):
        parse_budget(text)


@pytest.mark.parametrize("text", ["0 epochs", "0s", "8h, 0 images", f"{'9' * 400} epochs"])
def test_limits_that_are_nothing_or_for_ever(text: str) -> None:
    with pytest.raises(BudgetError, match="more than nothing and less than for ever"):
        parse_budget(text)


@pytest.mark.parametrize("text", ["8h, 30m", "3 epochs, 4 epochs", "1 gpu-h, 2 worker-hours"])
def test_each_unit_counts_once(text: str) -> None:
    with pytest.raises(BudgetError, match="two limits in one unit"):
        parse_budget(text)


def test_a_limit_that_is_given_as_a_number_must_be_one() -> None:
    for limit in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(BudgetError, match="epochs"):
            Limits(epochs=limit)


@QUICK
@given(
    st.dictionaries(st.sampled_from(UNITS), st.floats(1.0, 1e9), min_size=1).map(
        lambda found: Limits(**found)
    )
)
def test_what_is_written_is_read_back_as_no_less_and_hardly_more(limits: Limits) -> None:
    read = parse_budget(str(limits))
    assert read.units == limits.units
    for unit in limits.units:
        written, given_ = read.of(unit), limits.of(unit)
        assert written is not None
        assert given_ is not None
        assert given_ * (1 - 1e-5) <= written <= given_ * 1.01 + 1


def test_amounts_for_people() -> None:
    assert format_amount("wall_seconds", 100.0) == "1m 40s"
    assert format_amount("device_seconds", 360.0) == "0.1 gpu-hours"
    assert [format_amount("epochs", n) for n in (0.0, 1.0, 2.5)] == [
        "0 epochs",
        "1 epoch",
        "2.5 epochs",
    ]
    assert format_amount("images", 12_345.0) == "12,345 images"
    assert exact_amount("epochs", 5.2) == "6 epochs"


def test_spends_add_up_and_apart_in_every_unit() -> None:
    one, two = Spend(1.0, 2.0, 3.0, 4.0, 0.5), Spend(10.0, 20.0, 30.0, 40.0, 5.0)
    assert one + two == Spend(11.0, 22.0, 33.0, 44.0, 5.5)
    assert two - one == Spend(9.0, 18.0, 27.0, 36.0, 4.5)
    assert one * 2.0 == Spend(2.0, 4.0, 6.0, 8.0, 1.0)
    assert [two.of(unit) for unit in UNITS] == [10.0, 20.0, 30.0, 40.0]
