import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpo.budget import exact_duration, format_duration, parse_duration
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


@QUICK
@given(st.floats(0.001, 1e7))
def test_an_exact_duration_is_read_back_as_no_less_and_hardly_more(seconds: float) -> None:
    read = parse_duration(exact_duration(seconds))
    assert seconds - 1e-5 <= read <= seconds + (0.1 if seconds < 60 else 1.0) + 1e-5
