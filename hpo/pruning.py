"""Pruning decisions, pure: rungs, collapse and successive halving at equal epochs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from hpo.decision import GO_ON, Decision
from hpo.errors import ConfigError
from objectives import CollapseReport

Direction = Literal["maximize", "minimize"]


def rung_epochs(n_epochs: int, *, factor: int = 3, n_rungs: int = 3) -> list[int]:
    """Return the epochs at which a trial is measured and may be stopped; the last is the end.

    Args:
        n_epochs: length of a whole training, >= 1.
        factor: each rung trains this many times longer than the one before, >= 2.
        n_rungs: at most this many rungs, >= 1; fewer where epochs coincide.

    Raises:
        ConfigError: for a number below its least value.

    >>> rung_epochs(54)
    [6, 18, 54]
    >>> rung_epochs(2)
    [1, 2]
    """
    for name, value, least in (
        ("epochs", n_epochs, 1),
        ("rung_factor", factor, 2),
        ("n_rungs", n_rungs, 1),
    ):
        if value < least:
            raise ConfigError(f"{name}: got {value}; wanted at least {least}.")
    # -(-a // b) rounds up in whole numbers: a / b is 0.0 once b is large enough.
    return sorted({-(-n_epochs // factor**level) for level in range(n_rungs)})


def collapse_decision(backbone: CollapseReport, projector: CollapseReport) -> Decision:
    """Stop a trial whose representation is dead.

    Args:
        backbone: report on the features h.
        projector: report on the embeddings z.

    Returns:
        A stop with the layer, the kind and the evidence, or going on.
    """
    for layer, report in (("backbone", backbone), ("projector", projector)):
        if report.collapsed:
            return Decision(True, f"{layer} collapsed, {report.kind}: {report.reason}", "collapse")
    return GO_ON


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
    )
