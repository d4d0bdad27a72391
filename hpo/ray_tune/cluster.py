"""The Ray cluster that a study runs on: joined, or started here for as long as it runs."""

from __future__ import annotations

import logging
import math
import os
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from hpo.config import StudyConfig
from hpo.errors import ConfigError, GoldilocksError
from hpo.ray_tune.missing import RayMissingError
from hpo.ray_tune.resources import bundle
from hpo.workers.crew import Crew, crew_of, uses_cuda

_OBJECT_STORE_BYTES = 80_000_000  # about the least that Ray takes; nothing of ours lies in it
_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing is reported to anybody unless the user says so
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",  # the study is the record
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # ours stops cleanly
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",  # the study says why a trial failed
    "RAY_AIR_NEW_OUTPUT": "0",  # the other way to show progress is silent where it is told to be
}


class ClusterError(GoldilocksError, ConnectionError):
    """Raised when a Ray cluster cannot be started or joined."""


def trials_at_once(nodes: Sequence[Mapping[str, float]], asked: Mapping[str, float]) -> int:
    """Return how many trials fit on a cluster, each on one node.

    Args:
        nodes: what each node has, by Ray's name of the resource.
        asked: what a trial asks for, likewise.

    >>> trials_at_once([{"CPU": 8, "GPU": 2}, {"CPU": 3}], {"CPU": 2, "GPU": 0.5})
    4
    >>> trials_at_once([{"CPU": 8}, {"CPU": 3}], {"CPU": 2})
    5
    """
    fitting = [
        min(math.floor(node.get(name, 0.0) / amount + 1e-9) for name, amount in asked.items())
        for node in nodes
    ]
    return sum(fitting)


def asked_by(config: StudyConfig) -> dict[str, float]:
    """Return what a trial of a study asks a cluster for, by Ray's name of the resource.

    Each of its devices has a process of its own, so there is at least a core for each.

    Raises:
        ConfigError: for numbers that do not fit each other.
    """
    gpus = config.gpus_per_trial
    if gpus is None:
        gpus = config.devices if uses_cuda(config) else 0
    n_cpus = config.cpus_per_trial
    if config.devices > 1:
        n_cpus = max(n_cpus, config.devices)
    return bundle(config.devices, cpus_per_trial=n_cpus, gpus_per_trial=gpus)


class Cluster:
    """The cluster of a study.

    Use it as a context: what was started is ended, and what was joined goes on without us.

    Args:
        config: says where it is, and what a trial asks for.

    Raises:
        ConfigError: for a cluster that no trial fits on.
        ClusterError: when it cannot be joined.
        RayMissingError: where ray is not installed.
    """

    def __init__(self, config: StudyConfig) -> None:
        try:
            import ray
        except ModuleNotFoundError as error:
            raise RayMissingError(
                "engine: got 'ray', which is not installed here. Run: pip install 'ray[tune]'."
            ) from error
        self.config, self.asked = config, asked_by(config)
        self._joined_before = ray.is_initialized()
        if config.address is not None:
            self._connect(address=config.address)
        self.crew = self._crew()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        import ray

        if ray.is_initialized() and not self._joined_before:
            ray.shutdown()

    def start(self) -> None:
        """Start Ray on this machine, unless it runs or a cluster was joined."""
        amounts: dict[str, Any] = {"num_cpus": math.ceil(self.crew.n_workers * self.asked["CPU"])}
        if "GPU" in self.asked:
            amounts["num_gpus"] = math.ceil(self.crew.n_workers * self.asked["GPU"])
        self._connect(
            address="local",
            include_dashboard=False,
            object_store_memory=_OBJECT_STORE_BYTES,
            **amounts,
        )
        if trials_at_once(_nodes(), self.asked) < 1:
            raise ConfigError(self._too_small())

    def _connect(self, **options: Any) -> None:
        import ray

        for name, value in _QUIET.items():
            os.environ.setdefault(name, value)
        if ray.is_initialized():
            return
        with _signals_kept():
            try:
                ray.init(log_to_driver=False, logging_level=logging.ERROR, **options)
            except (ConnectionError, OSError, RuntimeError, ValueError) as error:
                raise ClusterError(
                    f"address: Ray cannot be reached at {options['address']!r} ({error}). Start "
                    "it with `ray start --head`, or leave --address out to start one here."
                ) from error

    def _crew(self) -> Crew:
        config = self.config
        if self.config.address is None and not self._joined_before:
            crew = crew_of(config)
            n_workers = crew.n_workers
            threads = crew.threads if config.devices == 1 else self._threads()
            if uses_cuda(config) and config.workers is None and "GPU" in self.asked:
                n_workers = _local_gpus_hold(self.asked["GPU"])
        else:
            n_workers = trials_at_once(_nodes(), self.asked)
            if n_workers < 1:
                raise ConfigError(self._too_small())
            n_workers = min(n_workers, config.workers or n_workers)
            threads = self._threads()
        limits = [config.max_concurrent, config.n_trials]
        return Crew(min([n_workers, *(limit for limit in limits if limit is not None)]), threads)

    def _threads(self) -> int:
        """Threads of each process of a trial: together as many as the cores that it asks for."""
        each = max(1, int(self.asked["CPU"]) // self.config.devices)
        return each if self.config.threads is None else self.config.threads

    def _too_small(self) -> str:
        wanted = " and ".join(f"{amount:g} {name}" for name, amount in self.asked.items())
        return (
            f"cpus_per_trial, gpus_per_trial: no node of the cluster has the {wanted} that a trial "
            "asks for; ask for less, or give another --address."
        )


def _local_gpus_hold(share: float) -> int:
    import torch

    return max(1, math.floor(torch.cuda.device_count() / share + 1e-9))


def _nodes() -> list[dict[str, float]]:
    import ray

    return [node["Resources"] for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]


@contextmanager
def _signals_kept() -> Iterator[None]:
    """Keep our handlers: Ray puts one of its own in the place of SIGTERM's."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
