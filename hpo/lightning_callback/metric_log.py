"""Values on their way to loggers, and to callbacks that monitor them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from hpo.errors import ConfigError


@dataclass(frozen=True)
class MetricLog:
    """Logs values as `name/MEASURE`.

    At the end of an epoch through the module, as any metric. In the middle of one a module would
    drop what does not fall on the trainer's `log_every_n_steps`, and before and after the training
    it refuses to log: there the loggers get the values themselves.

    Args:
        name: goes before the names.

    Raises:
        ConfigError: for an empty one.
    """

    name: str

    def __post_init__(self) -> None:
        if not self.name:
            raise ConfigError("name: got none; wanted what goes before the names of the measures.")

    def at_epoch_end(self, trainer: Any, module: Any, values: Mapping[str, float]) -> None:
        """Log in `on_train_epoch_end`."""
        if not trainer.barebones:
            named = self._named(values)
            # They are equal in all processes; Lightning warns of what is not synced.
            module.log_dict(
                named, on_step=False, on_epoch=True, sync_dist=trainer.world_size > 1, batch_size=1
            )

    def at_step(self, trainer: Any, module: Any, values: Mapping[str, float]) -> None:
        """Log in `on_train_batch_end`."""
        if not trainer.barebones:
            named = self._named(values)
            module.log_dict(named, on_step=True, on_epoch=False, logger=False, batch_size=1)
            self._to_loggers(trainer, named)

    def outside(self, trainer: Any, values: Mapping[str, float]) -> None:
        """Log before the first step or after the last."""
        named = self._named(values)
        self._to_loggers(trainer, named)
        for name, value in named.items():
            trainer.callback_metrics[name] = torch.tensor(value)

    def _named(self, values: Mapping[str, float]) -> dict[str, float]:
        return {f"{self.name}/{measure}": value for measure, value in values.items()}

    def _to_loggers(self, trainer: Any, named: Mapping[str, float]) -> None:
        # Steps count from 0, as Lightning's own do.
        step = max(0, trainer.global_step - 1)
        for logger in trainer.loggers:
            logger.log_metrics(dict(named), step)
