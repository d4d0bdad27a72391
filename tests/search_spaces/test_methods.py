"""Every method has one space and every space one method; both say the same of every knob."""

import inspect
from pathlib import Path
from typing import Any

import pytest
from torch import nn
from torchvision.models import VisionTransformer

import search_spaces
from hpo.methods import LEARNERS, METHODS, REFUSED, build_learner
from search_spaces import (
    Categorical,
    Dimension,
    Float,
    SearchSpacesError,
    SpaceError,
    UnknownMethodError,
    get,
    method_names,
    presets,
)

OPTIMIZERS = ("adamw", "lars", "sgd")
OF_THE_OPTIMIZER = {"lr", "weight_decay", "warmup_share"}
NO_METHOD = {
    "__init__",
    "constraints",
    "dimensions",
    "drawing",
    "engines",
    "errors",
    "mistakes",
    "momentum",
    "naming",
    "optimizers",
    "overriding",
    "possible",
    "preset",
    "preset_file",
    "preset_layer",
    "preset_text",
    "projector",
    "queues",
    "space",
    "view_counts",
    "view_options",
    "yaml_document",
}  # fmt: skip
BUILDERS = {**METHODS, **LEARNERS}
EVERY_METHOD = pytest.mark.parametrize("method", method_names())
EVERY_PRESET = [(method, preset) for method in method_names() for preset in presets(method)]


def builder_defaults(method: str) -> dict[str, Any]:
    parameters = inspect.signature(BUILDERS[method]).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}


def optimizer_of(method: str, preset: str) -> str:
    """The one that a paper's grid belongs to, as its description says."""
    described = presets(method)[preset]
    return next((o for o in OPTIMIZERS if f"(optimizer {o})" in described), "adamw")


def build(method: str, values: dict[str, Any]) -> nn.Module:
    own = {n: v for n, v in values.items() if n not in OF_THE_OPTIMIZER}
    if method in LEARNERS:
        backbone: nn.Module = VisionTransformer(32, 8, 1, 2, 32, 32)
        return build_learner(method, backbone, 32, **own)
    return build_learner(method, nn.Identity(), 8, **own)


def test_methods_and_spaces_are_the_same_set() -> None:
    files = {f.stem for f in Path(search_spaces.__file__).parent.glob("*.py")} - NO_METHOD
    assert set(BUILDERS) == set(method_names()) == files
    assert method_names() == sorted(method_names())
    assert not set(REFUSED) & set(method_names())


@EVERY_METHOD
def test_names_and_defaults_are_the_builders(method: str) -> None:
    space = get(method)
    own = {n: v for n, v in space.defaults.items() if n not in OF_THE_OPTIMIZER}
    fixed = {n: v for n, v in space.fixed.items() if n not in OF_THE_OPTIMIZER}
    assert {**own, **fixed} == pytest.approx(builder_defaults(method))
    assert not set(own) & set(fixed)


@pytest.mark.parametrize(("method", "preset"), EVERY_PRESET)
def test_a_builder_takes_both_ends_of_every_range(method: str, preset: str) -> None:
    space = get(method, optimizer=optimizer_of(method, preset), preset=preset)
    space = space.search(space.held)
    for end in (0, -1):
        values = {name: ends(d)[end] for name, d in space.dimensions.items()}
        assert build(method, {**values, **space.fixed}) is not None


def ends(dimension: Dimension) -> tuple[Any, ...]:
    if isinstance(dimension, Categorical):
        return dimension.choices
    return dimension.low, dimension.high


@EVERY_METHOD
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_space_is_complete(method: str, optimizer: str) -> None:
    space = get(method, optimizer=optimizer, views=True)
    assert space.method == method
    assert set(space) >= {"lr", "weight_decay", "min_scale"}
    assert "warmup_share" in space.held
    for name, dimension in {**space.dimensions, **space.held}.items():
        assert dimension.source, name
        assert dimension.contains(dimension.default), name


@EVERY_METHOD
def test_a_space_is_not_shared(method: str) -> None:
    get(method).freeze({"lr": 1.0})
    assert "lr" in get(method).dimensions


@pytest.mark.parametrize("method", ["simclr", "barlow_twins", "vicreg", "byol", "mmcr"])
def test_a_search_does_not_widen_the_projector(method: str) -> None:
    space = get(method)
    assert space.fixed["projector_width"] == "auto"
    assert "every rank measure grows" in space.held["projector_width"].held


@pytest.mark.parametrize(
    ("method", "hint"),
    [("simclrr", "Did you mean 'simclr'"), ("barlow", "barlow_twins"), ("qqqq", "Known: barlow")],
)
def test_an_unknown_method_gets_the_nearest_name(method: str, hint: str) -> None:
    for ask in (get, presets):
        with pytest.raises(UnknownMethodError, match=hint) as caught:
            ask(method)
        assert repr(method) in str(caught.value)
        assert isinstance(caught.value, SearchSpacesError | ValueError)


@EVERY_METHOD
def test_an_unknown_optimizer(method: str) -> None:
    with pytest.raises(SpaceError, match=r"optimizer: got 'adam'; wanted one of \['adamw'"):
        get(method, optimizer="adam")


@EVERY_METHOD
def test_what_spans_an_order_of_magnitude_is_searched_on_its_logarithm(method: str) -> None:
    for name, dimension in get(method).dimensions.items():
        if isinstance(dimension, Float) and dimension.low > 0:
            assert dimension.log is (dimension.high / dimension.low >= 4.5), name


# Methods of the user's own


OWN: dict[str, Dimension] = {
    "sharpness": Float(0.1, 10.0, default=1.0, log=True),
    "heads": Categorical((1, 2), default=2, held="each costs a pass"),
}


def test_a_method_of_the_users_own_is_composed_with_the_optimizer() -> None:
    space = get("mine.py:mine", optimizer="sgd", dimensions=OWN)
    assert list(space) == ["lr", "weight_decay", "sharpness"]
    assert space.fixed == {"warmup_share": 0.1, "heads": 2}
    assert space.dimensions["lr"] == get("simclr", optimizer="sgd").dimensions["lr"]
    quick = get("mine.py:mine", dimensions=OWN, preset="quick", views=True)
    assert list(quick)[:3] == ["lr", "sharpness", "min_scale"]
    assert list(get("x", dimensions={})) == ["lr", "weight_decay"]


@pytest.mark.parametrize("name", ["lr", "warmup_share", "cj_strength"])
def test_names_of_the_optimizer_and_the_views_are_taken(name: str) -> None:
    with pytest.raises(SpaceError, match=f"mine: '{name}' is a hyperparameter of the optimiser"):
        get("mine", dimensions={name: OWN["sharpness"]})


def test_a_dimension_is_one() -> None:
    with pytest.raises(SpaceError, match="mine: x is a tuple; wanted a Float, an Int or a Categ"):
        get("mine", dimensions={"x": (0, 1)})  # type: ignore[dict-item]
