"""Defaults, then older studies' points, then a grid; the sampler after that."""

from typing import Any

from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.trial import FrozenTrial, create_trial

from hpo.warm_start.point import Point
from hpo.warm_start.turn import following

POINTS = [Point("a", 5, {"x": 0.5}), Point("b", 5, {"x": 0.7})]


def trial(x: Any, distribution: Any = None, **attrs: Any) -> FrozenTrial:
    of_x = distribution or FloatDistribution(0.0, 1.0)
    return create_trial(value=1.0, params={"x": x}, distributions={"x": of_x}, user_attrs=attrs)


def turns(own: list[FrozenTrial], grid: Any = (), distribution: Any = None) -> list[Any]:
    found = []
    while (got := following(own, defaults={"x": 0.1}, points=POINTS, grid=grid)) is not None:
        found.append(got)
        own.append(trial(got[0]["x"], distribution, **got[1]))
    return found


def test_defaults_then_each_point_once_then_the_sampler() -> None:
    assert turns([]) == [
        ({"x": 0.1}, {}),
        ({"x": 0.5}, {"warm_start_from": ["a", 5]}),
        ({"x": 0.7}, {"warm_start_from": ["b", 5]}),
    ]


def test_what_was_begun_before_is_not_begun_again() -> None:
    assert turns([trial(0.1), trial(0.5, warm_start_from=["a", 5])]) == [
        ({"x": 0.7}, {"warm_start_from": ["b", 5]})
    ]
    drawn = [trial(0.1), trial(0.3)]  # a study that began without them
    assert len(turns(drawn)) == 2


def test_a_grid_has_every_point_once_those_carried_over_first() -> None:
    choices = CategoricalDistribution((0.1, 0.3, 0.5, 0.7, 0.9))
    grid = [{"x": x} for x in (0.1, 0.9, 0.7, 0.5, 0.3)]
    values = [values["x"] for values, _ in turns([], grid, choices)]
    assert values == [0.1, 0.5, 0.7, 0.9, 0.3]
    begun = [trial(x, choices) for x in (0.1, 0.9, 0.7)]
    assert [values["x"] for values, _ in turns(begun, grid, choices)] == [0.5, 0.3]
