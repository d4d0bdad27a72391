"""When a trial is looked at: after a warm-up, and then at intervals, as Optuna's pruners do."""

from __future__ import annotations

from collections.abc import Iterable

from hpo.errors import ConfigError


def check_interval(*, n_warmup_steps: int, interval_steps: int) -> None:
    """Refuse a warm-up or an interval that means nothing.

    Raises:
        ConfigError: for a negative warm-up or an interval below 1.
    """
    if n_warmup_steps < 0:
        raise ConfigError(f"n_warmup_steps: got {n_warmup_steps}; wanted at least 0.")
    if interval_steps < 1:
        raise ConfigError(f"interval_steps: got {interval_steps}; wanted at least 1.")


def is_due(
    epoch: int, earlier: Iterable[int], *, n_warmup_steps: int = 0, interval_steps: int = 1
) -> bool:
    """Tell whether a trial is to be judged at an epoch.

    A check is due at n_warmup_steps, n_warmup_steps + interval_steps, …; where the trial reports
    nothing at that epoch, it is put off to its next report.

    Args:
        epoch: of the report.
        earlier: epochs of the trial's other reports; those at or after `epoch` count for nothing.
        n_warmup_steps: no check before this epoch, >= 0.
        interval_steps: epochs from check to check, >= 1.

    Source:
        `optuna.pruners.ThresholdPruner`, whose arguments these are.

    >>> [epoch for epoch in (1, 2, 3, 5, 6) if is_due(epoch, range(epoch), interval_steps=2)]
    [2, 6]
    >>> is_due(5, [3], interval_steps=2)
    True
    """
    if epoch < n_warmup_steps:
        return False
    due = epoch - (epoch - n_warmup_steps) % interval_steps
    return all(before < due for before in earlier if before < epoch)
