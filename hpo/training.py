"""One trial's training: epochs of views, a schedule, and a state that resumes exactly."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from hpo.backbones import BackboneSpec, build_backbone
from hpo.batch_norm import RunningAverages
from hpo.data.store import ImageStore, as_store
from hpo.embedding import Normalisation
from hpo.errors import ConfigError
from hpo.methods import build_learner
from hpo.optimization import OptimizerPlan, build_optimizer
from hpo.precision import Precision, autocast
from hpo.views import ViewPlan
from hpo.views.stream import Pipeline, open_stream

COMPILE_PAYS_AFTER_SECONDS = 600.0
"""Compiling takes a minute or more and saves perhaps a fifth of the time that follows."""


class Diverged(Exception):
    """The loss is no longer a finite number. A verdict on the trial, not an error of the user's."""

    def __init__(self, epoch: int, reason: str = "the loss is not finite") -> None:
        super().__init__(f"{reason} in epoch {epoch}")
        self.epoch = epoch


@dataclass(frozen=True)
class TrainingPlan:
    """Everything that fixes a training besides the images.

    Args:
        backbone: what to train.
        method: name of the method.
        method_parameters: the method's own hyperparameters.
        optimizer: optimiser and schedule.
        n_epochs: length of the whole schedule.
        batch_size: images per step; an incomplete last batch is left out.
        views: what the views are made with.
        pipeline: where they are made.
        n_loader_workers: processes that make them for "lightly"; None: as threads allow.
        compiled: whether to `torch.compile` the learner where that pays: its first epochs tell.
        precision: of the networks; the loss is always float32.
        seed: of the weights and of every draw. The same for all trials of a study, so that they
            differ by their hyperparameters and by nothing else.
    """

    backbone: BackboneSpec
    method: str
    n_epochs: int
    batch_size: int
    views: ViewPlan
    seed: int
    optimizer: OptimizerPlan = field(default_factory=OptimizerPlan)
    method_parameters: dict[str, Any] = field(default_factory=dict)
    pipeline: Pipeline = "batched"
    n_loader_workers: int | None = None
    compiled: bool = False
    precision: Precision = "float32"


class Training:
    """A learner on its way through the epochs of a plan.

    Args:
        plan: what to do.
        images: uint8 (n, channels, size, size), the training images.
        normalisation: theirs.
        device: where to train.

    Attributes:
        epoch: epochs trained.
        epoch_seconds: how long the latest one took; NaN before.
        compiled: what was decided about compiling; None while it is undecided or not asked for.

    Raises:
        ConfigError: when there are fewer images than one batch, or the method cannot take batches
            of this size.
    """

    def __init__(
        self,
        plan: TrainingPlan,
        images: Tensor | ImageStore,
        normalisation: Normalisation,
        device: torch.device,
    ) -> None:
        self.plan, self.device = plan, device
        store = as_store(images)
        self.epoch, self.epoch_seconds = 0, math.nan
        self.compiled: bool | None = None
        self.steps_per_epoch = len(store) // plan.batch_size
        self.n_steps = self.steps_per_epoch * plan.n_epochs
        backbone = initial_backbone(plan.backbone, plan.seed)
        learner = build_learner(
            plan.method, backbone, plan.backbone.dim, **plan.method_parameters
        ).to(device)
        self.learner = learner.to(memory_format=torch.channels_last)
        _check_batch(plan, len(store), getattr(learner, "batch_multiple", 1))
        self.optimizer, self.scheduler = build_optimizer(
            plan.optimizer, [learner], batch_size=plan.batch_size, n_steps=self.n_steps
        )
        recipes = plan.views.recipes(
            n_global=getattr(learner, "n_global", 2), n_local=getattr(learner, "n_local", 0)
        )
        self.stream = open_stream(
            plan.pipeline,
            store,
            recipes,
            normalisation,
            batch_size=plan.batch_size,
            seed=plan.seed,
            device=device,
            n_loader_workers=plan.n_loader_workers,
        )
        self.forward: Callable[[list[Tensor]], Tensor] = self.learner
        self.averages = RunningAverages(self.learner)

    def run_epoch(self, on_step: Callable[[], None] = lambda: None) -> float:
        """Train one epoch.

        Args:
            on_step: called after every step; whatever it raises ends the epoch.

        Returns:
            The mean loss of the epoch.

        Raises:
            Diverged: when the loss is not finite.
        """
        started = time.monotonic()
        total = torch.zeros((), device=self.device)
        # Losses that draw, such as LeJEPA's, draw from torch's own generator.
        torch.manual_seed(self.plan.seed * 1_000_003 + self.epoch)
        self.learner.train()
        with closing(self.stream.epoch(self.epoch)) as batches:
            for index, views in enumerate(batches):
                total += self._step(views, self.epoch * self.steps_per_epoch + index)
                # Reading the loss waits for the device, so it is read now and then only.
                if index % 50 == 49 and not torch.isfinite(self._mean_over_devices(total)):
                    break
                self._after_step(on_step)
        loss = self._mean_over_devices(total).item() / self.steps_per_epoch
        if not math.isfinite(loss):
            raise Diverged(self.epoch + 1)
        self.epoch += 1
        self.epoch_seconds = time.monotonic() - started
        self._compile_if_it_pays()
        return loss

    def _step(self, views: list[Tensor], step: int) -> Tensor:
        self._hook("before_step", step)
        self.averages.before_step(step)
        total = torch.zeros((), device=self.device)
        self.optimizer.zero_grad(set_to_none=True)
        n_parts = self.plan.optimizer.accumulate
        for part in zip(*(view.chunk(n_parts) for view in views), strict=True):
            try:
                with autocast(self.device, self.plan.precision):
                    loss = self.forward(self._own(list(part))).mean() / n_parts
            except torch.linalg.LinAlgError as error:  # type: ignore[attr-defined]
                # W-MSE's whitening has no answer for collapsed embeddings.
                raise Diverged(self.epoch + 1, f"the loss is undefined ({error})") from error
            loss.backward()  # type: ignore[no-untyped-call]
            total += loss.detach()
        self._hook("after_backward", step)
        if self.plan.optimizer.clip_norm is not None:
            nn.utils.clip_grad_norm_(self.learner.parameters(), self.plan.optimizer.clip_norm)
        self.optimizer.step()
        self.scheduler.step()
        return total

    def _hook(self, name: str, step: int) -> None:
        hook = getattr(self.learner, name, None)
        if hook is not None:
            hook(step, self.n_steps)

    def _compile_if_it_pays(self) -> None:
        if not self.plan.compiled or self.compiled is not None:
            return
        if not self.averages.are_settled(self.epoch * self.steps_per_epoch):
            return  # each change of a momentum would compile everything anew
        seconds = torch.tensor(self.epoch_seconds, device=self.device)
        self.compiled = compile_pays(
            self._mean_over_devices(seconds).item(), self.plan.n_epochs - self.epoch
        )
        if self.compiled:
            self.learner.compile()

    # What differs where several devices train together; see `hpo.devices`.

    def _own(self, views: list[Tensor]) -> list[Tensor]:
        """Return this device's part of each view of a batch: here all of it."""
        return views

    def _mean_over_devices(self, value: Tensor) -> Tensor:
        """Return the mean of a number over all devices, the same on each."""
        return value

    def _after_step(self, on_step: Callable[[], None]) -> None:
        """Ask whoever watches whether to go on."""
        on_step()

    @property
    def images_per_epoch(self) -> int:
        """Images that an epoch trains on; less than a batch is left out."""
        return self.steps_per_epoch * self.plan.batch_size

    @property
    def n_images_seen(self) -> int:
        """Images that the epochs so far trained on, each counted once an epoch."""
        return self.epoch * self.images_per_epoch

    @property
    def checkpoint_bytes(self) -> int:
        """Size of a checkpoint at most: every tensor, and Adam's two moments of each parameter."""
        tensors = [t for t in self.learner.state_dict().values() if isinstance(t, Tensor)]
        moments = 2 * sum(p.numel() * p.element_size() for p in self.learner.parameters())
        return moments + sum(int(t.numel() * t.element_size()) for t in tensors)

    def state_dict(self) -> dict[str, Any]:
        """Return all that `load_state_dict` needs to go on exactly; valid between epochs."""
        return {
            "epoch": self.epoch,
            "learner": self.learner.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": {"last_epoch": self.scheduler.last_epoch},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state of the same plan."""
        self.learner.load_state_dict(state["learner"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scheduler.last_epoch = state["scheduler"]["last_epoch"]
        self.epoch = state["epoch"]


def compile_pays(epoch_seconds: float, n_epochs_left: int) -> bool:
    """Decide whether compiling is worth its own time.

    Args:
        epoch_seconds: what an epoch takes without.
        n_epochs_left: epochs still to train.

    >>> compile_pays(7.0, 100), compile_pays(7.0, 10)
    (True, False)
    """
    return epoch_seconds * n_epochs_left > COMPILE_PAYS_AFTER_SECONDS


def initial_backbone(spec: BackboneSpec, seed: int) -> nn.Module:
    """Build the backbone with the weights that every trial of a study starts from."""
    torch.manual_seed(seed)
    return build_backbone(spec)


def _check_batch(plan: TrainingPlan, n_images: int, multiple: int) -> None:
    if plan.batch_size > n_images:
        raise ConfigError(
            f"batch_size: got {plan.batch_size}, wanted at most {n_images}, the number of "
            "training images; an incomplete batch is left out, so no step would be left."
        )
    n_parts = plan.optimizer.accumulate
    if plan.batch_size % (n_parts * multiple):
        raise ConfigError(
            f"batch_size: got {plan.batch_size} in {n_parts} part(s); {plan.method} wants parts "
            f"of equal size, each a multiple of {multiple}."
        )
