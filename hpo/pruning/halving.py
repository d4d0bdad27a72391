"""Successive halving at equal epochs: only the best 1/factor at a rung go on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from hpo.decision import GO_ON, Decision
from hpo.errors import ConfigError
from hpo.history import History, Reading
from hpo.pruning.interval import check_interval, is_due

Direction = Literal["maximize", "minimize"]


def halving_decision(
    value: float,
    peers: Sequence[float],
    *,
    direction: Direction,
    epoch: int,
    factor: int = 3,
    min_peers: int = 3,
) -> Decision:
    """Stop a trial that is not in the top 1/factor at its rung (asynchronous successive halving).

    Args:
        value: the trial's objective at this epoch; one that is not finite is behind all that are.
        peers: the objective of the other living trials at the same epoch, never at another one,
            and never their best so far. Values that are not finite count for nothing.
        direction: what is better.
        epoch: the epoch of the rung, for the reason.
        factor: one trial in `factor` goes on.
        min_peers: with fewer finite peers nobody is stopped: there is nothing to compare with.

    Returns:
        A stop with the trial's place, or going on. Ties go on.

    Source:
        Li et al. 2020 (arXiv 1810.05934), asynchronous successive halving.

    >>> halving_decision(1.0, [5.0, 4.0, 3.0], direction="maximize", epoch=6).stop
    True
    """
    finite = [peer for peer in peers if math.isfinite(peer)]
    if len(finite) < min_peers:
        return GO_ON
    sign = 1.0 if direction == "maximize" else -1.0
    own = sign * value if math.isfinite(value) else -math.inf
    better = sum(sign * peer > own for peer in finite)
    n_trials = len(finite) + 1
    n_kept = max(1, math.ceil(n_trials / factor))
    if better < n_kept:
        return GO_ON
    return Decision(
        True,
        f"place {better + 1} of {n_trials} at epoch {epoch}; the best {n_kept} go on",
        "halving",
        {
            "value": value if math.isfinite(value) else str(value),
            "place": better + 1,
            "n": n_trials,
        },
    )


@dataclass(frozen=True)
class HalvingRule:
    """Stops a trial that is not in the top 1/factor of the living at its rung.

    Args:
        direction: what is better.
        factor: one trial in `factor` goes on, >= 2.
        min_peers: with fewer others at the rung nobody is stopped there, >= 0.
        last_epoch: from this epoch on a trial is finished; None for never.
        measure: what is compared, by its name in the readings; None for the reported value.
        n_warmup_steps: nobody is stopped before this epoch, >= 0.
        interval_steps: epochs from check to check, >= 1: see `is_due`.

    Raises:
        ConfigError: for an argument out of its range.

    Source:
        Li et al. 2020 (arXiv 1810.05934), asynchronous successive halving.
    """

    direction: Direction
    factor: int = 3
    min_peers: int = 3
    last_epoch: int | None = None
    measure: str | None = None
    n_warmup_steps: int = 0
    interval_steps: int = 1

    def __post_init__(self) -> None:
        if self.direction not in ("maximize", "minimize"):
            raise ConfigError(f"direction: got {self.direction!r}; wanted maximize or minimize.")
        if self.factor < 2:
            raise ConfigError(f"factor: got {self.factor}; wanted at least 2.")
        if self.min_peers < 0:
            raise ConfigError(f"min_peers: got {self.min_peers}; wanted at least 0.")
        check_interval(n_warmup_steps=self.n_warmup_steps, interval_steps=self.interval_steps)

    def decide(self, reading: Reading, history: History) -> Decision:
        """Judge a trial by its newest reading; see `halving_decision`."""
        epochs = [other.epoch for other in history.of(reading.trial)]
        if self.last_epoch is not None and reading.epoch >= self.last_epoch:
            return GO_ON
        if not is_due(
            reading.epoch,
            epochs,
            n_warmup_steps=self.n_warmup_steps,
            interval_steps=self.interval_steps,
        ):
            return GO_ON
        return halving_decision(
            reading.value(self.measure),
            [peer.value(self.measure) for peer in history.peers(reading)],
            direction=self.direction,
            epoch=reading.epoch,
            factor=self.factor,
            min_peers=self.min_peers,
        )
