"""What a configuration becomes before anything is trained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hpo.errors import DataError
from hpo.workload import prepare
from tests.hpo.studies import tiny


def arrays(path: Path, n: int, labels: np.ndarray | None = None) -> str:
    rng = np.random.default_rng(0)
    content = {"images": rng.integers(0, 256, (n, 8, 8, 3), dtype=np.uint8)}
    if labels is not None:
        content["labels"] = labels
    np.savez(path, **content)
    return str(path)


def test_images_are_held_apart_from_the_start(tmp_path: Path) -> None:
    workload = prepare(tiny(tmp_path, labels=True))
    assert workload.probe is not None
    parts = [workload.train, workload.gauge.images, workload.probe.images]
    assert sum(len(part) for part in parts) == 1797
    assert len(workload.probe.labels) == len(workload.probe.images)
    assert workload.probe.n_classes == 10


def test_without_labels_asked_for_no_label_is_anywhere(tmp_path: Path) -> None:
    source = arrays(tmp_path / "a.npz", 400, np.arange(400) % 4)
    assert prepare(tiny(tmp_path, data=source)).probe is None
    assert prepare(tiny(tmp_path, data=source, check_labels=True)).probe is not None


def test_one_class_is_nothing_to_probe(tmp_path: Path) -> None:
    source = arrays(tmp_path / "a.npz", 600, np.zeros(600, dtype=np.int64))
    with pytest.raises(DataError, match="class"):
        prepare(tiny(tmp_path, data=source, labels=True))


def test_digits_are_not_mirrored_but_other_images_are(tmp_path: Path) -> None:
    source = arrays(tmp_path / "a.npz", 400)
    assert prepare(tiny(tmp_path)).recipe.hf_prob == 0.0
    assert prepare(tiny(tmp_path, data=source)).recipe.hf_prob == 0.5
    assert prepare(tiny(tmp_path, views={"hf_prob": 0.25})).recipe.hf_prob == 0.25


def test_the_measures_have_the_images_they_need(tmp_path: Path) -> None:
    workload = prepare(tiny(tmp_path, data=arrays(tmp_path / "a.npz", 300)))
    assert len(workload.gauge.images) >= workload.backbone.dim + 1
    with pytest.raises(DataError, match="got 150"):
        prepare(tiny(tmp_path, data=arrays(tmp_path / "b.npz", 150)))


def test_how_far_and_where_a_study_runs_is_not_what_it_is(tmp_path: Path) -> None:
    one = prepare(tiny(tmp_path / "a", trials=2, threads=1)).identity
    two = prepare(tiny(tmp_path / "b", trials=9, budget="1h", threads=2)).identity
    assert one == two
    assert one != prepare(tiny(tmp_path / "a", seed=1)).identity
    assert one != prepare(tiny(tmp_path / "a", views={"min_scale": 0.5})).identity


def test_changed_images_make_another_study(tmp_path: Path) -> None:
    first = prepare(tiny(tmp_path, data=arrays(tmp_path / "a.npz", 400))).identity
    arrays(tmp_path / "a.npz", 401)
    assert first != prepare(tiny(tmp_path, data=str(tmp_path / "a.npz"))).identity


def test_colour_images_get_a_colour_backbone(tmp_path: Path) -> None:
    workload = prepare(tiny(tmp_path, data=arrays(tmp_path / "a.npz", 400)))
    assert workload.backbone.in_channels == 3
    assert len(workload.normalisation.mean) == 3
