"""What the leading process tells the others through their pipes, and what they answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hpo.embedding import Normalisation
from hpo.training import TrainingPlan


@dataclass(frozen=True)
class Begin:
    """Forget the training before, and build your share of this one.

    Args:
        plan: of the training.
        shape: of the leader's images, (n_images, channels, size, size).
        normalisation: the leader's.
    """

    plan: TrainingPlan
    shape: tuple[int, ...]
    normalisation: Normalisation


@dataclass(frozen=True)
class Load:
    """Go on from a state.

    Args:
        state: what `torch.save` makes of `Training.state_dict()`.
    """

    state: bytes


@dataclass(frozen=True)
class Epoch:
    """Train the next epoch."""


@dataclass(frozen=True)
class End:
    """Leave the group and end."""


Command = Begin | Load | Epoch | End
Answer = Literal["ready", "done", "stopped", "diverged", "failed"]


@dataclass(frozen=True)
class Report:
    """How a command went.

    Args:
        answer: "ready" to begin, load and the start of the process; "done", "stopped" or
            "diverged" to an epoch; "failed" as the last words of a process.
        detail: of a failure: its traceback.
    """

    answer: Answer
    detail: str = ""
