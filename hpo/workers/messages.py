"""What a worker and the parent process say to each other, through one pipe."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Run:
    """To a worker: run this trial, all of whose hyperparameters are drawn.

    Args:
        trial_id: the storage's id of it.
    """

    trial_id: int


@dataclass(frozen=True)
class Stop:
    """To a worker: end at the next step, without a verdict on the trial.

    Args:
        reason: name of the signal that asked for it.
    """

    reason: str


@dataclass(frozen=True)
class End:
    """To a worker: there is no trial left."""


@dataclass(frozen=True)
class Epoch:
    """To the parent: a trial finished an epoch."""

    number: int
    epoch: int


@dataclass(frozen=True)
class Changed:
    """To the parent: the study's trials are no longer what they were."""


@dataclass(frozen=True)
class Note:
    """To the parent: one line worth keeping."""

    text: str


@dataclass(frozen=True)
class Done:
    """To the parent: a trial ended and the study knows.

    Args:
        error: what it failed with; empty when it did not.
    """

    error: str


@dataclass(frozen=True)
class Broken:
    """To the parent: this worker cannot go on, and no other could.

    Args:
        error: why, to be raised by the parent as it would be without workers.
        cause: what lies behind it, if anything.
    """

    error: BaseException
    cause: BaseException | None = None


Order = Run | Stop | End
Event = Epoch | Changed | Note | Done | Broken
