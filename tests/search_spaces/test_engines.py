"""Round trips through real Optuna and Ray Tune objects."""

from typing import Any

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from ray.tune.search.variant_generator import generate_variants

from search_spaces import Float, Int, SearchSpace
from tests.search_spaces.spaces import ALL_KINDS, SIMPLE, SPACES, TANGLED

BY_METHOD = pytest.mark.parametrize("space", SPACES, ids=lambda space: space.method)
QUICK = settings(max_examples=40, deadline=None, derandomize=True)


def ask(space: SearchSpace, seed: int = 0) -> optuna.Trial:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    return study.ask(space.to_optuna())


@pytest.mark.parametrize("space", SIMPLE, ids=lambda space: space.method)
def test_what_optuna_draws_lies_inside_and_suggest_keeps_it(space: SearchSpace) -> None:
    for seed in range(10):
        trial = ask(space, seed)
        assert set(trial.params) == set(space)
        assert all(space.dimensions[n].contains(v) for n, v in trial.params.items())
        assert space.suggest(trial) == {**trial.params, **space.fixed}


@pytest.mark.parametrize("space", SIMPLE, ids=lambda space: space.method)
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


@BY_METHOD
def test_a_trial_asked_for_the_whole_ranges_keeps_what_it_was_given(space: SearchSpace) -> None:
    """Without a word about the narrower ones, as long as its values go together."""
    study = optuna.create_study()
    study.enqueue_trial(space.defaults)
    trial = study.ask(space.to_optuna())
    assert space.suggest(trial) == {**space.defaults, **space.fixed}


def test_ends_and_scales_reach_optuna() -> None:
    found = ALL_KINDS.to_optuna()
    assert found["log"] == FloatDistribution(1e-4, 1e-1, log=True)
    assert found["even"] == FloatDistribution(-1.0, 1.0)
    assert found["whole"] == IntDistribution(1, 3)
    assert found["wide"] == IntDistribution(1, 1024, log=True)
    assert found["word"] == CategoricalDistribution(("a", "b", 3))


def test_the_whole_ranges_reach_optuna_whatever_their_constraints() -> None:
    found = TANGLED.to_optuna()
    assert found["small"] == FloatDistribution(0.01, 0.5, log=True)
    assert found["few"] == IntDistribution(1, 20)
    assert "inner" in found


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


def ray_draws(space: SearchSpace, n: int, seed: int = 0) -> list[dict[str, Any]]:
    """Draw as Ray's random search does, which resolves what depends on something else."""
    made = {"config": space.to_ray()}
    variants = [next(iter(generate_variants(made, random_state=seed + i))) for i in range(n)]
    return [{n: _plain(v) for n, v in spec["config"].items()} for _, spec in variants]


@BY_METHOD
def test_what_ray_draws_lies_inside_and_goes_together(space: SearchSpace) -> None:
    for drawn in ray_draws(space, 20):
        assert list(drawn) == [*space.dimensions, *space.fixed]
        space.check(drawn)
        for name, dimension in space.dimensions.items():
            assert dimension.contains(drawn[name]), name
            if dimension.when is not None and not dimension.when.holds(drawn):
                assert drawn[name] == dimension.default
        assert {name: drawn[name] for name in space.fixed} == space.fixed


def test_ray_varies_what_depends_on_something_else() -> None:
    drawn = ray_draws(TANGLED, 60)
    assert {d["switch"] for d in drawn} == {"on", "off"}
    assert {d["depth"] for d in drawn if d["switch"] == "on"} == {1, 2, 3}
    assert len({d["large"] for d in drawn}) > 50
    assert len({d["few"] for d in drawn}) > 5
    above = sum(d["large"] > 0.5 for d in drawn)
    assert 0 < above < 60


def test_ray_narrows_by_what_is_frozen() -> None:
    space = TANGLED.freeze({"small": 0.3, "switch": "off"})
    for drawn in ray_draws(space, 20):
        assert drawn["large"] > 0.3
        assert (drawn["depth"], drawn["inner"]) == (2, 0.2) or drawn["inner"] != 0.2
        assert drawn["depth"] == 2


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
