"""What a cluster holds, in plain numbers; joining one is tested with whole studies."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hpo.errors import ConfigError
from hpo.ray_tune.cluster import Cluster, asked_by, trials_at_once
from hpo.workers.crew import Crew
from tests.hpo.studies import tiny


@pytest.mark.parametrize(
    ("nodes", "asked", "n"),
    [
        ([{"CPU": 4}], {"CPU": 1}, 4),
        ([{"CPU": 3}, {"CPU": 3}], {"CPU": 2}, 2),
        ([{"CPU": 16, "GPU": 2}], {"CPU": 2, "GPU": 0.5}, 4),
        ([{"CPU": 1, "GPU": 8}], {"CPU": 1, "GPU": 1}, 1),
        ([{"CPU": 64}], {"CPU": 1, "GPU": 1}, 0),
        ([{"CPU": 1}], {"CPU": 0.1}, 10),
        ([], {"CPU": 1}, 0),
    ],
)
def test_a_trial_needs_all_it_asks_for_on_one_node(
    nodes: list[dict[str, float]], asked: dict[str, float], n: int
) -> None:
    assert trials_at_once(nodes, asked) == n


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        ({"device": "cpu"}, {"CPU": 1}),
        ({"device": "cpu", "cpus_per_trial": 2}, {"CPU": 2}),
        ({"device": "cuda"}, {"CPU": 1, "GPU": 1}),
        ({"device": "cuda", "gpus_per_trial": 0.25}, {"CPU": 1, "GPU": 0.25}),
        ({"device": "cuda", "devices": 2}, {"CPU": 2, "GPU": 2}),
        ({"device": "cpu", "devices": 2}, {"CPU": 2}),
        ({"device": "cpu", "devices": 2, "cpus_per_trial": 6}, {"CPU": 6}),
    ],
)
def test_what_a_trial_asks_for(
    options: dict[str, Any], asked: dict[str, float], tmp_path: Path
) -> None:
    assert asked_by(tiny(tmp_path, engine="ray", **options)) == asked


@pytest.mark.parametrize(
    ("options", "n_threads"),
    [({}, 1), ({"cpus_per_trial": 6}, 3), ({"cpus_per_trial": 6, "threads": 2}, 2)],
)
def test_the_processes_of_a_trial_share_its_cores(
    options: dict[str, Any], n_threads: int, tmp_path: Path
) -> None:
    given = {"threads": None, "device": "cpu", "devices": 2, **options}
    assert Cluster(tiny(tmp_path, engine="ray", **given)).crew == Crew(1, n_threads)


@pytest.mark.parametrize(
    "option", ["address", "max_concurrent", "cpus_per_trial", "gpus_per_trial", "storage_path"]
)
def test_an_option_of_ray_without_ray_is_refused(option: str, tmp_path: Path) -> None:
    value = "auto" if option in ("address", "storage_path") else 2
    with pytest.raises(ConfigError, match=f"^{option}: got .* without --engine ray"):
        tiny(tmp_path, **{option: value})
    tiny(tmp_path, engine="ray", **{option: value})


def test_neither_the_package_nor_a_study_without_a_cluster_loads_ray() -> None:
    code = "import hpo, hpo.study, hpo.cli, sys; sys.exit('ray' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], env=dict(os.environ), check=False)
    assert done.returncode == 0
