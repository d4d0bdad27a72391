"""`goldilocks spaces`: every method at a glance, one in full, for people and for programs."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from hpo.cli import app
from hpo.spaces_page import overview, space_page, space_record, to_json
from search_spaces import Categorical, SearchSpace, get, method_names, presets

OWN = """
from hpo.methods import Method, method
from hpo.methods.criteria import Pair
from search_spaces import Float, Int


@method(
    sharpness=Float(0.1, 10.0, default=1.0, log=True, source="my paper"),
    depth=Int(1, 4, default=2, held="it costs time"),
)
def mine(dim, *, sharpness=1.0, depth=2):
    raise AssertionError("only its space is wanted")
"""


def run(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["spaces", *arguments])
    assert done.exit_code == 0, done.output
    return done.output


def refused(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["spaces", *arguments])
    assert done.exit_code == 2, done.output
    assert done.output.startswith("error: ")
    return done.output


def printed(thing: Any, width: int = 400) -> str:
    console = Console(width=width, no_color=True)
    with console.capture() as captured:
        console.print(thing)
    return captured.get()


def page(space: SearchSpace, preset: str = "default", width: int = 400) -> str:
    return printed(space_page(space, optimizer="adamw", preset=preset), width)


def test_all_methods_have_one_line() -> None:
    lines = run().splitlines()
    for name in method_names():
        (line,) = [line for line in lines if line.split()[:1] == [name]]
        space = get(name)
        for own in {*space.dimensions, *space.held} - {
            *("lr", "weight_decay", "warmup_share", "projector_width")
        }:
            assert own in line
        papers = [p for p in presets(name) if p not in ("default", "quick", "wide")]
        assert all(paper in line for paper in papers)
    assert "hold warmup_share" in lines[-2]


@pytest.mark.parametrize("method", method_names())
def test_a_page_says_all_there_is(method: str) -> None:
    space = get(method, views=True)
    text = page(space)
    for name, dimension in {**space.dimensions, **space.held}.items():
        lines = [line for line in text.splitlines() if line.split()[:1] == [name]]
        assert len(lines) == 2
        said = " ".join(lines)
        assert all(part in said for part in (dimension.source, dimension.held))
        assert dimension.collapses in said
    assert all(f"always     {c}" in text for c in space.constraints)
    assert all(what in text for what in presets(method).values())


def test_a_page_in_words() -> None:
    text = run("dino").replace("\n", " ")
    for part in (
        "always     teacher_temp < student_temp",
        "[0.07, 0.4]",
        "{256, 1024, 2048, 4096}",
        "log",
        "per 256 images of a batch",
        "6      [0, 10]",
        "(optimizer adamw)",
    ):
        assert part in text, part
    assert "min_scale" not in text
    assert "min_scale" in run("dino", "--views")
    assert "even" in run("dino", "--views")


def test_conditions_and_shares_are_shown() -> None:
    assert "weight of the local objective (when local_objective is on)" in page(get("mmcr"))
    assert "embeddings kept, at most 0.25 of the training images" in page(get("mocov2"))


@pytest.mark.parametrize("method", ["barlow_twins", "dino", "simclr"])
def test_a_terminal_of_eighty_columns_loses_nothing(method: str) -> None:
    text = page(get(method), width=80)
    assert all(len(line) <= 80 for line in text.splitlines())
    assert sorted("".join(text.split())) == sorted("".join(page(get(method)).split()))
    assert len(printed(overview(), width=80).splitlines()) >= len(method_names())


def test_the_optimizer_and_the_preset_are_those_asked_for() -> None:
    assert "[0.1, 3]" in run("simclr", "--optimizer", "lars")
    text = run("simclr", "--optimizer", "lars", "--preset", "rankme")
    assert "{0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.4}" in text
    assert "held by the preset quick" in run("vicreg", "--preset", "quick").replace("\n", " ")


def test_json_has_everything_in_numbers() -> None:
    record = json.loads(run("dino", "--json", "--views"))
    space = get("dino", views=True)
    assert list(record["varies"]) == list(space)
    assert record["varies"]["student_temp"] == {
        "kind": "float",
        "range": [0.07, 0.4],
        "log": True,
        "default": 0.1,
        "unit": "1",
        "source": "0.1 in the paper; IdEst's grid 0.07 to 0.4",
        "collapses": "",
        "when": None,
    }
    assert record["held"]["n_local"]["value"] == 6
    assert "forward pass" in record["held"]["n_local"]["why"]
    assert record["always"] == ["teacher_temp < student_temp"]
    assert record["presets"] == presets("dino")
    assert (record["method"], record["optimizer"], record["preset"]) == (
        *("dino", "adamw", "default"),
    )


def test_json_of_all_methods() -> None:
    records = json.loads(run("--json", "--optimizer", "lars"))
    assert [record["method"] for record in records] == method_names()
    assert {record["optimizer"] for record in records} == {"lars"}
    by_name = {record["method"]: record for record in records}
    assert by_name["mmcr"]["varies"]["lmda"]["when"] == "local_objective is on"
    queue = get("mocov2").dimensions["queue"]
    assert isinstance(queue, Categorical)
    assert by_name["mocov2"]["varies"]["queue"]["choices"] == list(queue.choices)


def test_letters_beyond_ascii_stay_letters() -> None:
    record = space_record(get("simclr"), optimizer="adamw", preset="default")
    assert "α-ReQ" in to_json(record)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["simclrr"], "Did you mean 'simclr'"),
        (["empssl"], "'empssl', which is not offered: "),
        (["simclr", "--preset", "lidar"], "were not found in what could be read"),
        (["simclr", "--preset", "rankme"], "give optimizer 'lars'"),
        (["simclr", "--optimizer", "adam"], "optimizer: got 'adam'; wanted one of"),
        (["nowhere.py:mine"], "there is no file nowhere.py"),
        (["--preset", "quick"], "method: not given; wanted one"),
        (["--views", "--json"], "method: not given; wanted one"),
    ],
)
def test_mistakes_are_messages(arguments: list[str], message: str) -> None:
    assert message in refused(*arguments)


def test_a_method_of_the_users_own(tmp_path: Path) -> None:
    file = tmp_path / "nets.py"
    file.write_text(OWN, encoding="utf-8")
    text = run(f"{file}:mine")
    assert "my paper" in text
    assert "it costs time" in text
    record = json.loads(run(f"{file}:mine", "--json", "--preset", "quick"))
    assert list(record["varies"]) == ["lr", "sharpness"]
    assert list(record["presets"]) == ["default", "quick", "wide"]


@pytest.mark.parametrize("arguments", [[], ["dino", "--views"], ["--json"]])
def test_no_torch_is_loaded(arguments: list[str]) -> None:
    assert "torch" not in loaded_by(arguments)


@pytest.mark.slow
def test_the_loading_check_can_fail(tmp_path: Path) -> None:
    file = tmp_path / "nets.py"
    file.write_text(OWN, encoding="utf-8")
    assert "torch" in loaded_by([f"{file}:mine"])


def loaded_by(arguments: list[str]) -> set[str]:
    """What a fresh interpreter has loaded after the command."""
    code = (
        "import sys\nfrom hpo.cli import app\n"
        f"app(['spaces', *{arguments!r}], standalone_mode=False)\n"
        "print(*[n for n in ('torch', 'optuna', 'ray') if n in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout
    return set(done.stderr.split())


def test_a_space_is_printed_as_a_preset_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(run("dino", "--preset", "wide", "--views", "--yaml"))
    assert get("dino", preset=str(file)) == get("dino", preset="wide", views=True)
    assert "teacher_temp" in run("dino", "--preset", str(file))
    assert "wanted one, for --preset, --views and --yaml" in refused("--yaml")
    assert "--yaml: got --json as well" in refused("dino", "--yaml", "--json")
    assert "is such a file already" in refused("dino", "--yaml", "--preset", str(file))
