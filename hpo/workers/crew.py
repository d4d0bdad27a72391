"""How many trials at once, and how many threads each."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from hpo.config import StudyConfig
from hpo.counted import counted
from hpo.errors import ConfigError


@dataclass(frozen=True)
class Crew:
    """The workers of a study.

    Args:
        n_workers: trials at once; 1 runs them in the parent process.
        threads: of each; None leaves it to torch.
    """

    n_workers: int
    threads: int | None

    def describe(self) -> str:
        """Say it in a line.

        >>> Crew(1, None).describe(), Crew(4, 1).describe()
        ('1 trial, on all threads', '4 trials, on 1 thread each')
        """
        trials = counted(self.n_workers, "trial")
        if self.threads is None:
            return f"{trials}, on all threads"
        threads = counted(self.threads, "thread")
        return f"{trials}, on {threads}" + (" each" if self.n_workers > 1 else "")


def crew_of(config: StudyConfig, n_cores: int | None = None) -> Crew:
    """Decide on the workers: one a core, each on one thread; a single one on CUDA.

    Two trials on a thread each do more than one on two threads: small networks spend much of a
    step in parts that no second thread speeds up. On CUDA, trials share one device.

    Args:
        config: what was asked for with `workers` and `threads`; both win. Several devices for a
            trial leave room for one trial at a time.
        n_cores: processor cores this process may use; found out by default, with the limits that
            containers set.

    Raises:
        ConfigError: for several workers and several devices for each trial.

    >>> crew_of(StudyConfig(trials=16, device="cpu"), n_cores=8)
    Crew(n_workers=8, threads=1)
    >>> crew_of(StudyConfig(trials=3, device="cpu"), n_cores=8)
    Crew(n_workers=3, threads=2)
    """
    if config.devices > 1 and (config.workers or 1) > 1:
        raise ConfigError(
            f"workers: got {config.workers} with {config.devices} devices for each trial; wanted "
            "--workers 1: the devices train one trial at a time."
        )
    if config.devices > 1:
        return Crew(1, config.threads)
    cores = usable_cores() if n_cores is None else n_cores
    wanted = config.workers or (1 if uses_cuda(config) else cores)
    n_workers = max(1, min(wanted, config.n_trials or wanted))
    if n_workers == 1 or config.threads is not None:
        return Crew(n_workers, config.threads)
    return Crew(n_workers, max(1, cores // n_workers))


def usable_cores() -> int:
    """Return the cores that this process may use: affinity and container limits respected."""
    from joblib import cpu_count  # type: ignore[import-untyped]

    return int(cpu_count())


def uses_cuda(config: StudyConfig) -> bool:
    """Whether trials will run on CUDA."""
    return config.device == "cuda" or (config.device == "auto" and torch.cuda.is_available())
