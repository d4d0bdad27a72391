"""A real Ray cluster of several nodes on this machine, and studies on it in their own processes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ray.cluster_utils import Cluster

from tests.hpo.ray_tune.own_cluster import own_home
from tests.hpo.studies import tiny_arguments

_NODE = {"object_store_memory": 80_000_000, "include_dashboard": False}


@contextmanager
def nodes(*cpus: int) -> Iterator[Cluster]:
    """Start a cluster of a head without processors and one node for each number of them."""
    with own_home():
        head = {"num_cpus": 0, **_NODE}
        cluster = Cluster(initialize_head=True, head_node_args=head)
        try:
            for n_cpus in cpus:
                cluster.add_node(num_cpus=n_cpus, object_store_memory=_NODE["object_store_memory"])
            cluster.wait_for_nodes()
            yield cluster
        finally:
            cluster.shutdown()


def start(cluster: Cluster, out: Path, **options: Any) -> subprocess.Popen[str]:
    """Start a study on a cluster as a user would."""
    given = {"engine": "ray", "address": cluster.address, "workers": 2, **options}
    return subprocess.Popen(
        [sys.executable, "-m", "hpo", "run", *tiny_arguments(out, **given)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=dict(os.environ),
    )
