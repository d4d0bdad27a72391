"""What a driver sends to the workers of a cluster, and what they answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hpo.config import StudyConfig
from hpo.ray_tune.parcel import Parcel

REPORT = "report"  # key of a Ray result: the whole of what is said


@dataclass(frozen=True)
class Task:
    """All that the workers of a study need to know, whatever trial they run.

    Args:
        config: the study's, with what the driver found "auto" to be.
        threads: of a worker; None leaves it to torch.
        identity: of the driver's workload; every node must find the same images.
        initial: the untrained network, packed by `hpo.workers.worker.pack`.
        rungs: epochs at which to measure, ascending.
        folder: the driver's working directory, which relative paths of options start from.
    """

    config: StudyConfig
    threads: int | None
    identity: dict[str, object]
    initial: Parcel
    rungs: tuple[int, ...]
    folder: str


@dataclass(frozen=True)
class Report:
    """What a worker says after each step: how far it is, and what it spent since the last report.

    Args:
        serial: no two reports have the same; Tune may hand one on twice.
        epoch: trained.
        rung: epoch of the rung that is reported, for the first time or again; 0 for none.
        record: of that rung, as `TrialTraining.measure` returned it.
        rungs_measured: epochs of all rungs that the state holds.
        n_images: trained on since the last report.
        train_seconds: spent on that.
        measure_seconds: spent on measuring since the last report.
        whole: seconds of training, seconds of measuring and images of the whole trial.
        diverged: why the loss is no number any more; empty while it is one.
        error: what the trial failed with; empty when it did not.
        fault: what no other trial would survive either, such as missing images.
    """

    serial: str
    epoch: int = 0
    rung: int = 0
    record: Mapping[str, Any] | None = None
    rungs_measured: tuple[int, ...] = ()
    n_images: int = 0
    train_seconds: float = 0.0
    measure_seconds: float = 0.0
    whole: tuple[float, float, int] = (0.0, 0.0, 0)
    diverged: str = ""
    error: str = ""
    fault: BaseException | None = None

    def as_result(self) -> dict[str, Any]:
        """Return it as a Ray result, with the step and the measures by name for other readers."""
        values = {} if self.record is None else dict(self.record["values"])
        return {**values, "epoch": self.epoch, "rung": self.rung, REPORT: self}
