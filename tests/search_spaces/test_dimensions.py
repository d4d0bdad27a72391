"""The three kinds of a hyperparameter."""

import math
from typing import Any

import pytest

from search_spaces import Categorical, Float, Int, SpaceError, When


@pytest.mark.parametrize(
    ("low", "high", "default", "log", "message"),
    [
        (1.0, 1.0, 1.0, False, "low, high: got 1.0, 1.0; wanted finite numbers, low < high"),
        (2.0, 1.0, 1.5, False, "low, high: got 2.0, 1.0"),
        (math.nan, 1.0, 0.5, False, "low, high: got nan, 1.0"),
        (0.0, math.inf, 0.5, False, "low, high: got 0.0, inf"),
        (-math.inf, 1.0, 0.5, False, "low, high: got -inf, 1.0"),
        (0.0, 1.0, 0.5, True, "low: got 0.0; a logarithmic range wants low > 0"),
        (-1.0, 1.0, 0.5, True, "low: got -1.0; a logarithmic range"),
        (0.0, 1.0, 1.5, False, r"default: got 1.5; wanted a value in \[0.0, 1.0\]"),
        (0.0, 1.0, -0.1, False, "default: got -0.1"),
        (0.0, 1.0, math.nan, False, "default: got nan"),
    ],
)
def test_a_range_that_is_not_one(
    low: float, high: float, default: float, log: bool, message: str
) -> None:
    with pytest.raises(SpaceError, match=message):
        Float(low, high, default=default, log=log)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"low": 3, "high": 3, "default": 3}, "low, high: got 3, 3"),
        ({"low": 4, "high": 3, "default": 3}, "low, high: got 4, 3"),
        ({"low": 0, "high": 3, "default": 1, "log": True}, "low: got 0; a logarithmic range"),
        ({"low": 1, "high": 3, "default": 4}, r"default: got 4; wanted a value in \[1, 3\]"),
        ({"low": 1.5, "high": 3, "default": 2}, "low, high, default: got .* wanted whole numbers"),
        ({"low": 1, "high": 3, "default": 2.0}, "low, high, default: got .* wanted whole numbers"),
    ],
)
def test_a_whole_range_that_is_not_one(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(SpaceError, match=message):
        Int(**arguments)


@pytest.mark.parametrize(("choices", "default"), [((), 1), ((1, 2), 3), (("a",), "b")])
def test_choices_that_are_none(choices: tuple[Any, ...], default: Any) -> None:
    with pytest.raises(SpaceError, match="choices: got"):
        Categorical(choices, default=default)


@pytest.mark.parametrize(
    ("dimension", "inside", "outside"),
    [
        (Float(1.0, 2.0, default=1.5), [1.0, 1, 1.5, 2], [0.99, 2.01, math.nan, "1.5", True]),
        (Int(1, 3, default=2), [1, 2, 3], [0, 4, 2.0, "2", True]),
        (Categorical((64, "a"), default=64), [64, "a"], [128, "b"]),
    ],
)
def test_contains(dimension: Any, inside: list[Any], outside: list[Any]) -> None:
    assert [v for v in inside if not dimension.contains(v)] == []
    assert [v for v in outside if dimension.contains(v)] == []


@pytest.mark.parametrize("wrong", [True, "0.5", None])
def test_ends_and_defaults_are_numbers(wrong: Any) -> None:
    for arguments in ({"low": wrong}, {"high": wrong}, {"default": wrong}):
        with pytest.raises(SpaceError, match="got"):
            Float(**{"low": 0.0, "high": 2.0, "default": 1.0, **arguments})
        with pytest.raises(SpaceError, match="got"):
            Int(**{"low": 0, "high": 2, "default": 1, **arguments})


@pytest.mark.parametrize("kind", [Float, Int])
def test_a_range_keeps_to_what_means_anything(kind: Any) -> None:
    assert kind(1, 3, default=2, least=1, most=3).high == 3
    with pytest.raises(SpaceError, match="low: got 0; it means nothing below 1"):
        kind(0, 3, default=2, least=1)
    with pytest.raises(SpaceError, match="high: got 4; it means nothing above 3"):
        kind(1, 4, default=2, most=3)


def test_a_choice_occurs_once() -> None:
    with pytest.raises(SpaceError, match="wanted each of them once"):
        Categorical((1, 2, 1), default=1)


def test_a_condition() -> None:
    when = When("switch", ("on", "half"))
    assert when.holds({"switch": "half"})
    assert not when.holds({"switch": "off"})
    assert not when.holds({})
    assert str(when) == "switch is on or half"
