"""Every method has one space and every space one method; both say the same of every knob."""

import importlib
import inspect
import math
from pathlib import Path

import pytest

import search_spaces
from hpo.methods import METHODS, build_method
from search_spaces import SearchSpacesError, SpaceError, UnknownMethodError, get, method_names

OPTIMIZERS = ("adamw", "lars", "sgd")
OF_THE_OPTIMIZER = {"lr", "weight_decay"}
NO_METHOD = {"__init__", "errors", "optimizers", "space"}
EVERY_PAIR = [(method, optimizer) for method in method_names() for optimizer in OPTIMIZERS]


def builder_defaults(method: str) -> dict[str, float]:
    parameters = inspect.signature(METHODS[method]).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}


def test_methods_and_spaces_are_the_same_set() -> None:
    files = {f.stem for f in Path(search_spaces.__file__).parent.glob("*.py")} - NO_METHOD
    assert set(METHODS) == set(method_names()) == files


@pytest.mark.parametrize("method", sorted(METHODS))
def test_names_and_defaults_are_the_builders(method: str) -> None:
    space = get(method)
    own = {n: v for n, v in space.defaults.items() if n not in OF_THE_OPTIMIZER}
    assert {**own, **space.fixed} == pytest.approx(builder_defaults(method))
    assert not set(own) & set(space.fixed)


@pytest.mark.parametrize("method", sorted(METHODS))
def test_a_builder_takes_both_ends_of_every_range(method: str) -> None:
    module = importlib.import_module(f"search_spaces.{method}")
    for end in ("low", "high"):
        values = {name: getattr(d, end) for name, d in module.DIMENSIONS.items()}
        assert build_method(method, 8, **values, **getattr(module, "FIXED", {})) is not None


@pytest.mark.parametrize(("method", "optimizer"), EVERY_PAIR)
def test_every_space_is_complete(method: str, optimizer: str) -> None:
    space = get(method, optimizer=optimizer)
    assert space.method == method
    assert set(space) >= OF_THE_OPTIMIZER
    for name, dimension in space.dimensions.items():
        assert dimension.source, name
        assert dimension.contains(dimension.default), name


@pytest.mark.parametrize("method", method_names())
def test_a_space_is_not_shared(method: str) -> None:
    get(method).freeze({"lr": 1.0})
    assert "lr" in get(method).dimensions


@pytest.mark.parametrize(
    ("method", "hint"),
    [("simclrr", "Did you mean 'simclr'"), ("barlow", "barlow_twins"), ("zzz", "Known: barlow")],
)
def test_an_unknown_method_gets_the_nearest_name(method: str, hint: str) -> None:
    with pytest.raises(UnknownMethodError, match=hint) as caught:
        get(method)
    assert repr(method) in str(caught.value)
    assert isinstance(caught.value, SearchSpacesError | ValueError)


@pytest.mark.parametrize("method", method_names())
def test_an_unknown_optimizer(method: str) -> None:
    with pytest.raises(SpaceError, match=r"optimizer: got 'adam'; wanted one of \['adamw'"):
        get(method, optimizer="adam")


@pytest.mark.parametrize("method", method_names())
def test_all_ranges_are_searched_on_their_logarithm(method: str) -> None:
    """All of the first four methods' knobs are positive and vary over an order of magnitude."""
    for name, dimension in get(method).dimensions.items():
        assert isinstance(dimension, search_spaces.Float), name
        assert dimension.log, name
        assert math.log10(dimension.high / dimension.low) >= 1.0, name
