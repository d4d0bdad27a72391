"""Labels never reach what trains, measures or decides: neither in the source nor in a study."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from hpo.config import StudyConfig
from hpo.storage import StudyDirectory
from hpo.study import run_study
from hpo.workload import LabelledImages, Workload, prepare
from tests.hpo.studies import parameters, tiny, values

ROOT = Path(__file__).parents[3]
BLIND = (
    "hpo/training.py",
    "hpo/measuring.py",
    "hpo/embedding.py",
    "hpo/objective.py",
    "hpo/deciding.py",
    "hpo/trial_runner.py",
    "hpo/methods",
    "hpo/views",
    "hpo/devices",
    "objectives",
)
FILES = sorted(
    file
    for name in BLIND
    for file in ([ROOT / name] if name.endswith(".py") else (ROOT / name).rglob("*.py"))
)
SEEING = ("hpo.probing", "hpo.prober", "hpo.online_filter", "hpo.selection")


def sightings(source: str) -> set[str]:
    """What a source has of labels: imports of who sees them, and values by their names."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name.startswith(SEEING)}
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            found |= {name for name in names if name.startswith(SEEING)}
            found |= {a.name for a in node.names if a.name == "LabelledImages"}
        elif isinstance(node, ast.Attribute) and node.attr in ("labels", "LabelledImages"):
            found.add(f".{node.attr}")
        elif isinstance(node, ast.arg | ast.keyword) and node.arg == "labels":
            found.add("labels=")
    return found


def test_all_that_trains_and_measures_is_looked_at() -> None:
    assert len(FILES) > 60
    assert all(file.is_file() for file in FILES)


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.relative_to(ROOT).as_posix())
def test_no_source_that_trains_or_measures_has_to_do_with_labels(file: Path) -> None:
    assert sightings(file.read_text("utf-8")) == set()


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import hpo.probing.linear as l", "hpo.probing.linear"),
        ("def late():\n    from hpo.prober import Prober", "hpo.prober.Prober"),
        ("from hpo.workload import LabelledImages", "LabelledImages"),
        ("from hpo import probing", "hpo.probing"),
        ("x = workload.probe.labels", ".labels"),
        ("def train(images, labels): pass", "labels="),
        ("train(labels=y)", "labels="),
    ],
)
def test_the_check_of_sources_can_fail(source: str, found: str) -> None:
    assert sightings(source) == {found}


_OPTIONS: dict[str, Any] = {
    "trials": 3,
    "epochs": 2,
    "check_labels": True,
    "probe_all": True,
    "max_images": 700,
    "measure_images": 128,
}


def permuted(workload: Workload) -> Workload:
    """The same study with its labels in another order: to a different picture each."""
    if workload.probe is None:
        raise ValueError("the study has no labels")
    probe = workload.probe
    order = torch.randperm(len(probe.labels), generator=torch.Generator().manual_seed(0))
    return replace(workload, probe=LabelledImages(probe.images, probe.labels[order], 10))


def trained(out: Path, monkeypatch: pytest.MonkeyPatch, *, permute: bool) -> StudyDirectory:
    def prepared(config: StudyConfig, **options: Any) -> Workload:
        workload = prepare(config, **options)
        return permuted(workload) if permute else workload

    monkeypatch.setattr("hpo.study.prepare", prepared)
    run_study(tiny(out, **_OPTIONS))
    return StudyDirectory(out)


def tensors(state: Any, name: str = "") -> dict[str, bytes]:
    """Every tensor of a checkpoint as bytes, by its place."""
    if isinstance(state, torch.Tensor):
        return {name: state.detach().flatten().numpy().tobytes()}
    if isinstance(state, dict):
        parts = [tensors(value, f"{name}/{key}") for key, value in state.items()]
        return {key: value for part in parts for key, value in part.items()}
    return {}


@pytest.mark.slow
def test_other_labels_leave_every_trial_the_same_to_the_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Although every finished trial is probed while the study runs."""
    one, other = (
        trained(tmp_path / str(permute), monkeypatch, permute=permute) for permute in (False, True)
    )
    assert parameters(one.database) == parameters(other.database)
    assert values(one.database) == values(other.database)
    assert len(values(one.database)) > 3
    numbers = sorted(path.name for path in one.checkpoints.glob("*.pt"))
    assert numbers
    assert numbers == sorted(path.name for path in other.checkpoints.glob("*.pt"))
    for name in numbers:
        first, second = (
            tensors(torch.load(d.checkpoints / name, weights_only=True)) for d in (one, other)
        )
        assert len(first) > 10
        assert first == second
    card, same = ((d.chosen / "backbone.safetensors").read_bytes() for d in (one, other))
    assert card == same


def test_the_labels_did_differ(tmp_path: Path) -> None:
    workload = prepare(tiny(tmp_path, **_OPTIONS))
    if workload.probe is None:
        pytest.fail("no labels")
    other = permuted(workload).probe
    assert other is not None
    assert (workload.probe.labels != other.labels).float().mean() > 0.5
    assert torch.equal(workload.probe.images, other.images)
