"""Ranges, choices and defaults of the user's own, from Python and from YAML."""

from typing import Any

import pytest
import yaml

from search_spaces import Categorical, Float, SearchSpace, SpaceError, get
from tests.search_spaces.spaces import ALL_KINDS, TANGLED


def overridden(method: str, change: Any, name: str) -> Any:
    return get(method).override({name: change}).dimensions[name]


def test_a_range_keeps_what_was_not_given() -> None:
    changed = overridden("simclr", {"low": 0.1, "high": 0.3}, "temperature")
    before = get("simclr").dimensions["temperature"]
    assert isinstance(before, Float)
    assert (changed.low, changed.high, changed.default, changed.log) == (0.1, 0.3, 0.2, True)
    assert (changed.source, changed.collapses) == (before.source, before.collapses)
    assert list(get("simclr").override({"lr": {"default": 2e-3}})) == list(get("simclr"))


def test_scale_and_default() -> None:
    changed = overridden("simclr", {"log": False, "low": 0, "default": 0.5}, "temperature")
    assert (changed.low, changed.default, changed.log) == (0, 0.5, False)


@pytest.mark.parametrize("text", ["1e-3", "2.5"])
def test_numbers_that_yaml_reads_as_words(text: str) -> None:
    assert overridden("vicreg", {"low": text, "default": 5.0}, "cov").low == float(text)
    assert overridden("vicreg", [text, 5.0], "cov").choices == (float(text), 5.0)


def test_choices() -> None:
    assert overridden("mocov2", [256, 1024], "queue").choices == (256, 1024)
    assert overridden("mocov2", (64, 700), "queue").default == 700, "the nearest to 1024"
    given = overridden("mocov2", {"choices": [64, 700], "default": 64}, "queue")
    assert given.default == 64
    assert given.share_of_images == 0.25
    assert overridden("mocov2", {"default": 256}, "queue").choices == (256, 1024, 4096, 16384)
    assert overridden("mmcr", ["off"], "local_objective").default == "off"
    assert overridden("mmcr", ["on", "half"], "local_objective").choices == ("on", "half")
    assert ALL_KINDS.override({"word": ["a", 4]}).dimensions["word"].default == "a"


def test_a_range_may_become_choices() -> None:
    changed = overridden("simclr", [0.1, 0.5], "temperature")
    assert isinstance(changed, Categorical)
    assert changed.default == 0.1
    assert changed.source == get("simclr").dimensions["temperature"].source


def test_what_is_held_varies_once_it_has_a_range() -> None:
    space = get("simclr").override({"projector_width": [64, 128]})
    assert space.dimensions["projector_width"].default == 64
    assert "projector_width" not in {**space.held, **space.fixed}
    searched = TANGLED.override({"kept": {"low": 2}})
    assert "kept" in searched.dimensions


def test_what_is_held_stays_held_at_another_default() -> None:
    space = get("dino").override({"n_local": {"default": 4}})
    assert space.fixed["n_local"] == 4
    assert "n_local" not in space.dimensions
    assert get("dino").fixed["n_local"] == 6


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("temperature", 0.2, r"temperature: got 0.2; a range is .* use fix \(temperature=0.2\)"),
        ("temperature", "0.2", r"use fix \(temperature=0.2\)"),
        ("temperature", True, "temperature: got True; a range is given as"),
        ("temperature", {}, "temperature: got nothing; wanted low, high"),
        ("temperature", {"hihg": 1}, "temperature: unknown key 'hihg'. Did you mean 'high'"),
        ("temperature", {"low": 0.1, 3: 1}, "unknown key '3'. Known: default, high, log, low"),
        ("temperature", {"low": 0.3}, r"its default 0.2 is not in \[0.3, 1.0\]; give a default"),
        ("temperature", {"high": 0.1}, r"its default 0.2 is not in \[0.05, 0.1\]"),
        ("temperature", {"default": 3}, r"temperature: default: got 3; wanted a value in"),
        ("temperature", {"low": 0}, "temperature: low: got 0; a logarithmic range"),
        ("temperature", {"low": "x"}, "temperature: low: got 'x'; wanted a number"),
        ("temperature", {"low": float("nan")}, "low: got nan; wanted a finite number"),
        ("temperature", {"low": True}, "low: got True; wanted a finite number"),
        ("temperature", {"log": "yes"}, "log: got 'yes'; wanted true or false"),
        ("temperature", [], r"temperature: choices: got \(\)"),
        ("temperature", ["hot"], "choices: got 'hot'; wanted a number"),
        ("temperature", [0.1, 0.1], "wanted each of them once"),
        ("temperature", {"choices": 3}, "choices: got 3; wanted a list"),
        ("temperature", {"choices": "ab"}, "choices: got 'ab'; wanted a list"),
        ("temperature", {"choices": [1], "default": 2}, "with default 2"),
        ("warmup_share", {"high": 2.0}, "warmup_share: high: got 2.0; it means nothing above 0.9"),
        ("projector_width", {"low": 3}, "unknown key 'low'. Known: choices, default"),
        ("projector_width", [True], "choices: got True; .* YAML reads on, off"),
        ("projector_width", ["wide"], "choices: got 'wide'; wanted a number"),
    ],
)
def test_a_change_that_makes_no_sense(name: str, change: Any, message: str) -> None:
    with pytest.raises(SpaceError, match=message):
        get("simclr").override({name: change})


def test_unit_and_source_may_be_given() -> None:
    changed = overridden("simclr", {"low": 2e-4, "unit": "kelvin", "source": "a dream"}, "lr")
    assert (changed.unit, changed.source) == ("kelvin", "a dream")
    assert "warmup_share" not in get("simclr").override({"warmup_share": {"unit": "share"}})


def test_all_mistakes_are_told_at_once() -> None:
    change = {"low": "x", "high": "y", "hihg": 1}
    with pytest.raises(SpaceError) as caught:
        get("simclr").override({"temperature": change, "temprature": [1], "lr": {"low": 1}})
    assert [line.partition(":")[2][:20] for line in str(caught.value).splitlines()[:3]] == [
        " unknown key 'hihg'.",
        " low: got 'x'; wante",
        " high: got 'y'; want",
    ]
    assert len(str(caught.value).splitlines()) == 5


def test_truth_values_are_no_words() -> None:
    with pytest.raises(SpaceError, match=r"got False; wanted words such as 'on'. YAML reads"):
        get("mmcr").override({"local_objective": yaml.safe_load("[off, on]")})


def test_whole_numbers_stay_whole() -> None:
    with pytest.raises(SpaceError, match=r"whole: low, high, default: got .* whole numbers"):
        ALL_KINDS.override({"whole": {"high": 2.5}})


def test_a_fixed_value_has_no_range_to_change() -> None:
    with pytest.raises(SpaceError, match="stays: is fixed and has no range to change"):
        ALL_KINDS.override({"stays": [1.0]})


def test_a_yaml_file_says_the_same_as_python() -> None:
    changes = {
        "temperature": {"low": 0.1, "high": 0.3, "default": 0.15},
        "queue": [256, 1024],
        "one_minus_momentum": {"low": 1e-3, "log": True},
        "projector_width": ["auto", 64],
    }
    space = get("mocov2").override(changes)
    assert get("mocov2").override(yaml.safe_load(yaml.safe_dump(changes))) == space
    again = SearchSpace("mocov2", space.dimensions, space.fixed, space.held, space.constraints)
    assert again == space
    assert list(again) == list(space)
