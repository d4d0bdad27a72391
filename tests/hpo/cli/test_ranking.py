"""`goldilocks rank` on real checkpoints: a study's, other people's, damaged ones."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner, Result

from hpo.backbones.chosen import load_backbone
from hpo.cli import app
from hpo.data import load_images
from hpo.embedding import Normalisation, embed
from hpo.study import run_study
from objectives import rankme
from tests.hpo.rank.checkpoints import torchvision_file
from tests.hpo.studies import tiny

IMAGES = ("--data", "digits", "--measure-images", "130", "--lidar-views", "2")


def goldilocks(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["rank", *(str(argument) for argument in arguments), *IMAGES])


def measured(*arguments: object) -> dict[str, Any]:
    """The JSON, which is all that is on stdout."""
    result = goldilocks(*arguments, "--json")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout, parse_constant=pytest.fail)
    return found


def refused(*arguments: object) -> str:
    result = goldilocks(*arguments)
    assert result.exit_code == 2, result.output
    assert isinstance(result.exception, SystemExit), result.exception
    return result.stderr


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("rank") / "digits"
    run_study(tiny(out, trials=2, epochs=3, keep=2, prune=False, filter=False))
    return out


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("others") / "supervised.pth"
    torchvision_file(path)
    return path


def test_a_study_and_its_trials_are_ranked(study: Path) -> None:
    trials = sorted((study / "checkpoints").glob("trial-000?.pt"))
    assert len(trials) == 2
    found = measured(study, *trials, "--check-labels")
    assert found["measured_as"]["image_size"] == 8  # the card's
    assert found["measure"] == "view_retrieval"
    assert sorted(found["groups"][0]["best_first"]) == sorted(map(str, [study, *trials]))
    by_name = {b["checkpoint"]: b for b in found["backbones"]}
    values = [by_name[name]["value"] for name in found["groups"][0]["best_first"]]
    assert values == sorted(values, reverse=True)
    # The chosen backbone is one of the trials', read from another file.
    chosen = by_name[str(study)]
    twins = [by_name[str(trial)] for trial in trials]
    assert any(chosen["measures"] == pytest.approx(twin["measures"]) for twin in twins)
    assert all(b["method"] == "simclr" and b["normalised"] == "card" for b in by_name.values())
    assert all(0.1 < b["accuracies"]["knn"] <= 1 for b in by_name.values())
    assert len({b["records"]["rankme"] for b in by_name.values()}) == 1


def test_a_value_is_that_of_the_backbones_own_features(study: Path) -> None:
    found = measured(study)["backbones"][0]
    backbone = load_backbone(study)
    images = load_images(
        "digits", image_size=8, data_root=None, with_labels=False, max_images=130, seed=0
    ).tensor()
    given = Normalisation(backbone.preprocess.mean, backbone.preprocess.std)
    features, _ = embed(backbone.net, None, images, given, device=torch.device("cpu"))
    assert found["measures"]["rankme"] == pytest.approx(rankme(features), rel=1e-4)
    assert found["sha256"] == backbone.card["weights"]["sha256"]


def test_checkpoints_of_others_stand_beside_with_what_to_keep_in_mind(
    study: Path, others: Path
) -> None:
    ours, theirs = str(study), f"{others}@torchvision:resnet18"
    result = goldilocks(ours, theirs, "--image-size", "32")
    assert result.exit_code == 0, result.output
    assert "ranked by view_retrieval (high is good), because" in result.stdout
    assert "130 grey images of 32 pixels from digits, 2 views of each" in result.stdout
    for sentence in (
        "How 1 of 2 were trained is not known here",
        "The architectures differ (resnet10_narrow, torchvision:resnet18)",
        "128, 512 wide and are ranked apart",
        "Give --measure-images 513",
        "Measured at 32 pixels, while the studies trained on 8",
        "normalised with imagenet, for its file does not say with what",
    ):
        assert sentence in " ".join(result.stdout.split()), sentence
    assert "rankme/most" in result.stdout
    options = ("--image-size", "32", "--across-widths", "--measure", "rankme")
    found = measured(ours, theirs, *options)
    (group,) = found["groups"]
    assert group["dims"] == [128, 512]
    assert len(group["best_first"]) == 2


def test_one_damaged_file_is_named_and_the_others_are_ranked(
    study: Path, others: Path, tmp_path: Path
) -> None:
    damaged = tmp_path / "damaged.pth"
    damaged.write_bytes(others.read_bytes()[:5000])
    result = goldilocks(study, f"{damaged}@timm:resnet18", tmp_path / "absent")
    assert result.exit_code == 2
    assert str(study) in result.stdout
    assert "damaged" not in result.stdout
    assert f"error: {damaged}@timm:resnet18: weights: {damaged} cannot be read" in result.stderr
    assert f"error: {tmp_path / 'absent'}: there is no file or folder" in result.stderr
    found = json.loads(goldilocks(study, f"{damaged}@timm:resnet18", "--json").stdout)
    assert list(found["failed"]) == [f"{damaged}@timm:resnet18"]
    assert len(found["backbones"]) == 1


def test_untrained_networks_are_set_beside(study: Path) -> None:
    found = measured(study, "--untrained", "--measure", "lidar", "--measure", "rankme")
    ours, fresh = found["backbones"]
    assert fresh["untrained"]
    assert fresh["place"] is None
    assert fresh["architecture"] == ours["architecture"]
    assert 0 < ours["moved"] <= 1
    assert fresh["measures"]["rankme"] != pytest.approx(ours["measures"]["rankme"])
    table = goldilocks(study, "--untrained", "--measure", "lidar", "--measure", "rankme").stdout
    head = next(line for line in table.splitlines() if line.startswith("place"))
    assert head.split() == [
        "place",
        "checkpoint",
        "architecture",
        "width",
        "lidar",
        "rankme",
        "moved",
        "verdict",
    ]


def test_a_network_that_fails_on_the_images_is_named(study: Path, tmp_path: Path) -> None:
    """It took the two images that were tried, and breaks off in the middle of the work."""
    (tmp_path / "odd.py").write_text(
        "import torch\n"
        "class Odd(torch.nn.Linear):\n"
        "    def __init__(self):\n"
        "        super().__init__(64, 4)\n"
        "    def forward(self, images):\n"
        "        return [super().forward(images.flatten(1))][len(images) - 2]\n"
    )
    torch.save(torch.nn.Linear(64, 4).state_dict(), tmp_path / "odd.pt")
    odd = f"{tmp_path / 'odd.pt'}@{tmp_path / 'odd.py'}:Odd"
    result = goldilocks(odd, study)
    assert result.exit_code == 2
    assert f"error: {odd}: measuring failed with IndexError" in result.stderr
    assert str(study) in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--measure", "rank_me"), "rankme"),
        (("--measure", "ssl_loss"), "measure: got 'ssl_loss', which only a training knows"),
        (("--normalize", "x"), "normalize: got 'x'"),
        (("--device", "tpu"), "device: got 'tpu'; wanted auto, cpu or cuda"),
        (("--view", "hf_prob=2"), "view: hf_prob: Input should be less than or equal to 1"),
        (("--view", "flip=1"), "view: flip: Extra inputs are not permitted"),
        (("--image-size", "16", "--architecture", "nope"), ""),
    ],
)
def test_impossible_options_are_refused(study: Path, arguments: Any, message: str) -> None:
    if message:
        assert message in refused(study, *arguments)
    else:
        assert measured(study, *arguments)["measured_as"]["image_size"] == 16


def test_the_same_checkpoint_twice_is_refused(study: Path) -> None:
    assert f"checkpoints: got {study} twice" in refused(study, study)


def test_cards_of_different_sizes_need_an_image_size(study: Path, tmp_path: Path) -> None:
    other = tmp_path / "chosen"
    other.mkdir()
    for file in (study / "chosen").iterdir():
        (other / file.name).write_bytes(file.read_bytes())
    card = json.loads((other / "card.json").read_text())
    card["input"]["size"] = 16
    (other / "card.json").write_text(json.dumps(card))
    message = refused(study, other)
    assert "image_size: the backbones were trained on images of 8, 16 pixels a side" in message
    assert len(measured(study, other, "--image-size", "16")["backbones"]) == 2


@pytest.mark.slow
def test_ctrl_c_shows_what_is_done(study: Path, others: Path) -> None:
    command = [sys.executable, "-m", "hpo", "rank", str(study), f"{others}@torchvision:resnet18"]
    command += ["--data", "digits", "--image-size", "64", "--measure-images", "300"]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    ) as process:
        for line in process.stderr or ():
            if "measuring 2 of 2" in line:
                break
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=120)
    assert process.returncode == 130, stderr
    assert str(study) in stdout
    assert "torchvision" not in stdout
    assert "stopped by SIGINT; what was measured is above" in stderr
    assert "Traceback" not in stderr
