"""Configurations of one space in another: what fits, what is filled in, what is a mistake."""

from typing import Any

import pytest

from hpo.warm_start.carrying import CarriedOver, carry_over
from hpo.warm_start.point import Point
from search_spaces import Categorical, SearchSpace, get
from search_spaces.dimensions import Value
from tests.search_spaces.spaces import ALL_KINDS, TANGLED

KINDS: dict[str, Value] = {"log": 1e-3, "even": 0.5, "whole": 3, "wide": 64, "word": "a"}


def carried(space: SearchSpace, **values: Any) -> CarriedOver:
    return carry_over([Point("old", 17, values)], space)


def test_what_fits_is_carried_as_it_is() -> None:
    got = carried(ALL_KINDS, **KINDS, stays=25.0)
    assert got == CarriedOver((Point("old", 17, KINDS),))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("log", 0.5, "log: 0.5 of trial 17 is not in [0.0001, 0.1]; give --space log=0.0001..0.5."),
        ("even", -2, "even: -2 of trial 17 is not in [-1.0, 1.0]; give --space even=-2.0..1.0."),
        ("even", float("nan"), "even: nan of trial 17 is not in [-1.0, 1.0]; leave out that study"),
        ("even", "auto", "even: 'auto' of trial 17 is not in [-1.0, 1.0]; leave out that study"),
        ("even", None, "even: None of trial 17 is not in [-1.0, 1.0]; leave out that study"),
        ("even", True, "even: True of trial 17 is not in [-1.0, 1.0]; leave out that study"),
        ("whole", 2.5, "whole: 2.5 of trial 17 is not in [1, 3]"),
        ("word", "c", "word: 'c' of trial 17 is not among 'a', 'b', 3; give --space word=a,b,3,c."),
        ("word", 4, "word: 4 of trial 17 is not among 'a', 'b', 3"),
    ],
)
def test_what_does_not_fit_is_said_with_what_to_do(name: str, value: Any, message: str) -> None:
    got = carried(ALL_KINDS, **{**KINDS, name: value, "stays": 25.0})
    assert got.points == ()
    assert [text.startswith(f"from old: {message}") for text in got.mistakes] == [True]


def test_all_mistakes_of_all_points_are_said() -> None:
    points = [Point("old", n, {**KINDS, "log": float(n), "word": "z"}) for n in (1, 2)]
    assert carry_over([*points, Point("b", 3, {**KINDS, "log": 9.0})], ALL_KINDS).mistakes == (
        "from old: log: 1.0 of trial 1, 2.0 of trial 2 are not in [0.0001, 0.1]; give --space "
        "log=0.0001..2.0.",
        "from old: word: 'z' of trial 1, 'z' of trial 2 are not among 'a', 'b', 3; give --space "
        "word=a,b,3,z.",
        "from b: log: 9.0 of trial 3 is not in [0.0001, 0.1]; give --space log=0.0001..9.0.",
    )


def test_kinds_may_differ_where_the_value_is_the_same() -> None:
    got = carried(ALL_KINDS, **{**KINDS, "even": 1, "whole": 3.0, "word": 3.0, "stays": 25})
    (point,) = got.points
    assert [type(point.values[name]) for name in ("even", "whole", "word")] == [float, int, int]


def test_a_truth_value_is_not_the_number_one() -> None:
    space = SearchSpace("m", {"n": Categorical((1, 2), default=2)})
    assert "n: True of trial 17 is not among 1, 2" in carried(space, n=True).mistakes[0]


def test_a_missing_value_is_filled_and_a_needless_one_dropped() -> None:
    values = {name: value for name, value in KINDS.items() if name != "wide"}
    got = carried(ALL_KINDS, **values, gone=3, stays=5.0)
    assert got.points[0].values == {**KINDS, "wide": 32}
    assert got.notes == (
        "from old: wide: trials 17 have none; they get 32.",
        "from old: gone: is not searched here and is dropped.",
        "from old: stays: 5.0 there, 25.0 here, where it is fixed.",
    )
    assert got.mistakes == ()


def test_what_does_not_count_gets_its_default_and_is_not_looked_at() -> None:
    values = {"switch": "off", "depth": 99, "inner": 77.0, "small": 0.05, "large": 0.4}
    got = carried(TANGLED, **values, many=20, few=4, kept=3)
    assert got.mistakes == ()
    assert (got.points[0].values["depth"], got.points[0].values["inner"]) == (2, 0.2)


def test_what_breaks_a_constraint_is_a_mistake() -> None:
    got = carry_over([Point("old", 4, {**get("dino").defaults, "teacher_temp": 0.1})], get("dino"))
    assert got.points == ()
    assert "from old: trial 4: teacher_temp: got teacher_temp=0.1 and student" in got.mistakes[0]


def test_equal_points_are_carried_once() -> None:
    points = [Point("a", 1, KINDS), Point("b", 2, KINDS), Point("b", 3, {**KINDS, "even": 0.1})]
    got = carry_over(points, ALL_KINDS).points
    assert [(point.source, point.number) for point in got] == [("a", 1), ("b", 3)]


@pytest.mark.parametrize("method", ["simclr", "mmcr", "dino", "swav"])
def test_a_space_takes_its_own_defaults(method: str) -> None:
    space = get(method)
    got = carried(space, **{**space.fixed, **space.defaults})
    assert got == CarriedOver((Point("old", 17, space.defaults),))
