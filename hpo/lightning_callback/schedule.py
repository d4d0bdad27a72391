"""When to measure."""

from __future__ import annotations

from dataclasses import dataclass

from hpo.errors import ConfigError


@dataclass(frozen=True)
class Schedule:
    """Every n epochs, or every n steps of the optimiser; always at the end of a training.

    Args:
        every_n_epochs: >= 1; None where steps are given. With neither it is 1.
        every_n_steps: >= 1; None where epochs are given.

    Raises:
        ConfigError: for both, or a number below 1.

    >>> Schedule(every_n_epochs=2).is_due_after_epoch(4), Schedule(None, 5).is_due_at_step(4)
    (True, False)
    """

    every_n_epochs: int | None = None
    every_n_steps: int | None = None

    def __post_init__(self) -> None:
        if self.every_n_epochs is not None and self.every_n_steps is not None:
            raise ConfigError(
                f"every_n_steps: got {self.every_n_steps} beside every_n_epochs="
                f"{self.every_n_epochs}; wanted one of them: a trial's reports are in one unit."
            )
        for name in ("every_n_epochs", "every_n_steps"):
            number = getattr(self, name)
            if number is not None and number < 1:
                raise ConfigError(f"{name}: got {number}; wanted at least 1.")
        if self.every_n_epochs is None and self.every_n_steps is None:
            object.__setattr__(self, "every_n_epochs", 1)

    @property
    def unit(self) -> str:
        """What rungs are counted in: "epoch" or "step"."""
        return "epoch" if self.every_n_steps is None else "step"

    def is_due_after_epoch(self, epochs: int, *, is_last: bool = False) -> bool:
        """Whether to measure once so many epochs are finished; after the last in any case."""
        return self.every_n_epochs is not None and (is_last or epochs % self.every_n_epochs == 0)

    def is_due_at_step(self, step: int) -> bool:
        """Whether to measure after so many steps."""
        return self.every_n_steps is not None and step % self.every_n_steps == 0

    def rung(self, epochs: int, step: int) -> int:
        """Return the place of a measure in the schedule's unit."""
        return epochs if self.every_n_steps is None else step
