"""Presets and ranges of the user's own as options of a study; all mistakes at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from hpo.config import load_config, to_yaml
from hpo.errors import ConfigError
from search_spaces import Categorical, Float

MINE = "extends: simclr/quick\nspace:\n  lr: {low: 1e-3, high: 3e-3}\nfix: {temperature: 0.3}\n"
WRONG = """\
epochs: many
bach-size: 3
seed: 3
seed: 4
space: {temprature: [1, 2], lr: {low: 3, hgh: 2}}
search: [nope]
fix: {lrr: 2}
"""


def mine(folder: Path, text: str = MINE, name: str = "mine.yaml") -> str:
    (folder / name).write_text(text, encoding="utf-8")
    return str(folder / name)


def test_a_preset_file_becomes_plain_options(tmp_path: Path) -> None:
    given = {"preset": mine(tmp_path), "search": ["weight_decay"], "fix": {"warmup_share": "0.2"}}
    config = load_config(None, given)
    assert (config.method, config.preset) == ("simclr", "quick")
    assert config.fix == {"temperature": 0.3, "warmup_share": 0.2}
    assert list(config.search_space()) == ["lr", "weight_decay"]
    (tmp_path / "mine.yaml").unlink()
    assert load_config(Path(mine(tmp_path, to_yaml(config), "config.yaml")), {}) == config


def test_the_command_line_wins_over_a_preset_file(tmp_path: Path) -> None:
    given = {"preset": mine(tmp_path), "space": {"lr": {"high": 2e-3}}, "search": ["temperature"]}
    space = load_config(None, given).search_space()
    lr = space.dimensions["lr"]
    assert isinstance(lr, Float)
    assert (lr.low, lr.high) == (1e-3, 2e-3)
    assert "temperature" in space


def test_a_preset_file_of_another_method_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^preset: .*line 1: method: this is for 'simclr'"):
        load_config(None, {"preset": mine(tmp_path), "method": "byol"})


def test_a_preset_file_works_for_a_method_of_the_users_own(tmp_path: Path) -> None:
    own = mine(
        tmp_path,
        "from hpo.methods import method\nfrom search_spaces import Float\n"
        "@method(knob=Float(0.0, 1.0, default=0.5))\ndef mine(dim, *, knob): ...\n",
        "own.py",
    )
    text = f"method: {own}:mine\nspace: {{knob: {{high: 0.75}}}}"
    space = load_config(None, {"preset": mine(tmp_path, text)}).search_space()
    assert space.dimensions["knob"] == Float(0.0, 0.75, default=0.5)


def test_all_mistakes_of_ranges_and_fixed_values_are_told_at_once() -> None:
    given = {"space": {"temprature": [1, 2], "lr": {"hgh": 2}}, "search": ["nope"], "fix": {"a": 2}}
    with pytest.raises(ConfigError) as caught:
        load_config(None, given)
    assert [line.partition(":")[0] for line in str(caught.value).splitlines()] == [
        *("space", "space", "search", "fix")
    ]


def test_all_mistakes_of_a_configuration_file_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(Path(mine(tmp_path, WRONG)), {})
    message = str(caught.value)
    assert "mine.yaml: line 4: 'seed' is given twice, first in line 3." in message
    assert "unknown option 'bach_size' (did you mean 'batch_size'?)" in message
    assert "epochs: got 'many'; input should be" in message
    assert "mine.yaml, line 1)" in message


def test_a_list_of_choices_may_have_a_default() -> None:
    given = {"space": {"temperature": {"choices": ["1e-1", 0.3], "default": "0.3", "unit": "1"}}}
    dimension = load_config(None, given).search_space().dimensions["temperature"]
    assert isinstance(dimension, Categorical)
    assert (dimension.choices, dimension.default) == ((0.1, 0.3), 0.3)
