"""One trial's training and measuring, whoever records it: an Optuna objective or a Ray worker."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from hpo.dashboard.spectrum import spectrum_record
from hpo.measuring import Gauge, Initial
from hpo.pruning import findings
from hpo.training import Training, TrainingPlan
from hpo.workload import Workload


@dataclass
class TrialTraining:
    """A training with what was measured on the way; all of it is in the checkpoint.

    Args:
        training: at its beginning, or wherever `restore` puts it.
        gauge: the fixed measuring conditions.
        initial: the untrained network that it starts from, as `untrained_of` finds it.

    Attributes:
        rungs: what `measure` returned, by epoch as text.
        train_seconds: spent on training, over all processes that the state went through.
        measure_seconds: spent on measuring, likewise.
        n_images: trained on, likewise.
        loss: mean loss of the last epoch; nan before the first.
    """

    training: Training
    gauge: Gauge
    initial: Initial
    rungs: dict[str, dict[str, Any]] = field(default_factory=dict)
    train_seconds: float = 0.0
    measure_seconds: float = 0.0
    n_images: int = 0
    loss: float = math.nan

    @property
    def epoch(self) -> int:
        """Epochs trained."""
        return self.training.epoch

    def reach(
        self,
        rung: int,
        on_step: Callable[[int, float], None] = lambda n_images, seconds: None,
        on_epoch: Callable[[int], bool | None] = lambda epoch: None,
    ) -> None:
        """Train to a rung.

        Args:
            rung: its epoch; nothing is trained where it was reached before.
            on_step: called after every step with the images that it trained on and the seconds
                that it took; what it raises ends the training.
            on_epoch: called after every epoch with its number; True ends the training there.

        Raises:
            Diverged: when the loss is not finite.
        """
        while self.epoch < rung:
            self._train_epoch(on_step)
            if on_epoch(self.epoch):
                return

    def measure(self) -> dict[str, Any]:
        """Measure the network as it is now, and keep the record with the state.

        Returns:
            Plain data: "values", every measure by name, with "ssl_loss" and with "seconds", the
            time this trial has taken so far; "finding", the collapse that was seen as the fields
            of a `Finding`, or None; "spectrum", as `spectrum_record` makes it, or None.
        """
        started = time.monotonic()
        measurement = self.gauge.measure(self.training.learner, self.initial)
        self.measure_seconds += time.monotonic() - started
        found = findings(
            measurement.backbone,
            measurement.projector,
            references=(self.initial.backbone, self.initial.projector),
            gain=measurement.gain,
        )
        values = dict(measurement.values)
        values["ssl_loss"] = self.loss
        values["seconds"] = self.train_seconds + self.measure_seconds
        spectrum = measurement.eigenvalues
        record = {
            "values": values,
            "finding": None if found is None else asdict(found),
            "spectrum": spectrum_record(spectrum) if spectrum else None,
        }
        self.rungs[str(self.epoch)] = record
        return record

    def state(self) -> dict[str, Any]:
        """Return all that `restore` needs to go on exactly; valid between epochs."""
        return {
            "training": self.training.state_dict(),
            "rungs": self.rungs,
            "train_seconds": self.train_seconds,
            "measure_seconds": self.measure_seconds,
            "n_images": self.n_images,
            "loss": self.loss,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state of a training under the same plan."""
        self.training.load_state_dict(state["training"])
        self.rungs = state["rungs"]
        self.train_seconds = state["train_seconds"]
        self.measure_seconds = state["measure_seconds"]
        self.n_images = state["n_images"]
        self.loss = state["loss"]

    def _train_epoch(self, on_step: Callable[[int, float], None]) -> None:
        n_images = self.training.plan.batch_size
        started = counted = time.monotonic()

        def step() -> None:
            nonlocal counted
            self.n_images += n_images
            now = time.monotonic()
            # Before the call: whatever it raises, these seconds are counted.
            seconds, counted = now - counted, now
            on_step(n_images, seconds)

        try:
            self.loss = self.training.run_epoch(step)
        finally:
            self.train_seconds += time.monotonic() - started


def untrained_of(workload: Workload, initial: Initial, plan: TrainingPlan) -> Initial:
    """Return the untrained network that a training is measured against: the one it starts from.

    All trials of a study start from the same weights, where they have them: a searched
    `projector_width` makes other projectors, whose ranks cannot be compared. A replicate starts
    from the weights of another seed, from which the study's are as far away as any other network.

    Args:
        workload: the study's.
        initial: the network of the study's own seed.
        plan: of the training.

    Returns:
        `initial` itself under the study's seed and for networks of its shape; else the plan's own
        network, made here on one device whatever the training uses.
    """
    defaults = workload.plan({**workload.space.defaults, **workload.space.fixed})
    if plan.seed == workload.config.seed and _sizes(plan) == _sizes(defaults):
        return initial
    return workload.gauge.initial(workload.begin(plan).learner, workload.train)


def _sizes(plan: TrainingPlan) -> dict[str, Any]:
    """The method's parameters that may give its parts their shapes: numbers that are whole."""
    given = plan.method_parameters
    return {name: value for name, value in given.items() if not isinstance(value, float)}
