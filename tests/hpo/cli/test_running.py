"""The command line: what it says of bad input, and that every option of it reaches the study."""

from __future__ import annotations

import inspect
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from hpo.cli import app, run
from hpo.config import StudyConfig
from hpo.study import run_study
from tests.hpo.studies import tiny, tiny_arguments


def goldilocks(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def refused(result: Result) -> str:
    """Assert that a command was refused with a message, not a traceback; return the message."""
    assert result.exit_code == 2, result.output
    assert isinstance(result.exception, SystemExit), result.exception
    return result.stderr


def images(folder: Path, n: int, size: int = 12) -> Path:
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for i in range(n):
        Image.fromarray(rng.integers(0, 256, (size, size), dtype=np.uint8)).save(
            folder / f"{i:04d}.png"
        )
    return folder


def test_every_option_of_a_study_is_an_option_of_the_command() -> None:
    offered = set(inspect.signature(run).parameters) - {"config", "dry_run", "view"}
    assert offered == set(StudyConfig.model_fields) - {"views"}


def test_run_and_status_print_the_same_ending(tmp_path: Path) -> None:
    out = tmp_path / "study"
    ran = goldilocks("run", *tiny_arguments(out, trials=2, check_labels=True))
    assert ran.exit_code == 0, ran.output
    shown = goldilocks("status", out)
    assert shown.exit_code == 0, shown.output
    for word in ("chosen", "shortlist", "weights", "card", "images", "spent", "next", "pixels"):
        assert f"\n{word}" in ran.output or word in ran.output
        assert word in shown.output
    ending = ran.output[ran.output.index("trial  state") :].split()
    assert ending == shown.output.split()
    assert "trial 0: finished at epoch 6 of 6" in ran.output


def test_the_config_file_is_honoured_and_the_command_line_wins(tmp_path: Path) -> None:
    file = tmp_path / "study.yaml"
    file.write_text(
        "data: digits\nimage-size: 8\nbatch_size: 64\nepochs: 2\ntrials: 3\nthreads: 1\n"
        "least-moved: 0\nmethod: vicreg\nfix:\n  lr: 1e-3\nviews:\n  min_scale: 0.5\n"
    )
    ran = goldilocks("run", "--config", file, "--trials", 1, "--out", tmp_path / "s")
    assert ran.exit_code == 0, ran.output
    assert "vicreg on digits" in ran.output
    assert "limits: 1 trial\n" in ran.output
    assert "fixed: lr 0.001" in ran.output
    again = goldilocks("run", "--config", tmp_path / "s" / "config.yaml")
    assert again.exit_code == 0, again.output


def test_status_of_a_study_that_was_interrupted_says_so(tmp_path: Path) -> None:
    from hpo.interruption import Interrupted, StopFlag
    from tests.hpo.test_study import StopAfter

    flag = StopFlag()
    with pytest.raises(Interrupted):
        run_study(tiny(tmp_path / "s"), flag=flag, observer=StopAfter(flag, 3))
    shown = goldilocks("status", tmp_path / "s")
    assert "interrupted" in shown.output
    assert "nothing yet" in shown.output
    assert "goldilocks run --config" in shown.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--data", "MISSING"], ["MISSING", "--data takes"]),
        (["--data", "EMPTY"], ["EMPTY", "empty"]),
        (["--data", "TEXTS"], ["TEXTS", "no images", ".txt"]),
        (["--data", "torchvision:FashionMNIS"], ["FashionMNIST", "mean"]),
        (["--method", "simcrl"], ["simcrl", "'simclr'"]),
        (["--objective", "rankm"], ["rankm", "'rankme'"]),
        (["--backbone", "resnet19"], ["resnet19", "'resnet18'"]),
        (["--optimizer", "adam"], ["optimizer", "'adamw'"]),
        (["--fix", "temprature=1"], ["temprature", "'temperature'"]),
        (["--fix", "temperature"], ["--fix", "NAME=VALUE"]),
        (["--fix", "lr=fast"], ["lr", "finite number"]),
        (["--view", "min_scal=0.5"], ["min_scal"]),
        (["--budget", "soon"], ["budget", "soon", "8h"]),
        (["--trials", "0"], ["trials", "0"]),
        (["--device", "cuda"], ["cuda"]),
        (["--batch-size", "4000"], ["1797"]),
        (["--max-images", "200", "--batch-size", "64"], ["200"]),
        (["--config", "MISSING.yaml"], ["MISSING.yaml", "cannot be read"]),
        (["--out", "TEXTS/a.txt"], ["a.txt"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_is_named_with_what_to_do(
    arguments: list[str], words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "EMPTY").mkdir()
    (tmp_path / "TEXTS").mkdir()
    (tmp_path / "TEXTS" / "a.txt").write_text("not an image")
    given = ["run", "--out", str(tmp_path / "s"), *arguments]
    message = refused(goldilocks(*given))
    for word in words:
        assert word in message
    assert not (tmp_path / "s" / "study.db").exists()


def test_unknown_options_of_a_file_are_all_named_with_the_nearest(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("metod: simclr\nepoch: 3\n")
    message = refused(goldilocks("run", "--config", file))
    assert "'metod' (did you mean 'method'?)" in message
    assert "'epoch' (did you mean 'epochs'?)" in message


def test_truncated_images_are_skipped_and_counted_or_refused_and_listed(tmp_path: Path) -> None:
    folder = images(tmp_path / "photos", 500)
    whole = (folder / "0000.png").read_bytes()
    (folder / "0000.png").write_bytes(whole[: len(whole) // 2])
    common = ["--data", folder, "--batch-size", 32, "--epochs", 1, "--trials", 1, "--threads", 1]
    common += ["--least-moved", 0, "--out", tmp_path / "s"]
    ran = goldilocks("run", *common)
    assert "1 could not be read and were skipped" in ran.output
    message = refused(goldilocks("run", *common, "--max-unreadable-share", 0))
    assert "0000.png" in message


def test_a_study_of_another_configuration_is_left_alone(tmp_path: Path) -> None:
    run_study(tiny(tmp_path / "s", trials=1, epochs=1))
    message = refused(goldilocks("run", *tiny_arguments(tmp_path / "s", epochs=2)))
    assert "epochs: the study has 1, this run 2" in message


def test_status_of_nothing_says_what_to_do(tmp_path: Path) -> None:
    message = refused(goldilocks("status", tmp_path / "nothing"))
    assert "holds no study" in message


def test_a_damaged_database_is_a_message(tmp_path: Path) -> None:
    (tmp_path / "study.db").write_bytes(b"this is no database" * 100)
    assert "cannot be read as a study" in refused(goldilocks("status", tmp_path))
    message = refused(goldilocks("run", *tiny_arguments(tmp_path)))
    assert "database" in message


def test_no_trial_to_choose_is_an_error_that_lists_why(tmp_path: Path) -> None:
    arguments = tiny_arguments(tmp_path / "s", trials=1, fix="lr=1e-7", least_moved=0.1)
    message = refused(goldilocks("run", *arguments))
    assert "trial 0: has not moved away from initialisation" in message
