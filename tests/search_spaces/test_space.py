"""Dimensions and spaces, and their round trips through real Optuna and Ray Tune objects."""

import math
from typing import Any

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution

from search_spaces import Categorical, Float, Int, SearchSpace, SpaceError, get, method_names

QUICK = settings(max_examples=40, deadline=None, derandomize=True)

ALL_KINDS = SearchSpace(
    "made",
    {
        "log": Float(1e-4, 1e-1, default=1e-3, log=True),
        "even": Float(-1.0, 1.0, default=0.0),
        "whole": Int(1, 3, default=2),
        "wide": Int(1, 1024, default=32, log=True),
        "word": Categorical(("a", "b", 3), default="b"),
    },
    fixed={"stays": 25.0},
)
SPACES = [ALL_KINDS, *(get(method) for method in method_names())]
BY_METHOD = pytest.mark.parametrize("space", SPACES, ids=lambda space: space.method)


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


@BY_METHOD
def test_the_defaults_are_what_varies(space: SearchSpace) -> None:
    assert list(space.defaults) == list(space) == list(space.dimensions)
    assert all(space.dimensions[n].contains(v) for n, v in space.defaults.items())


def test_freezing_moves_a_dimension_to_the_fixed_ones() -> None:
    frozen = ALL_KINDS.freeze({"whole": 9, "word": "c"})
    assert set(frozen) == {"log", "even", "wide"}
    assert frozen.fixed == {"stays": 25.0, "whole": 9, "word": "c"}
    assert set(ALL_KINDS) == {"log", "even", "whole", "wide", "word"}


def test_a_fixed_value_may_be_fixed_anew() -> None:
    once = ALL_KINDS.freeze({"log": 1.0, "stays": 1.0})
    assert once.freeze({"log": 2.0}).fixed == {"log": 2.0, "stays": 1.0}


def test_freezing_nothing_changes_nothing() -> None:
    assert ALL_KINDS.freeze({}) == ALL_KINDS


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("weight-decay", "Did you mean 'weight_decay'"),
        ("temprature", "Did you mean 'temperature'"),
        ("qqq", "Known: lr, temperature, weight_decay"),
    ],
)
def test_freezing_an_unknown_name(name: str, hint: str) -> None:
    with pytest.raises(SpaceError, match=hint) as caught:
        get("simclr").freeze({name: 1.0})
    assert f"{name!r} is no hyperparameter of simclr" in str(caught.value)


def test_the_nearest_name_may_be_a_fixed_one() -> None:
    with pytest.raises(SpaceError, match="Did you mean 'var'"):
        get("vicreg").freeze({"varr": 1.0})


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, "0.1", True, None])
@pytest.mark.parametrize(("method", "name"), [("simclr", "lr"), ("vicreg", "var")])
def test_a_number_is_frozen_to_a_finite_number(method: str, name: str, value: Any) -> None:
    """`var` is fixed from the start: no dimension says that it is a number, its value does."""
    with pytest.raises(SpaceError, match=f"{name}: got .*; wanted a finite number"):
        get(method).freeze({name: value})


# Optuna


def ask(space: SearchSpace, seed: int = 0) -> optuna.Trial:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    return study.ask(space.to_optuna())


@BY_METHOD
def test_what_optuna_draws_lies_inside_and_suggest_keeps_it(space: SearchSpace) -> None:
    for seed in range(20):
        trial = ask(space, seed)
        assert set(trial.params) == set(space)
        assert all(space.dimensions[n].contains(v) for n, v in trial.params.items())
        assert space.suggest(trial) == {**trial.params, **space.fixed}


@BY_METHOD
def test_suggest_and_to_optuna_name_the_same_distributions(space: SearchSpace) -> None:
    """Otherwise a trial asked for one way could not go on the other way."""
    trial = optuna.create_study().ask()
    space.suggest(trial)
    assert trial.distributions == space.to_optuna()


@BY_METHOD
def test_enqueued_defaults_come_back_exactly(space: SearchSpace) -> None:
    study = optuna.create_study()
    study.enqueue_trial(space.defaults)
    assert space.suggest(study.ask()) == {**space.defaults, **space.fixed}


def test_ends_and_scales_reach_optuna() -> None:
    found: dict[str, BaseDistribution] = ALL_KINDS.to_optuna()
    assert found["log"] == FloatDistribution(1e-4, 1e-1, log=True)
    assert found["even"] == FloatDistribution(-1.0, 1.0)
    assert found["whole"] == optuna.distributions.IntDistribution(1, 3)
    assert found["wide"] == optuna.distributions.IntDistribution(1, 1024, log=True)
    assert found["word"] == CategoricalDistribution(("a", "b", 3))


def test_what_is_frozen_is_not_asked_for() -> None:
    frozen = ALL_KINDS.freeze({"log": 9.0})
    assert "log" not in frozen.to_optuna()
    trial = ask(frozen)
    assert frozen.suggest(trial)["log"] == 9.0
    assert "log" not in trial.params


@QUICK
@given(low=st.floats(1e-6, 1e3), ratio=st.floats(1.01, 1e6), seed=st.integers(0, 99))
def test_any_logarithmic_range_survives_optuna(low: float, ratio: float, seed: int) -> None:
    dimension = Float(low, low * ratio, default=low, log=True)
    drawn = ask(SearchSpace("made", {"x": dimension}), seed).params["x"]
    assert dimension.contains(drawn)


# Ray Tune


@BY_METHOD
def test_what_ray_draws_lies_inside(space: SearchSpace) -> None:
    param_space = space.to_ray()
    assert set(param_space) == {*space.dimensions, *space.fixed}
    for name, dimension in space.dimensions.items():
        drawn = param_space[name].sample(size=200, random_state=0)
        assert [value for value in drawn if not dimension.contains(_plain(value))] == [], name
    assert {name: param_space[name] for name in space.fixed} == space.fixed


def test_ray_reaches_both_ends_of_whole_numbers_and_all_choices() -> None:
    """Ray leaves the upper end out; ours is in."""
    param_space = ALL_KINDS.to_ray()
    assert set(param_space["whole"].sample(size=100, random_state=0)) == {1, 2, 3}
    assert set(param_space["word"].sample(size=100, random_state=0)) == {"a", "b", 3}
    small = SearchSpace("made", {"x": Int(1, 2, default=1, log=True)}).to_ray()
    assert set(small["x"].sample(size=100, random_state=0)) == {1, 2}


def test_ray_draws_logarithmic_ranges_on_their_logarithm() -> None:
    param_space = ALL_KINDS.to_ray()
    for name, middle in (("log", 10**-2.5), ("even", 0.0)):
        drawn = param_space[name].sample(size=400, random_state=0)
        below = sum(value < middle for value in drawn) / len(drawn)
        assert below == pytest.approx(0.5, abs=0.1), name


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value
