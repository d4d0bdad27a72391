"""The options of the views: the same names and defaults as the views' own."""

import dataclasses

import pytest

from hpo.view_options import ViewOptions
from hpo.views import ViewRecipe
from search_spaces import Float, get
from search_spaces.view_options import DIMENSIONS


def test_names_and_defaults_are_the_recipes() -> None:
    recipe = dataclasses.asdict(ViewRecipe())
    assert {n: d.default for n, d in DIMENSIONS.items()} == {n: recipe[n] for n in DIMENSIONS}


@pytest.mark.parametrize("name", sorted(DIMENSIONS))
def test_a_recipe_and_the_options_take_both_ends(name: str) -> None:
    dimension = DIMENSIONS[name]
    assert isinstance(dimension, Float)
    assert dimension.source
    for value in (dimension.low, dimension.high, dimension.least, dimension.most):
        assert getattr(ViewOptions.model_validate({name: value}), name) == value
        dataclasses.replace(ViewRecipe(), **{name: value})


def test_they_vary_only_when_asked_for() -> None:
    assert not set(get("simclr")) & set(DIMENSIONS)
    space = get("simclr", views=True)
    assert list(space)[-len(DIMENSIONS) :] == list(DIMENSIONS)
    assert space.fixed == get("simclr").fixed
