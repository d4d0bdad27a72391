"""What a trial asks for, and what its actor then sees."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import ray
import torch
from ray.util.placement_group import placement_group
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

from hpo.errors import ConfigError
from hpo.ray_tune import trial_resources
from hpo.ray_tune.resources import bundle
from tests.hpo.ray_tune.own_cluster import cluster


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        ({}, {"CPU": 1}),
        ({"cpus_per_trial": 2}, {"CPU": 2}),
        ({"cpus_per_trial": 0.5}, {"CPU": 0.5}),
        ({"gpus_per_trial": 0.25}, {"CPU": 1, "GPU": 0.25}),
        ({"gpus_per_trial": 1}, {"CPU": 1, "GPU": 1}),
        ({"devices": 2, "cpus_per_trial": 2}, {"CPU": 2}),
        ({"devices": 4, "cpus_per_trial": 8, "gpus_per_trial": 4}, {"CPU": 8, "GPU": 4}),
    ],
)
def test_a_trial_asks_for_one_bundle(options: dict[str, float], asked: dict[str, float]) -> None:
    found = trial_resources(**options)  # type: ignore[arg-type]
    assert (found.bundles, found.strategy) == ([asked], "STRICT_PACK")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"devices": 0}, "^devices: got 0"),
        ({"cpus_per_trial": 0}, "^cpus_per_trial: got 0"),
        ({"cpus_per_trial": 1.5}, "^cpus_per_trial: got 1.5; wanted a whole number"),
        ({"cpus_per_trial": float("nan")}, "^cpus_per_trial: got nan"),
        ({"gpus_per_trial": -1}, "^gpus_per_trial: got -1"),
        ({"gpus_per_trial": 2}, "^gpus_per_trial: got 2; wanted between 0 and 1 for one device"),
        ({"gpus_per_trial": float("nan")}, "^gpus_per_trial: got nan"),
        ({"devices": 2, "gpus_per_trial": 0.5}, "^gpus_per_trial: got 0.5 for 2 devices; wanted 2"),
        ({"devices": 2, "gpus_per_trial": 3}, "^gpus_per_trial: got 3 for 2 devices"),
    ],
)
def test_what_fits_no_device_is_an_error(options: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        bundle(**options)  # type: ignore[arg-type]


@ray.remote
class Leader:
    def sees(self) -> str:
        return os.environ.get("CUDA_VISIBLE_DEVICES", "all")


@pytest.fixture(scope="module")
def pretended_gpus() -> Iterator[Path]:
    if torch.cuda.is_available():
        pytest.skip("pretends that there are GPUs")
    with cluster(num_gpus=2) as home:
        yield home


def seen_by_a_leader(bundles: list[dict[str, float]]) -> str:
    """Start an actor as Ray Tune starts a trial: in the first bundle, with all of it."""
    group = placement_group(bundles, strategy="STRICT_PACK")
    ray.get(group.ready(), timeout=60)
    strategy = PlacementGroupSchedulingStrategy(group, placement_group_bundle_index=0)
    first = bundles[0]
    leader = Leader.options(  # type: ignore[attr-defined]
        num_cpus=first["CPU"], num_gpus=first["GPU"], scheduling_strategy=strategy
    ).remote()
    seen = str(ray.get(leader.sees.remote(), timeout=60))
    ray.kill(leader)
    ray.util.remove_placement_group(group)
    return seen


@pytest.mark.ray
@pytest.mark.slow
def test_a_leader_sees_all_devices_of_its_one_bundle(pretended_gpus: Path) -> None:
    """In a bundle a device it would see its own alone, and could not lead the others."""
    one = bundle(2, cpus_per_trial=2, gpus_per_trial=2)
    assert sorted(seen_by_a_leader([one]).split(",")) == ["0", "1"]
    several = [{"CPU": 1.0, "GPU": 1.0}] * 2
    assert len(seen_by_a_leader(several).split(",")) == 1
