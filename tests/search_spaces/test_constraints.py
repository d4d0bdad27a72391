"""What two values must be to each other."""

import math
from collections.abc import Callable

import pytest

from search_spaces import AtLeast, Below, Float, Int
from search_spaces.constraints import narrowed


def ends(**known: tuple[float, float]) -> Callable[[str], tuple[float, float]]:
    return lambda name: known[name]


@pytest.mark.parametrize(("a", "b", "good"), [(1.0, 2.0, True), (2, 2, False), (3.0, 2, False)])
def test_below_is_strict(a: float, b: float, good: bool) -> None:
    assert Below("a", "b").holds({"a": a, "b": b}) is good


@pytest.mark.parametrize(("a", "b", "good"), [(4, 2, True), (3, 2, False), (5.0, 2, True)])
def test_at_least_may_be_equal(a: float, b: float, good: bool) -> None:
    assert AtLeast("a", 2, "b").holds({"a": a, "b": b}) is good


def test_they_read_as_they_are_written_on_a_page() -> None:
    assert str(Below("a", "b")) == "a < b"
    assert str(AtLeast("a", 1.5, "b")) == "a >= 1.5 x b"
    assert Below("a", "b").names == AtLeast("a", 2, "b").names == ("a", "b")


def test_reals_are_narrowed_to_the_next_number() -> None:
    rule = (Below("a", "b"),)
    dimension = Float(0.0, 10.0, default=1.0)
    assert narrowed("a", dimension, rule, ends(b=(3.0, 5.0))) == (0.0, math.nextafter(5.0, 0))
    assert narrowed("b", dimension, rule, ends(a=(3.0, 5.0))) == (math.nextafter(3.0, 9), 10.0)
    assert narrowed("b", dimension, rule, ends(a=(-1.0, 5.0))) == (0.0, 10.0)
    assert narrowed("c", dimension, rule, ends()) == (0.0, 10.0)


@pytest.mark.parametrize(("top", "high"), [(5.0, 4), (4.5, 4), (20, 10)])
def test_whole_numbers_are_narrowed_to_whole_numbers(top: float, high: int) -> None:
    rule, dimension = (Below("a", "b"),), Int(0, 10, default=1)
    assert narrowed("a", dimension, rule, ends(b=(0, top))) == (0, high)
    assert narrowed("b", dimension, rule, ends(a=(top, 99))) == (math.floor(top) + 1, 10)


def test_multiples() -> None:
    rule = (AtLeast("a", 2, "b"),)
    assert narrowed("a", Int(0, 10, default=1), rule, ends(b=(1.2, 9))) == (3, 10)
    assert narrowed("a", Float(0, 10, default=1), rule, ends(b=(1.2, 9))) == (2.4, 10)
    assert narrowed("b", Int(0, 10, default=1), rule, ends(a=(0, 7))) == (0, 3)
    assert narrowed("b", Float(0, 10, default=1), rule, ends(a=(0, 7))) == (0, 3.5)
    assert narrowed("b", Float(0, 3, default=1), rule, ends(a=(0, 7))) == (0, 3)
