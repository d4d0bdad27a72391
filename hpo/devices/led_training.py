"""A training on several devices, seen from the process that leads them."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from hpo.data.store import ImageStore, as_store
from hpo.devices.commands import Begin, Epoch, Load
from hpo.devices.shared_training import SharedTraining
from hpo.embedding import Normalisation
from hpo.training import Diverged, TrainingPlan

if TYPE_CHECKING:
    from hpo.devices.group import DeviceGroup


class LedTraining(SharedTraining):
    """The leader's share of a training, which takes the other processes along.

    It is used like a `Training`, and its states are those of one: a checkpoint of several devices
    goes on on one, and the other way round.

    Args:
        plan: what to do; the batch size is that of all devices together.
        images: uint8 (n, channels, size, size), the training images.
        normalisation: theirs.
        group: the devices; only its latest training can be used.

    Raises:
        ConfigError: when the batch cannot be shared out, or the method cannot.
        DeviceGroupError: when one of the processes died.
    """

    def __init__(
        self,
        plan: TrainingPlan,
        images: Tensor | ImageStore,
        normalisation: Normalisation,
        group: DeviceGroup,
    ) -> None:
        self.group = group
        store = as_store(images)
        with group.together() as joint:
            begin = Begin(plan, tuple(store.shape), normalisation)
            super().__init__(plan, store, normalisation, group.fabric(), lambda: joint.tell(begin))
            joint.settle("ready")
        group.current = self

    def run_epoch(self, on_step: Callable[[], None] = lambda: None) -> float:
        """Train one epoch on all devices; see `Training.run_epoch`.

        Raises:
            Diverged: when the loss is not finite.
            DeviceGroupError: when one of the processes died, or another training has begun.
        """
        self.group.require(self)
        with self.group.together(on_step) as joint:
            joint.tell(Epoch())
            try:
                loss = super().run_epoch(on_step)
            except Diverged:
                joint.settle("diverged")
                raise
            except BaseException as error:
                if error is self.stop:
                    joint.settle("stopped")
                raise
            joint.settle("done")
        return loss

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state of the same plan, on all devices."""
        self.group.require(self)
        buffer = io.BytesIO()
        torch.save(state, buffer)
        with self.group.together() as joint:
            super().load_state_dict(state)
            joint.tell(Load(buffer.getvalue()))
            joint.settle("ready")
