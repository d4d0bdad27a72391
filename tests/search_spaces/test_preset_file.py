"""Presets of the user's own: on top of ours, on top of each other, and all mistakes at once."""

from pathlib import Path
from typing import Any

import pytest

from search_spaces import (
    Categorical,
    Float,
    Int,
    SpaceError,
    UnknownMethodError,
    get,
    is_preset_file,
    own_preset,
)
from search_spaces.preset_file import OwnPreset


def written(folder: Path, text: str, name: str = "mine.yaml") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def read(folder: Path, text: str, **options: Any) -> OwnPreset:
    return own_preset(written(folder, text), **options)


def refused(folder: Path, text: str, **options: Any) -> list[str]:
    """The lines of the message, without the file's name."""
    with pytest.raises(SpaceError) as caught:
        read(folder, text, **options)
    return [line.strip() for line in str(caught.value).replace(f"{folder}/", "").splitlines()]


MINE = """
about: the first camera
method: simclr
extends: wide
space:
  lr: {low: 1e-4, high: 1e-2}
  temperature: [0.1, 0.2, 0.5]
search: [warmup_share]
fix:
  weight_decay: 1e-2
"""


def test_a_file_changes_a_preset(tmp_path: Path) -> None:
    own = read(tmp_path, MINE)
    space = own.searched
    by_hand = (
        get("simclr", preset="wide")
        .override({"lr": {"low": 1e-4, "high": 1e-2}, "temperature": [0.1, 0.2, 0.5]})
        .search(["warmup_share"])
        .freeze({"weight_decay": 1e-2})
    )
    assert space == by_hand
    assert (own.method, own.optimizer, own.preset, own.search_views) == (
        *("simclr", "adamw", "wide"),
        False,
    )
    assert get("simclr", preset=str(tmp_path / "mine.yaml")) == space
    assert get("simclr", preset=str(tmp_path / "mine.yaml"), views=True).dimensions.keys() > set(
        space.dimensions
    )


def test_its_options_say_the_same_without_the_file(tmp_path: Path) -> None:
    options = read(tmp_path, MINE).options()
    assert options["space"] == {
        "lr": {"low": 1e-4, "high": 1e-2, "log": True, "default": 1e-3},
        "temperature": {"choices": [0.1, 0.2, 0.5], "default": 0.2},
    }
    assert (options["search"], options["fix"]) == (["warmup_share"], {"weight_decay": 0.01})


def rebuilt(options: dict[str, Any]) -> Any:
    space = get(
        options["method"],
        optimizer=options["optimizer"],
        preset=options["preset"],
        views=options["search_views"],
    )
    return space.override(options["space"]).search(options["search"]).freeze(options["fix"])


BASE = """
method: dino
search_views: true
space:
  lr: {low: 1e-4, high: 1e-2, log: false, default: 5e-4, unit: of my own, source: my notes}
  prototypes: {default: 1024}
  n_local: {default: 4}
  projector_width: [64, 128]
search: [warmup_share]
fix: {teacher_temp: 0.05, weight_decay: 0.1}
"""
TOP = """
extends: base.yaml
search_views: false
space:
  lr: {high: 2e-3}
  student_temp: {low: 0.08, high: 0.2}
search: [teacher_temp]
fix: {warmup_share: 0.2, projector_width: 128}
"""


def test_a_file_may_be_on_top_of_another(tmp_path: Path) -> None:
    written(tmp_path, BASE, "base.yaml")
    own = read(tmp_path, TOP)
    space = own.searched
    lr = space.dimensions["lr"]
    assert isinstance(lr, Float)
    assert (lr.low, lr.high, lr.log, lr.default, lr.unit) == (1e-4, 2e-3, False, 5e-4, "of my own")
    assert "teacher_temp" in space
    assert "min_scale" not in space
    assert space.fixed["n_local"] == 4
    assert (space.fixed["warmup_share"], space.fixed["projector_width"]) == (0.2, 128)
    assert rebuilt(own.options()) == space


def test_more_may_come_on_top_from_the_command_line(tmp_path: Path) -> None:
    on_top = {"space": {"lr": {"high": 5e-3}}, "search": ["weight_decay"], "fix": {"lr": "1e-3"}}
    own = read(tmp_path, MINE, on_top=on_top)
    assert own.searched.fixed["lr"] == 1e-3
    assert "weight_decay" in own.searched
    assert rebuilt(own.options()) == own.searched
    message = refused(tmp_path, MINE, on_top={"fix": {"lrr": 1}, "space": None})
    assert message == ["options: fix: 'lrr' is no hyperparameter of simclr. Did you mean 'lr'?"]


@pytest.mark.parametrize(
    ("text", "preset", "method"),
    [
        ("extends: vicreg/quick", "quick", "vicreg"),
        ("method: vicreg", "default", "vicreg"),
        ("", "default", "simclr"),
    ],
)
def test_method_and_preset(tmp_path: Path, text: str, preset: str, method: str) -> None:
    own = read(tmp_path, text, default_method="simclr")
    assert (own.preset, own.method) == (preset, method)
    assert own.searched == get(method, preset=preset)


def test_a_papers_grid_with_its_optimizer(tmp_path: Path) -> None:
    text = "extends: simclr/rankme\noptimizer: lars\nfix: {lr: 0.3}"
    assert read(tmp_path, text).searched.fixed["lr"] == 0.3
    (message,) = refused(tmp_path, "extends: simclr/rankme")
    assert message.startswith("mine.yaml: line 1: preset: 'rankme' of simclr is a grid for the opt")


def test_a_method_of_the_users_own(tmp_path: Path) -> None:
    dimensions = {"depth": Int(1, 9, default=3), "word": Categorical(("on", "off"), default="on")}
    text = "method: a/mine.py:mine\nspace: {depth: {high: 5}, word: ['off', 'on']}"
    own = read(tmp_path, text, dimensions=lambda method: dimensions)
    assert own.searched.dimensions["depth"] == Int(1, 5, default=3)


ALL_WRONG = """\
method: simclr
extends: wide
spce: {}
space:
  temprature: {low: 0.1}
  temperature: {low: x, hihg: 3}
  lr:
    low: 0
    step: 3
  projector_width:
    - 64
    - no
    - wide
  temperature: {low: 1}
  weight_decay: {low: 3, high: 2}
  warmup_share: {default: 7}
search: [warmup_shar, projector_width]
fix: {projector_width: yes, lrr: 3}
search_views: perhaps
"""


def test_all_mistakes_are_told_at_once_each_with_its_line(tmp_path: Path) -> None:
    head, *lines = refused(tmp_path, ALL_WRONG)
    assert head == "mine.yaml: 16 mistakes"
    expected = [
        (3, "unknown key 'spce'. Did you mean 'space'?"),
        (5, "space: 'temprature' is no hyperparameter of simclr. Did you mean 'temperature'?"),
        (6, "space: temperature: low: got 'x'; wanted a number."),
        (6, "space: temperature: unknown key 'hihg'. Did you mean 'high'?"),
        (8, "space: lr: low: got 0; a logarithmic range wants low > 0."),
        (9, "space: lr: unknown key 'step'. A range has no steps: give choices as a list."),
        (12, "space: projector_width: choices: got False; wanted words such as 'auto'. YAML reads"),
        (13, "space: projector_width: choices: got 'wide'; wanted a number."),
        (14, "'temperature' is given twice, first in line 6."),
        (15, "space: weight_decay: low, high: got 3, 2; wanted finite numbers, low < high."),
        (16, "space: warmup_share: default: got 7; wanted a value in [0.0, 0.3]."),
        (17, "search: 'projector_width' is to be searched and to be fixed; leave out one"),
        (17, "search: 'warmup_shar' is no hyperparameter of simclr. Did you mean 'warmup_share'?"),
        (18, "fix: 'lrr' is no hyperparameter of simclr. Did you mean 'lr'?"),
        (18, "fix: projector_width: got True; wanted a whole number or a word such as 'auto'"),
        (19, "search_views: got 'perhaps'; wanted true or false."),
    ]
    assert len(lines) == len(expected)
    for line, (number, text) in zip(lines, expected, strict=True):
        assert line.startswith(f"line {number}: {text}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a", "mine.yaml: holds a list; wanted lines such as `space:`"),
        ("space: [lr]", "line 1: space: got ['lr']; wanted `NAME: {low: …, high: …}` lines."),
        ("fix: 3", "line 1: fix: got 3; wanted `NAME: VALUE` lines."),
        ("search: lr", "line 1: search: got 'lr'; wanted a list of names."),
        ("space:\n  lr: 1e-3", "line 2: space: lr: got '1e-3'; a range is given as {low: …, high"),
        ("space:\n  lr:", "line 2: space: lr: got nothing; wanted low, high, default"),
        ("space: {lr: []}", "choices: got () with default 0.001; wanted at least one"),
        ("space: {lr: [.nan]}", "choices: got nan; wanted finite numbers."),
        ("space: {lr: {high: .inf}}", "high: got inf; wanted a finite number."),
        ("space: {lr: {log: 1}}", "log: got 1; wanted true or false."),
        ("space: {lr: {unit: 3}}", "unit: got 3; wanted words. Put them in quotes."),
        ("search: [lrr]\nextends: wide", "line 1: search: 'lrr' is no hyperparameter"),
        ("extends: wider", "line 1: preset: got 'wider', which simclr has not. Did you mean"),
        ("optimizer: adam", "line 1: optimizer: got 'adam'; wanted one of"),
        ("method: simcrl", "line 1: method: this is for 'simcrl', and 'simclr' is wanted"),
        ("extends: vicreg/wide", "line 1: method: this is for 'vicreg', and 'simclr' is wanted"),
        ("extends: gone.yaml", "line 1: extends: got 'gone.yaml', but there is no file"),
        ("extends: mine.yaml", "line 1: extends: got 'mine.yaml', which extends this file itself"),
    ],
)
def test_what_makes_no_sense(tmp_path: Path, text: str, message: str) -> None:
    assert message in "\n".join(refused(tmp_path, text, method="simclr"))


def test_mistakes_of_both_files_are_told(tmp_path: Path) -> None:
    written(tmp_path, "method: simclr\nspce: {}\nfix: {nope: 1}", "base.yaml")
    message = refused(tmp_path, "extends: base.yaml\nmethod: simclr\nsearch: [nothing]")
    assert [line.partition(" '")[0] for line in message] == [
        "mine.yaml: line 3: search:",
        "base.yaml: 2 mistakes",
        "line 2: unknown key",
        "line 3: fix:",
    ]


def test_where_files_are_of_two_methods_no_more_is_said_of_their_ranges(tmp_path: Path) -> None:
    written(tmp_path, "method: simclr\nspce: {}\nfix: {temperature: 1}", "base.yaml")
    message = refused(tmp_path, "extends: base.yaml\nmethod: vicreg\nsearch: [cov]")
    assert [line.partition(" '")[0] for line in message] == [
        "base.yaml: 2 mistakes",
        "line 1: method: this is for",
        "line 2: unknown key",
    ]


def test_a_long_chain_is_refused(tmp_path: Path) -> None:
    for n in range(12):
        written(tmp_path, f"extends: {n + 1}.yaml", f"{n}.yaml")
    with pytest.raises(SpaceError, match="one file more than the 8 that may extend each other"):
        own_preset(tmp_path / "0.yaml")


def test_fixed_values_that_cannot_go_together(tmp_path: Path) -> None:
    text = "method: dino\nfix: {teacher_temp: 0.3, student_temp: 0.2}"
    (message,) = refused(tmp_path, text)
    assert message.startswith("mine.yaml: line 2: fix: teacher_temp, student_temp: wanted teacher")
    read(tmp_path, "method: dino\nfix: {teacher_temp: 0.3, student_temp: 0.4}")


def test_a_method_that_there_is_not(tmp_path: Path) -> None:
    (message,) = refused(tmp_path, "# mine\nmethod: simcrl")
    assert message.startswith("mine.yaml: line 2: method: got 'simcrl', which has no search space.")
    with pytest.raises(UnknownMethodError):
        read(tmp_path, "", method="simcrl")
    assert refused(tmp_path, "fix: {}") == [
        "mine.yaml: line 1: method: not given; add `method: NAME`."
    ]


def test_only_yaml_files_are_files() -> None:
    assert [is_preset_file(text) for text in ("a.yaml", "b/c.YML", "wide", "simclr/wide")] == [
        *(True, True),
        *(False, False),
    ]
