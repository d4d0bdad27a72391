"""What training, measuring and probing take on this machine, from a few seconds of each."""

from __future__ import annotations

import time

import torch

from hpo.plan.plan import Rates
from hpo.training import Training
from hpo.workload import Workload

_TRAIN_SECONDS = 1.5
_WARM_UP_STEPS = 1  # the first step allocates, and chooses its algorithms
_MAX_EPOCHS = 3


class _Enough(Exception):
    """Enough steps were timed."""


def measure_rates(workload: Workload) -> Rates:
    """Time some steps of training, one measuring, and one probe where there are labels.

    Nothing stays behind: no file, no change of the random state.

    Args:
        workload: the study's.

    Returns:
        The rates, each > 0, with the method's default hyperparameters.
    """
    space = workload.space
    devices = [workload.device] if workload.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        training = workload.begin(workload.plan({**space.defaults, **space.fixed}))
        initial = workload.gauge.initial(training.learner, workload.train)
        per_image = _seconds_per_image(training, workload.device)
        started = time.monotonic()
        workload.gauge.measure(training.learner, initial)
        per_measure = time.monotonic() - started
        per_probe = _seconds_per_probe(workload, initial.network)
    return Rates(per_image, per_measure, per_probe)


def _seconds_per_image(training: Training, device: torch.device) -> float:
    times: list[float] = []

    def step() -> None:
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        times.append(time.monotonic())
        if times[-1] - times[0] > _TRAIN_SECONDS:
            raise _Enough

    try:
        for _ in range(min(_MAX_EPOCHS, training.plan.n_epochs)):
            training.run_epoch(step)
    except _Enough:
        pass
    n_timed = len(times) - _WARM_UP_STEPS
    return (times[-1] - times[0]) / (n_timed * training.plan.batch_size)


def _seconds_per_probe(workload: Workload, backbone: torch.nn.Module) -> float | None:
    from hpo.embedding import embed
    from hpo.probing import probe, split_probe

    if workload.probe is None:
        return None
    images, labels = workload.probe.images, workload.probe.labels
    started = time.monotonic()
    with torch.no_grad():
        features, _ = embed(backbone, None, images, workload.normalisation, device=workload.device)
    split = split_probe(labels, seed=workload.config.seed)
    probe(features, labels, split, seed=workload.config.seed)
    return time.monotonic() - started
