"""What a trainer's strategy means for measuring: whole networks, and whose memory is whose."""

from __future__ import annotations

from typing import Any

from hpo.errors import ConfigError

_SHARDED = ("FSDP", "DeepSpeed", "ModelParallel")


def check_strategy(trainer: Any) -> None:
    """Refuse strategies whose processes hold parts of a network.

    Raises:
        ConfigError: for one.
    """
    name = type(trainer.strategy).__name__
    if any(sharded in name for sharded in _SHARDED):
        raise ConfigError(
            f"strategy: got {name}, whose processes hold parts of the network each; wanted one "
            "device, or DDP, where each can run the whole backbone."
        )


def copies_memory(trainer: Any) -> bool:
    """Whether the trainer's processes are made for a `fit` and end with it (ddp_spawn, ddp_fork).

    What they hold and raise does not come back: only the study's storage does.
    """
    return "MultiProcessing" in type(trainer.strategy.launcher).__name__
