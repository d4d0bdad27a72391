"""Our search spaces in the hands of Ray's searchers, and what the trainable makes of draws."""

from __future__ import annotations

import math
from typing import Any

import pytest
from ray import tune
from ray.tune.search.optuna import OptunaSearch
from ray.tune.search.sample import Function
from ray.tune.search.variant_generator import generate_variants

import search_spaces
from hpo.ray_tune.sampled import hyperparameters_in
from search_spaces import Categorical, SearchSpace

METHODS = pytest.mark.parametrize("method", search_spaces.method_names())


def depends(space: SearchSpace) -> dict[str, Any]:
    """The defaults of what Ray draws after something else."""
    return {n: space.defaults[n] for n, v in space.to_ray().items() if isinstance(v, Function)}


def drawn_by_optuna(space: SearchSpace) -> dict[str, Any]:
    searcher = OptunaSearch(seed=0)
    searcher.set_search_properties("guarded_rank", "max", space.to_ray())
    drawn = searcher.suggest("first")
    assert drawn is not None
    return drawn


@METHODS
def test_what_random_search_draws_is_what_is_trained(method: str) -> None:
    space = search_spaces.get(method)
    for seed in range(5):
        _, spec = next(iter(generate_variants({"config": space.to_ray()}, random_state=seed)))
        drawn = dict(spec["config"])
        assert hyperparameters_in(drawn, space) == drawn


@METHODS
def test_another_searcher_takes_what_depends_on_nothing(method: str) -> None:
    space = search_spaces.get(method)
    left = space.freeze(depends(space))
    drawn = drawn_by_optuna(left)
    assert set(drawn) == set(left.dimensions)
    assert hyperparameters_in(drawn, left) == {**left.fixed, **drawn}


def test_another_searcher_refuses_what_depends_on_something() -> None:
    space = search_spaces.get("dino")
    assert set(depends(space)) == {"teacher_temp"}
    with pytest.raises(ValueError, match="does not support parameters of type `Function`"):
        drawn_by_optuna(space)


def test_a_grid_has_each_point_once_with_rays_grid_search() -> None:
    space = search_spaces.get("barlow_twins", preset="alpha_req")
    axes = {n: d.choices for n, d in space.dimensions.items() if isinstance(d, Categorical)}
    assert set(axes) == set(space.dimensions)
    grid = {**space.to_ray(), **{n: tune.grid_search(list(axes[n])) for n in axes}}
    points = [
        tuple(spec["config"][n] for n in axes) for _, spec in generate_variants({"config": grid})
    ]
    assert len(points) == len(set(points)) == math.prod(map(len, axes.values())) > 1
