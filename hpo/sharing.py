"""Trials that train on several devices at once: the group of them for as long as a search runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Literal, cast

from hpo.config import StudyConfig
from hpo.data.store import ImageStore
from hpo.embedding import Normalisation
from hpo.training import Training, TrainingPlan
from hpo.workload import Workload, prepare


def check_shared(config: StudyConfig, workload: Workload, plan: TrainingPlan) -> None:
    """Check, before any training, that the devices are there and can share a batch.

    Args:
        config: says how many.
        workload: says of which kind.
        plan: of a trial.

    Raises:
        ConfigError: when they are not, or cannot.
    """
    if config.devices == 1:
        return
    from hpo.devices.group import check_devices
    from hpo.devices.shared_training import check_parts

    check_devices(config.devices, _kind(workload))
    check_parts(plan, config.devices)


@contextmanager
def trainings(workload: Workload) -> Iterator[Callable[[TrainingPlan], Training]]:
    """Yield what begins trainings: in this process, or led from it on several devices."""
    if workload.config.devices == 1:
        yield workload.begin
        return
    from hpo.devices import DeviceGroup

    images = partial(_images, workload.config)
    with DeviceGroup(workload.config.devices, _kind(workload), images) as group:
        yield partial(group.training, images=workload.train, normalisation=workload.normalisation)


def _images(config: StudyConfig) -> tuple[ImageStore, Normalisation]:
    workload = prepare(config)
    return workload.train, workload.normalisation


def _kind(workload: Workload) -> Literal["cpu", "cuda"]:
    return cast(Literal["cpu", "cuda"], workload.device.type)
