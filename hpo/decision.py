"""The form of every decision: pure, the same under any engine, and never without its reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Decision:
    """Whether to stop, and why.

    Args:
        stop: True to stop.
        reason: one sentence with the figures; empty when going on needs no explanation.
        kind: what stopped it: "collapse", "zone", "halving", "budget", or "pruner" for one of
            Optuna's own; empty when going on.
        evidence: the figures behind it, by name; plain numbers and words, as JSON can hold them.
    """

    stop: bool
    reason: str = ""
    kind: str = ""
    evidence: Mapping[str, float | int | str] = field(default_factory=dict)


GO_ON = Decision(stop=False)
