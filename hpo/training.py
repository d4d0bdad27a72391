"""One trial's training: epochs of view pairs, a schedule, and a state that resumes exactly."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, ContextManager, Literal  # noqa: UP035 - one import for annotations

import torch
from torch import Tensor, nn

from hpo.backbones import BackboneSpec, build_backbone
from hpo.embedding import Normalisation
from hpo.errors import ConfigError
from hpo.methods import Learner, build_method
from hpo.views import ViewRecipe, random_views

OptimizerName = Literal["adamw", "lars", "sgd"]


class Diverged(Exception):
    """The loss is no longer a finite number. A verdict on the trial, not an error of the user's."""

    def __init__(self, epoch: int) -> None:
        super().__init__(f"the loss is not finite in epoch {epoch}")
        self.epoch = epoch


@dataclass(frozen=True)
class TrainingPlan:
    """Everything that fixes a training besides the images.

    Args:
        backbone: what to train.
        method: name of the method.
        method_parameters: the method's own hyperparameters.
        optimizer: "adamw", "lars" or "sgd" (both with momentum 0.9).
        lr: peak learning rate per 256 images of a batch, > 0.
        weight_decay: >= 0; biases and norms are not decayed.
        n_epochs: length of the whole schedule; warm-up over the first tenth, then cosine to 0.
        batch_size: images per step; an incomplete last batch is left out.
        recipe: the views.
        seed: of the weights and of every draw. The same for all trials of a study, so that they
            differ by their hyperparameters and by nothing else.
    """

    backbone: BackboneSpec
    method: str
    method_parameters: dict[str, float]
    optimizer: OptimizerName
    lr: float
    weight_decay: float
    n_epochs: int
    batch_size: int
    recipe: ViewRecipe
    seed: int


class Training:
    """A learner on its way through the epochs of a plan.

    Args:
        plan: what to do.
        images: uint8 (n, channels, size, size), the training images, on the CPU.
        normalisation: theirs.
        device: where to train.

    Raises:
        ConfigError: when there are fewer images than one batch.
    """

    def __init__(
        self, plan: TrainingPlan, images: Tensor, normalisation: Normalisation, device: torch.device
    ) -> None:
        self.plan, self.images, self.normalisation, self.device = (
            plan,
            images,
            normalisation,
            device,
        )
        if plan.batch_size > len(images):
            raise ConfigError(
                f"batch_size: got {plan.batch_size}, wanted at most {len(images)}, the number of "
                "training images; an incomplete batch is left out, so no step would be left."
            )
        self.epoch = 0
        self.steps_per_epoch = len(images) // plan.batch_size
        self.n_steps = self.steps_per_epoch * plan.n_epochs
        backbone = initial_backbone(plan.backbone, plan.seed)
        method = build_method(plan.method, plan.backbone.dim, **plan.method_parameters)
        learner = Learner(backbone, method).to(device)
        self.learner = learner.to(memory_format=torch.channels_last)
        self.optimizer, self.scheduler = _optimizer_and_schedule(plan, self.learner, self.n_steps)

    def run_epoch(self, on_step: Callable[[], None] = lambda: None) -> float:
        """Train one epoch.

        Args:
            on_step: called after every step; whatever it raises ends the epoch.

        Returns:
            The mean loss of the epoch.

        Raises:
            Diverged: when the loss is not finite.
        """
        generator = torch.Generator().manual_seed(_epoch_seed(self.plan.seed, self.epoch))
        order = torch.randperm(len(self.images), generator=generator)
        device_generator = torch.Generator(self.device)
        device_generator.manual_seed(_epoch_seed(self.plan.seed, self.epoch) + 1)
        total = torch.zeros((), device=self.device)
        self.learner.train()
        for index in range(self.steps_per_epoch):
            batch = self.images[order[index * self.plan.batch_size :][: self.plan.batch_size]]
            total += self._step(batch.to(self.device), device_generator, index)
            # Reading the loss waits for the device, so it is read now and then only.
            if index % 50 == 49 and not torch.isfinite(total):
                break
            on_step()
        loss = total.item() / self.steps_per_epoch
        if not torch.isfinite(total):
            raise Diverged(self.epoch + 1)
        self.epoch += 1
        return loss

    def _step(self, batch: Tensor, generator: torch.Generator, index: int) -> Tensor:
        views = [
            self.normalisation(random_views(batch, self.plan.recipe, generator)) for _ in range(2)
        ]
        self.learner.update_teacher(self.epoch * self.steps_per_epoch + index, self.n_steps)
        with autocast(self.device):
            loss: Tensor = self.learner(views)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        self.scheduler.step()
        return loss.detach()

    @property
    def checkpoint_bytes(self) -> int:
        """Size of a checkpoint at most: every tensor, and Adam's two moments of each parameter."""
        tensors = self.learner.state_dict().values()
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


def initial_backbone(spec: BackboneSpec, seed: int) -> nn.Module:
    """Build the backbone with the weights that every trial of a study starts from."""
    torch.manual_seed(seed)
    return build_backbone(spec)


def autocast(device: torch.device) -> ContextManager[Any]:
    """Mixed precision where the hardware gains from it: bfloat16 on CUDA, nothing on CPUs."""
    if device.type == "cuda" and torch.cuda.is_bf16_supported():
        return torch.autocast("cuda", dtype=torch.bfloat16)
    return nullcontext()


def _epoch_seed(seed: int, epoch: int) -> int:
    return (seed * 1_000_003 + epoch * 7_919) % (2**62)


def _optimizer_and_schedule(
    plan: TrainingPlan, learner: Learner, n_steps: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LambdaLR]:
    from lightly.models.utils import get_weight_decay_parameters
    from lightly.utils.lars import LARS
    from lightly.utils.scheduler import CosineWarmupScheduler

    trained = [learner.backbone, learner.projector, learner.predictor]
    decayed, undecayed = get_weight_decay_parameters(trained)
    groups = [
        {"params": decayed, "weight_decay": plan.weight_decay},
        {"params": undecayed, "weight_decay": 0.0},
    ]
    lr = plan.lr * plan.batch_size / 256
    optimizer: torch.optim.Optimizer
    if plan.optimizer == "adamw":
        optimizer = torch.optim.AdamW(groups, lr=lr)
    elif plan.optimizer == "lars":
        optimizer = LARS(groups, lr=lr, momentum=0.9)
    else:
        optimizer = torch.optim.SGD(groups, lr=lr, momentum=0.9)
    scheduler = CosineWarmupScheduler(
        optimizer, warmup_epochs=max(1, n_steps // 10), max_epochs=max(2, n_steps), end_value=0.0
    )
    return optimizer, scheduler
