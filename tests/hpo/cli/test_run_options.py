"""What the command line makes of pairs and ranges before the configuration checks them."""

from typing import Any

import pytest

from hpo.cli.run_options import assignments, ranges
from hpo.errors import ConfigError


@pytest.mark.parametrize("given", [None, []])
def test_nothing_given_is_nothing(given: list[str] | None) -> None:
    assert assignments("--fix", given) is None
    assert ranges(given) is None


def test_pairs_keep_their_text() -> None:
    assert assignments("--fix", [" lr = 1e-3 ", "a=b=c"]) == {"lr": "1e-3", "a": "b=c"}


@pytest.mark.parametrize("text", ["lr", "=3", "lr=", ""])
def test_what_is_no_pair_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=f"--view: got '{text}'; wanted NAME=VALUE"):
        assignments("--view", [text])


@pytest.mark.parametrize(
    ("text", "change"),
    [
        ("lr=1e-4..1e-2", {"low": 1e-4, "high": 1e-2}),
        ("n=2..8", {"low": 2, "high": 8}),
        ("x=-1..0.5", {"low": -1, "high": 0.5}),
        ("queue=256,1024", [256, 1024]),
        ("mode=on, off", ["on", "off"]),
        ("share=.25,0.5", [0.25, 0.5]),
    ],
)
def test_ranges_and_choices(text: str, change: Any) -> None:
    name = text.partition("=")[0]
    found = ranges([text])
    assert found == {name: change}
    entries = change.values() if isinstance(change, dict) else change
    got = found[name].values() if isinstance(change, dict) else found[name]
    assert [type(entry) for entry in got] == [type(entry) for entry in entries]


@pytest.mark.parametrize("text", ["lr=low..high", "lr=..1", "lr=1.."])
def test_a_range_wants_numbers(text: str) -> None:
    with pytest.raises(ConfigError, match=f"--space: got {text}; wanted numbers"):
        ranges([text])


def test_one_value_is_to_be_fixed_instead() -> None:
    with pytest.raises(ConfigError, match=r"For one value give --fix lr=0\.1"):
        ranges(["lr=0.1"])
