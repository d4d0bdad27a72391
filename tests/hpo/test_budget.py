import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpo.budget import Budget, format_duration, parse_duration
from hpo.decision import GO_ON
from hpo.errors import BudgetError, GoldilocksError

QUICK = settings(max_examples=150, deadline=None, derandomize=True)
SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("10m", 600.0),
        ("1h30m", 5400.0),
        ("1h 30m", 5400.0),
        (" 1 H 30 M ", 5400.0),
        ("90s", 90.0),
        ("2d", 172_800.0),
        ("1.5h", 5400.0),
        ("0.5s", 0.5),
        ("1d2h3m4s", 93_784.0),
        ("30m1h", 5400.0),
        ("0h5m", 300.0),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "10",
        "h",
        "1h30",
        "-5m",
        "1h-30m",
        "5min",
        "5ms",
        "1e3s",
        "1.5.2h",
        "1,5h",
        "h1",
        "ten minutes",
        "1:30",
        "nan",
        "infs",
        "1y",
        ".h",
    ],
)
def test_no_durations(text: str) -> None:
    with pytest.raises(BudgetError, match=re.escape(f"budget: got {text!r}; wanted a duration")):
        parse_duration(text)


@pytest.mark.parametrize("text", ["0s", "0h0m", "0.0d", f"{'9' * 400}d"])
def test_durations_that_are_nothing_or_for_ever(text: str) -> None:
    with pytest.raises(BudgetError, match=re.escape(repr(text))) as caught:
        parse_duration(text)
    assert isinstance(caught.value, GoldilocksError)
    assert isinstance(caught.value, ValueError)


@QUICK
@given(st.lists(st.tuples(st.integers(1, 999), st.sampled_from("dhms")), min_size=1, max_size=4))
def test_parts_add_up(parts: list[tuple[int, str]]) -> None:
    text = "".join(f"{number}{unit}" for number, unit in parts)
    assert parse_duration(text) == sum(number * SECONDS[unit] for number, unit in parts)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0.0s"),
        (0.04, "0.0s"),
        (7.25, "7.2s"),
        (9.94, "9.9s"),
        (9.96, "10s"),
        (42.4, "42s"),
        (59.4, "59s"),
        (59.6, "1m 00s"),
        (60.0, "1m 00s"),
        (200.0, "3m 20s"),
        (3599.4, "59m 59s"),
        (3599.6, "1h 00m"),
        (5400.4, "1h 30m"),
        (172_800.0, "48h 00m"),
    ],
)
def test_written_for_people(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@QUICK
@given(st.floats(0.1, 1e7))
def test_what_is_written_is_read_back_to_within_its_last_unit(seconds: float) -> None:
    text = format_duration(seconds)
    unit = 60.0 if "h" in text else 1.0 if seconds >= 9.95 else 0.1
    assert parse_duration(text) == pytest.approx(seconds, abs=unit)
    # No part is as large as the next unit: never 60s, never 1h 60m.
    assert all(int(part) < 60 for part in re.findall(r"(\d+)[ms]", text) if "." not in text)


# The shares


@QUICK
@given(total=st.floats(1.0, 1e6), share=st.floats(0.0, 0.99))
def test_the_parts_make_the_whole(total: float, share: float) -> None:
    budget = Budget(total, share)
    assert budget.search_seconds is not None
    assert budget.probe_seconds is not None
    assert budget.search_seconds > 0
    assert budget.search_seconds + budget.probe_seconds == pytest.approx(total)


def test_without_a_limit_nothing_is_set_aside_and_nothing_stops() -> None:
    budget = Budget(None)
    assert budget.search_seconds is None
    assert budget.probe_seconds is None
    assert budget.search_decision(1e12) == GO_ON
    assert budget.next_trial_decision(1e12, 1e12) == GO_ON


@pytest.mark.parametrize(
    ("spent", "stop"),
    [(0.0, False), (math.nextafter(75, 0), False), (75.0, True), (76.0, True), (1e9, True)],
)
def test_the_search_ends_when_its_part_is_spent(spent: float, stop: bool) -> None:
    decision = Budget(100.0, 0.25).search_decision(spent)
    assert decision.stop is stop
    assert decision.kind == ("budget" if stop else "")


def test_the_reason_has_both_figures() -> None:
    decision = Budget(4000.0, 0.1).search_decision(3660.0)
    assert decision.reason == "the search's part of the budget is spent: 1h 01m of 1h 00m"


@pytest.mark.parametrize(
    ("spent", "first_rung", "stop"),
    [
        (0.0, None, False),
        (74.0, None, False),
        (75.0, None, True),
        (0.0, 75.0, False),
        (0.0, 75.5, True),
        (50.0, 25.0, False),
        (50.0, 25.5, True),
        (75.0, 0.0, True),
    ],
)
def test_a_new_trial_must_be_able_to_reach_its_first_rung(
    spent: float, first_rung: float | None, stop: bool
) -> None:
    decision = Budget(100.0, 0.25).next_trial_decision(spent, first_rung)
    assert decision.stop is stop
    assert decision.kind == ("budget" if stop else "")


def test_the_reason_says_what_is_left_and_what_is_needed() -> None:
    decision = Budget(100.0, 0.25).next_trial_decision(50.0, 30.0)
    assert decision.reason == (
        "25s left of the search's part of the budget; a first rung takes 30s"
    )


@QUICK
@given(total=st.floats(1.0, 1e4), spent=st.floats(0.0, 2e4), first=st.none() | st.floats(0, 1e4))
def test_once_the_search_is_over_no_trial_starts(
    total: float, spent: float, first: float | None
) -> None:
    budget = Budget(total)
    if budget.search_decision(spent).stop:
        assert budget.next_trial_decision(spent, first) == budget.search_decision(spent)
