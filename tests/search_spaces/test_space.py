"""Fixing, releasing and checking what is in a space."""

import math
from typing import Any

import pytest

from search_spaces import (
    AtLeast,
    Below,
    Categorical,
    Float,
    Int,
    SearchSpace,
    SpaceError,
    When,
    get,
)
from tests.search_spaces.spaces import ALL_KINDS, SPACES, TANGLED

BY_METHOD = pytest.mark.parametrize("space", SPACES, ids=lambda space: space.method)


@BY_METHOD
def test_the_defaults_are_what_varies(space: SearchSpace) -> None:
    assert list(space.defaults) == list(space) == list(space.dimensions)
    assert all(space.dimensions[n].contains(v) for n, v in space.defaults.items())


@BY_METHOD
def test_what_is_held_is_fixed_at_its_default_and_says_why(space: SearchSpace) -> None:
    assert not set(space.held) & set(space.dimensions)
    for name, dimension in space.held.items():
        assert space.fixed[name] == dimension.default
        assert dimension.held
    space.check(space.defaults)
    assert space.checked() is space


def test_freezing_moves_a_dimension_to_the_fixed_ones() -> None:
    frozen = ALL_KINDS.freeze({"whole": 9, "word": "c"})
    assert set(frozen) == {"log", "even", "wide"}
    assert frozen.fixed == {"stays": 25.0, "whole": 9, "word": "c"}
    assert set(ALL_KINDS) == {"log", "even", "whole", "wide", "word"}


def test_a_fixed_value_may_be_fixed_anew() -> None:
    once = ALL_KINDS.freeze({"log": 1.0, "stays": 1.0})
    assert once.freeze({"log": 2.0}).fixed == {"log": 2.0, "stays": 1.0}


def test_a_held_dimension_may_be_fixed_elsewhere() -> None:
    frozen = TANGLED.freeze({"kept": 8})
    assert frozen.fixed == {"kept": 8}
    assert "kept" not in frozen.dimensions


def test_freezing_nothing_changes_nothing() -> None:
    assert ALL_KINDS.freeze({}) == ALL_KINDS


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("weight-decay", "Did you mean 'weight_decay'"),
        ("temprature", "Did you mean 'temperature'"),
        ("projectorwidth", "Did you mean 'projector_width'"),
        ("qqq", "Known: lr, projector_width, temperature, warmup_share, weight_decay"),
        ("min_scale", "It is an option of the views: give search_views as well"),
    ],
)
def test_an_unknown_name(name: str, hint: str) -> None:
    for use in (
        lambda: get("simclr").freeze({name: 1.0}),
        lambda: get("simclr").search([name]),
        lambda: get("simclr").override({name: [1.0]}),
    ):
        with pytest.raises(SpaceError, match=hint) as caught:
            use()
        assert f"{name!r} is no hyperparameter of simclr" in str(caught.value)


def test_the_nearest_name_may_be_a_fixed_one() -> None:
    with pytest.raises(SpaceError, match="Did you mean 'stays'"):
        ALL_KINDS.freeze({"stay": 1.0})


# Searching what is held


def test_searching_lets_a_held_dimension_vary() -> None:
    space = get("simclr").search(["projector_width", "warmup_share"])
    assert {"projector_width", "warmup_share"} <= set(space)
    assert not {"projector_width", "warmup_share"} & {*space.held, *space.fixed}
    assert "projector_width" in get("simclr").held


def test_searching_what_varies_already_changes_nothing() -> None:
    space = get("simclr")
    assert space.search(["lr"]) == space == space.search([])


def test_searching_lets_go_of_what_was_fixed() -> None:
    assert get("simclr").freeze({"lr": 9.0}).search(["lr"]) == get("simclr")
    released = get("simclr", preset="quick").search(["weight_decay"])
    assert set(released) == {"lr", "temperature", "weight_decay"}


def test_a_value_without_a_range_cannot_vary() -> None:
    with pytest.raises(SpaceError, match="stays: is fixed and has no range to search"):
        ALL_KINDS.search(["stays"])


# The number of images


@pytest.mark.parametrize(
    ("n_images", "choices", "default"),
    [
        (70_000, (256, 1024, 4096, 16384), 1024),
        (16384, (256, 1024, 4096), 1024),
        (4096, (256, 1024), 1024),
        (4095, (256,), 256),
        (10, (256,), 256),
    ],
)
def test_a_queue_is_at_most_a_quarter_of_the_images(
    n_images: int, choices: tuple[int, ...], default: int
) -> None:
    queue = get("mocov2").for_images(n_images).dimensions["queue"]
    assert isinstance(queue, Categorical)
    assert queue.choices == choices
    assert queue.default == default


def test_a_held_choice_shrinks_too_and_one_fixed_on_purpose_does_not() -> None:
    held = get("nnclr", preset="quick").search(["queue"]).freeze({"queue": 1024})
    assert held.for_images(100).fixed["queue"] == 1024
    queue = Categorical((64, 512), default=512, held="so", share_of_images=0.5)
    space = SearchSpace("m", {"queue": queue})
    assert space.for_images(1024).fixed == {"queue": 512}
    small = space.for_images(1023)
    assert small.fixed == {"queue": 64}
    assert list(small) == []


def test_other_spaces_do_not_care_how_many_images_there_are() -> None:
    assert get("simclr").for_images(2) == get("simclr")
    words = Categorical(("auto", 64, 512), default="auto", share_of_images=0.5)
    left = SearchSpace("m", {"queue": words}).for_images(200).dimensions["queue"]
    assert isinstance(left, Categorical)
    assert (left.choices, left.default) == (("auto", 64), "auto")


# Conditions and constraints


@pytest.mark.parametrize(
    "wrong",
    [
        {"dimensions": {"x": Float(0.0, 1.0, default=0.5, when=When("z", (1,)))}},
        {"dimensions": {}, "constraints": (Below("z", "y"),), "fixed": {"y": 1.0}},
        {"dimensions": {}, "constraints": (AtLeast("y", 2, "z"),), "fixed": {"y": 1.0}},
    ],
)
def test_conditions_and_constraints_name_what_is_there(wrong: dict[str, Any]) -> None:
    with pytest.raises(SpaceError, match=r"'z' is no .* A condition or a constraint names it"):
        SearchSpace("m", **wrong)


@pytest.mark.parametrize("teacher", [0.1, 0.3])
def test_values_that_break_a_constraint(teacher: float) -> None:
    message = f"teacher_temp: got teacher_temp={teacher} and student_temp=0.1; wanted"
    with pytest.raises(SpaceError, match=message):
        get("dino").check({"teacher_temp": teacher, "student_temp": 0.1})
    get("dino").check({"teacher_temp": 0.09, "student_temp": 0.1})
    get("dino").check({"teacher_temp": 0.3})  # half of it is not known yet


def test_a_frozen_value_counts_when_the_others_are_checked() -> None:
    space = get("dino").freeze({"teacher_temp": 0.08})
    with pytest.raises(SpaceError, match=r"student_temp=0\.07"):
        space.check({"student_temp": 0.07})


@pytest.mark.parametrize(
    ("method", "values", "message"),
    [
        ("dino", {"teacher_temp": 0.5}, "teacher_temp=0.5, student_temp=0.07"),
        ("dino", {"teacher_temp": 0.2, "student_temp": 0.1}, "wanted teacher_temp < student_temp"),
        ("dino", {"teacher_temp": 0.2}, "got teacher_temp=0.2 and student_temp=0.1"),
        ("wmse", {"whitening_size": 64}, "whitening_size=64, embedding_dim=64"),
        ("wmse", {"embedding_dim": 96}, "whitening_size=128, embedding_dim=96"),
    ],
)
def test_fixed_values_that_go_with_nothing(
    method: str, values: dict[str, Any], message: str
) -> None:
    """Before a study starts: choices cannot be narrowed, and the defaults are tried first."""
    with pytest.raises(SpaceError, match=message):
        get(method).freeze(values)


def test_choices_that_do_not_go_together_are_refused_until_one_is_fixed() -> None:
    both = get("wmse").search(["whitening_size"])
    for use in (both.checked, both.to_ray, lambda: both.freeze({})):
        with pytest.raises(SpaceError, match=r"whitening_size=32, embedding_dim=32; .*Fix one of"):
            use()
    assert both.freeze({"embedding_dim": 16}).checked()
    assert both.override({"whitening_size": [128, 256]}).checked()


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, "0.1", True, None])
@pytest.mark.parametrize(("method", "name"), [("simclr", "lr"), ("vicreg", "var")])
def test_a_number_is_frozen_to_a_finite_number(method: str, name: str, value: Any) -> None:
    with pytest.raises(SpaceError, match=f"{name}: got .*; wanted a finite number"):
        get(method).freeze({name: value})


def test_a_space_of_whole_numbers_alone() -> None:
    space = SearchSpace("m", {"n": Int(1, 4, default=2)})
    with pytest.raises(SpaceError, match=r"n: got 2.0; wanted a whole number"):
        space.freeze({"n": 2.0})
    assert space.freeze({"n": 9}).fixed == {"n": 9}
