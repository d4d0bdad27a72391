"""Quick, wide, and the papers' grids."""

import math
from itertools import product

import pytest

from search_spaces import (
    Below,
    Categorical,
    Dimension,
    Float,
    Int,
    SpaceError,
    When,
    get,
    method_names,
    presets,
)

EVERY_METHOD = pytest.mark.parametrize("method", method_names())
EVERY_KIND: dict[str, Dimension] = {
    "even": Float(0.2, 0.6, default=0.3, least=0.1, most=0.7),
    "count": Int(2, 10, default=4, least=1),
    "doubling": Int(2, 64, default=16, log=True),
    "choice": Categorical((1, 2), default=1),
    "switched": Float(0.1, 1.0, default=0.2, log=True, most=1.0, when=When("choice", (2,))),
}


def numbers(method: str, preset: str, **arguments: object) -> dict[str, Float | Int]:
    space = get(method, preset=preset, **arguments)  # type: ignore[arg-type]
    return {n: d for n, d in space.dimensions.items() if not isinstance(d, Categorical)}


@EVERY_METHOD
def test_every_method_lists_its_presets(method: str) -> None:
    known = presets(method)
    assert list(known)[:3] == ["default", "quick", "wide"]
    assert all(known.values())
    for preset in known:
        described = known[preset]
        optimizer = "lars" if "(optimizer lars)" in described else "adamw"
        space = get(method, optimizer=optimizer, preset=preset)
        assert space.checked().suggest is not None
        assert {*space.dimensions, *space.fixed} == {*get(method), *get(method).fixed}


@EVERY_METHOD
def test_quick_varies_the_learning_rate_and_one_knob(method: str) -> None:
    space, whole = get(method, preset="quick"), get(method)
    assert list(space) == ["lr", next(n for n in whole if n not in ("lr", "weight_decay"))]
    assert {**space.fixed, **space.defaults} == {**whole.fixed, **whole.defaults}
    assert space.held["weight_decay"].held == "held by the preset quick"
    for name, dimension in numbers(method, "quick").items():
        before = whole.dimensions[name]
        assert not isinstance(before, Categorical)
        assert before.low <= dimension.low < dimension.high <= before.high
        ratio = math.log if dimension.log else float
        narrower = ratio(dimension.high) - ratio(dimension.low)
        assert narrower <= 0.501 * (ratio(before.high) - ratio(before.low)), name


@EVERY_METHOD
def test_wide_reaches_three_times_as_far_within_what_is_legal(method: str) -> None:
    whole = get(method).dimensions
    assert set(get(method, preset="wide")) == set(whole)
    for name, dimension in numbers(method, "wide").items():
        before = whole[name]
        assert not isinstance(before, Categorical)
        assert dimension.default == before.default
        assert dimension.low <= before.low < before.high <= dimension.high
        if dimension.log:
            assert dimension.low == pytest.approx(before.low / 3)
            assert dimension.high == pytest.approx(min(3 * before.high, before.most or math.inf))


def test_every_kind_of_range_is_narrowed_and_widened() -> None:
    wide = numbers("mine", "wide", dimensions=EVERY_KIND)
    assert (wide["even"].low, wide["even"].high) == (0.1, 0.7)
    assert (wide["count"].low, wide["count"].high) == (1, 10)
    assert (wide["doubling"].low, wide["doubling"].high) == (1, 192)
    assert (wide["switched"].low, wide["switched"].high) == pytest.approx((0.1 / 3, 1.0))
    for name in ("even", "count", "doubling"):
        quick = numbers("mine", "quick", dimensions={name: EVERY_KIND[name]})[name]
        expected = {"even": (0.2, 0.4), "count": (2, 6), "doubling": (7, 38)}[name]
        assert (quick.low, quick.high) == pytest.approx(expected), name
    space = get("mine", preset="quick", dimensions={"x": Int(0, 1, default=0)})
    assert space.dimensions["x"] == Int(0, 1, default=0)


def test_presets_leave_the_views_as_they_are() -> None:
    whole = get("simclr", views=True)
    for preset in ("quick", "wide"):
        space = get("simclr", preset=preset, views=True)
        assert space.dimensions["min_scale"] == whole.dimensions["min_scale"]
    assert get("dino", views=True).constraints == (Below("teacher_temp", "student_temp"),)


# The papers' grids


def choices(method: str, preset: str, optimizer: str) -> dict[str, tuple[object, ...]]:
    space = get(method, preset=preset, optimizer=optimizer)
    return {n: d.choices for n, d in space.dimensions.items() if isinstance(d, Categorical)}


def test_the_grid_of_alpha_req_is_eighty_models() -> None:
    grid = choices("barlow_twins", "alpha_req", "adamw")
    assert len(list(product(*grid.values()))) == 80
    assert grid["projector_width"] == (128, 256, 512, 768, 1024, 2048, 3072, 4096)
    for k, value in enumerate(grid["lambda_param"]):
        assert value == pytest.approx(0.001 * 500 ** (k / 9), rel=1e-5)
    fixed = get("barlow_twins", preset="alpha_req").fixed
    assert fixed == {"lr": 5e-4, "weight_decay": 1e-6, "warmup_share": 0.1}


def test_the_grids_of_rankme() -> None:
    grid = choices("simclr", "rankme", "lars")
    assert grid["temperature"] == (0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.4)
    assert grid["lr"] == (0.2, 0.3, 0.4, 0.5, 0.6, 0.8)
    assert grid["weight_decay"] == (1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2)
    assert len(choices("vicreg", "rankme", "lars")["cov"]) == 12
    assert get("vicreg", preset="rankme", optimizer="lars").fixed["var"] == 25.0


def test_the_grids_of_idest() -> None:
    grid = choices("dino", "idest", "adamw")
    assert grid["teacher_temp"] == (0.01, 0.02, 0.03, 0.04, 0.05)
    assert grid["student_temp"] == (0.07, 0.1, 0.2, 0.3, 0.4)
    assert choices("ijepa", "idest", "adamw")["context_scale"] == (0.4, 0.5, 0.65, 0.75, 0.9)
    assert get("ijepa", preset="idest").dimensions["lr"].default == 1e-4


@pytest.mark.parametrize(
    ("method", "preset", "wanted", "got"),
    [
        ("simclr", "rankme", "lars", "adamw"),
        ("vicreg", "rankme", "lars", "sgd"),
        ("barlow_twins", "alpha_req", "adamw", "lars"),
    ],
)
def test_a_grid_belongs_to_an_optimizer(method: str, preset: str, wanted: str, got: str) -> None:
    message = f"preset: '{preset}' of {method} is a grid for the optimizer '{wanted}', got '{got}'"
    with pytest.raises(SpaceError, match=message):
        get(method, preset=preset, optimizer=got)


@pytest.mark.parametrize(
    ("method", "preset", "message"),
    [
        ("simclr", "lidar", "LiDAR's paper .* its values were not found in what could be read"),
        ("vicreg", "lidar", "were not found in what could be read. The nearest is 'idest'"),
        ("ijepa", "lidar", "The nearest is 'idest'"),
        ("dino", "rankme", "The nearest is the preset 'idest'"),
        ("barlow_twins", "rankme", "reports no sweep of Barlow Twins"),
        ("simclr", "rankmee", "Did you mean 'rankme'"),
        ("byol", "qqq", "Known: default, quick, wide"),
        ("barlow_twins", "alpha-req", "Did you mean 'alpha_req'"),
    ],
)
def test_a_preset_that_is_not_there(method: str, preset: str, message: str) -> None:
    with pytest.raises(SpaceError, match=message) as caught:
        get(method, preset=preset)
    assert f"preset: got {preset!r}, which {method} has not" in str(caught.value)


def test_what_a_preset_holds_may_be_searched() -> None:
    space = get("simclr", preset="alpha_req").search(["lr"])
    assert set(space) == {"lr", "temperature", "projector_width"}
    assert space.held["weight_decay"].held == "held by the preset alpha_req"
