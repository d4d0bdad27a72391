"""The form of every decision: pure, the same under any engine, and never without its reason."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Decision:
    """Whether to stop, and why.

    Args:
        stop: True to stop.
        reason: one sentence with the figures; empty when going on needs no explanation.
        kind: what stopped it: "collapse", "halving" or "budget"; empty when going on.
    """

    stop: bool
    reason: str = ""
    kind: str = ""


GO_ON = Decision(stop=False)
