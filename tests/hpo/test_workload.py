"""What a configuration becomes before anything is trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpo.errors import ConfigError, DataError
from hpo.optimization import OptimizerPlan
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
    assert prepare(tiny(tmp_path)).views.global_view.hf_prob == 0.0
    assert prepare(tiny(tmp_path, data=source)).views.global_view.hf_prob == 0.5
    assert prepare(tiny(tmp_path, views={"hf_prob": 0.25})).views.global_view.hf_prob == 0.25


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


@pytest.mark.parametrize(("size", "n_local"), [(16, 0), (32, 6)])
def test_tiny_images_are_not_cropped_further(tmp_path: Path, size: int, n_local: int) -> None:
    config = tiny(tmp_path, method="swav", image_size=size)
    assert prepare(config).space.fixed["n_local"] == n_local


@pytest.mark.parametrize("options", [{"fix": {"n_local": 2}}, {"search": ["n_local"]}])
def test_unless_it_is_asked_for(tmp_path: Path, options: dict[str, Any]) -> None:
    space = prepare(tiny(tmp_path, method="swav", **options)).space
    assert space.fixed.get("n_local") == options.get("fix", {}).get("n_local")


def test_a_queue_is_shorter_than_the_images(tmp_path: Path) -> None:
    assert prepare(tiny(tmp_path, method="mocov2")).space.defaults.get("queue", 256) == 256


def test_the_plan_of_a_trial_sorts_its_hyperparameters(tmp_path: Path) -> None:
    workload = prepare(tiny(tmp_path, search_views=True, clip_norm=3.0, accumulate=2))
    plan = workload.plan(
        {"lr": 0.5, "weight_decay": 0.1, "warmup_share": 0.3, "temperature": 0.2}
        | {"projector_width": "auto", "min_scale": 0.4, "cj_strength": 0.7}
    )
    assert plan.optimizer == OptimizerPlan("adamw", 0.5, 0.1, 0.3, clip_norm=3.0, accumulate=2)
    assert plan.method_parameters == {"temperature": 0.2, "projector_width": "auto"}
    assert (plan.views.global_view.min_scale, plan.views.global_view.cj_strength) == (0.4, 0.7)
    assert workload.views.global_view.min_scale == 0.2  # the measures' views stay what they were
    assert workload.gauge.recipe == workload.views.global_view


def test_the_code_of_a_users_method_is_part_of_the_study(tmp_path: Path) -> None:
    file = tmp_path / "own.py"
    file.write_text(
        "from hpo.methods import method\nfrom search_spaces import Float\n"
        "@method(knob=Float(0.0, 1.0, default=0.5))\ndef mine(dim, *, knob): ...\n"
    )
    workload = prepare(tiny(tmp_path, method=f"{file}:mine"))
    assert list(workload.identity["own_code"]) == [f"{file}:mine"]
    assert prepare(tiny(tmp_path)).identity["own_code"] == {}


def test_masked_methods_are_measured_about_the_mean_and_want_a_transformer(tmp_path: Path) -> None:
    options = {"method": "mae", "image_size": 16}
    assert prepare(tiny(tmp_path, backbone="vit_tiny", **options)).gauge.centred
    assert not prepare(tiny(tmp_path, backbone="vit_tiny", image_size=16)).gauge.centred
    with pytest.raises(ConfigError, match="vit_tiny"):
        prepare(tiny(tmp_path, **options))


def test_a_backbone_that_takes_one_size_only_is_refused_for_small_crops(tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    file.write_text(
        "from torch import nn\n"
        "def flat(in_channels, image_size):\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(in_channels * image_size**2, 16))\n"
    )
    options = {"method": "swav", "image_size": 32, "backbone": f"{file}:flat"}
    with pytest.raises(ConfigError, match="cannot take the local views, 16 pixels a side"):
        prepare(tiny(tmp_path, **options))
    assert prepare(tiny(tmp_path, **options, fix={"n_local": 0})).backbone.dim == 16
