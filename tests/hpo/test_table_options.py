"""The options that a table of probed trials needs: what they refuse, and what they set aside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hpo.config import load_config
from hpo.errors import ConfigError, DataError, StudyMismatchError
from hpo.study import run_study
from hpo.workload import prepare
from tests.hpo.studies import tiny

SMALL = {"max_images": 400, "measure_images": 64}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"probe_rungs": True, "labels": True},
            "probe_rungs: got true without probe_all; add --probe-all",
        ),
        (
            {"probe_rungs": True, "probe_all": True, "engine": "ray"},
            "probe_rungs: got true with --engine ray, whose nodes have no labelled images",
        ),
        (
            {"probe_images": 40},
            "probe_images: got 40 for a study without labels; add --labels",
        ),
        ({"probe_images": 1, "labels": True}, "probe_images: got 1"),
    ],
)
def test_what_would_do_nothing_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_config(None, options)


@pytest.mark.parametrize(("rungs", "epochs"), [(1, [4]), (2, [2, 4]), (4, [1, 2, 4])])
def test_so_many_rungs_are_measured(rungs: int, epochs: list[int], tmp_path: Path) -> None:
    options = {"epochs": 4, "rung_factor": 2, "rungs": rungs, "trials": 1, **SMALL}
    study = run_study(tiny(tmp_path / "study", **options))
    assert sorted(study.trials[0].intermediate_values) == epochs


@pytest.mark.parametrize("labels", ["labels", "check_labels", "probe_all"])
def test_whatever_the_labels_are_for_the_probe_may_be_sized(labels: str) -> None:
    config = load_config(None, {"probe_images": 40, labels: True})
    assert (config.probe_images, config.uses_labels) == (40, True)
    assert not load_config(None, {}).uses_labels


@pytest.mark.parametrize("n_probe", [40, 41, 100])
def test_the_probe_part_has_exactly_as_many_images_as_asked_for(n_probe: int) -> None:
    config = tiny(Path("never-written"), labels=True, probe_images=n_probe, **SMALL)
    workload, default = prepare(config), prepare(config.model_copy(update={"probe_images": None}))
    assert workload.probe is not None
    assert default.probe is not None
    assert len(workload.probe.images) == len(workload.probe.labels) == n_probe
    assert len(default.probe.images) == 80
    assert len(workload.train) == 400 - len(workload.gauge.images) - n_probe
    # Measures are taken on the same images whatever the probe's size.
    assert (workload.gauge.images == default.gauge.images).all()


@pytest.mark.parametrize("n_probe", [300, 401])
def test_more_than_there_are_is_refused_before_anything_is_trained(n_probe: int) -> None:
    config = tiny(Path("never-written"), labels=True, probe_images=n_probe, **SMALL)
    with pytest.raises(DataError, match=f"{n_probe}"):
        prepare(config)


def test_measures_of_both_layers_are_another_study(tmp_path: Path) -> None:
    options = {"trials": 1, "epochs": 1, **SMALL}
    one = run_study(tiny(tmp_path / "one", **options)).trials[0].user_attrs
    both = run_study(tiny(tmp_path / "both", both_layers=True, **options)).trials[0].user_attrs
    assert both["measured_as"] != one["measured_as"]
    shared = {k: v for k, v in both["rung/1"].items() if not k.endswith("_projector")}
    assert {**shared, "seconds": 0} == {**one["rung/1"], "seconds": 0}
    assert len(both["rung/1"]) > len(shared)
    with pytest.raises(StudyMismatchError, match="both_layers: the study has True, this run False"):
        run_study(tiny(tmp_path / "both", **options))
