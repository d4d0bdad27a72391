"""One device's share of a training that several devices do together."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
import torch.distributed
from torch import Tensor, nn

from hpo.batch_norm import RunningAverages
from hpo.data.store import ImageStore
from hpo.devices.gathering import check_shareable, gather_embeddings
from hpo.embedding import Normalisation
from hpo.errors import ConfigError
from hpo.methods.shape import Learner
from hpo.training import Training, TrainingPlan

if TYPE_CHECKING:
    from lightning_fabric import Fabric


class StoppedTogether(Exception):
    """The leader stopped the epoch, and this process with it."""


class SharedTraining(Training):
    """A training in which every device takes its part of each batch.

    All devices draw the views of the whole batch, the same ones as a single device would, and
    each goes on with its own part. Gradients are averaged (DistributedDataParallel). BatchNorm's
    statistics are those of the whole batch on CUDA; on CPUs, where torch cannot, those of the
    device's part, with the running statistics of the leader.

    Args:
        plan: what to do; the batch size is that of all devices together.
        images: uint8 (n, channels, size, size), the training images.
        normalisation: theirs.
        fabric: this process's, in its group.
        on_checked: called once all is known to be possible, before the devices meet.

    Raises:
        ConfigError: when the batch cannot be shared out, or the method cannot.
    """

    def __init__(
        self,
        plan: TrainingPlan,
        images: Tensor | ImageStore,
        normalisation: Normalisation,
        fabric: Fabric,
        on_checked: Callable[[], None] = lambda: None,
    ) -> None:
        check_parts(plan, fabric.world_size)
        super().__init__(plan, images, normalisation, fabric.device)
        check_shareable(self.learner, plan.method)
        self.fabric = fabric
        self.stop: BaseException | None = None
        on_checked()
        if self.device.type == "cuda":
            nn.SyncBatchNorm.convert_sync_batchnorm(self.learner)  # type: ignore[no-untyped-call]
            self.averages = RunningAverages(self.learner)
        if isinstance(self.learner, Learner):
            gather_embeddings(self.learner)
        self.forward = fabric.setup_module(self.learner)

    def _own(self, views: list[Tensor]) -> list[Tensor]:
        n_devices, rank = self.fabric.world_size, self.fabric.global_rank
        return [view.chunk(n_devices)[rank] for view in views]

    def _mean_over_devices(self, value: Tensor) -> Tensor:
        mean = value.detach().clone()
        torch.distributed.all_reduce(mean)
        return mean / self.fabric.world_size

    def _after_step(self, on_step: Callable[[], None]) -> None:
        """Ask, and stop on all devices at the same step or on none."""
        self.stop = None
        try:
            on_step()
        except BaseException as stop:  # Ctrl-C's, the budget's: the others must hear of any
            self.stop = stop
        flag = torch.tensor([int(self.stop is not None)])
        torch.distributed.all_reduce(flag, torch.distributed.ReduceOp.MAX)
        if flag.item():
            raise self.stop or StoppedTogether


def check_parts(plan: TrainingPlan, n_devices: int) -> None:
    """Check that a batch can be shared out.

    Args:
        plan: of the training.
        n_devices: that share its batches.

    Raises:
        ConfigError: when the devices would get unequal parts, or fewer than two images each,
            of which BatchNorm has no statistics.
    """
    n_parts = plan.optimizer.accumulate
    if plan.batch_size % (n_parts * n_devices) or plan.batch_size < 2 * n_parts * n_devices:
        raise ConfigError(
            f"batch_size: got {plan.batch_size} in {n_parts} part(s) for {n_devices} devices; "
            f"wanted a multiple of {n_parts * n_devices}, at least twice that: every device takes "
            "an equal share of at least two images."
        )
