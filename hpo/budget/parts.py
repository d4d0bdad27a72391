"""How a limit is split before a study starts: the search's part, and what is set aside."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """The parts of one limit; they sum to the whole.

    Args:
        search: for the search, > 0.
        probes: set aside for probes, >= 0.
        replicates: set aside for replicates of the finalists, >= 0.
    """

    search: float
    probes: float
    replicates: float


def part_of(
    limit: float, *, probe_share: float, replicate_share: float, whole: float | None
) -> Part:
    """Split a limit.

    A reserve that cannot be used is not set aside: replicates get nothing before a whole trial
    fits into their share, that is below T₀ = whole / replicate_share. From there on their part
    grows as fast as the search's would, until it has its share:

        replicates = min(replicate_share · T, (1 - probe_share) · max(0, T - T₀))

    It must not jump to its share at once: a little more budget would then leave the search less.

    Args:
        limit: T, in any unit, > 0.
        probe_share: of the limit, in [0, 1); 0 for units that probes do not use.
        replicate_share: of the limit, in [0, 1); both together below 1.
        whole: what a whole trial costs in this unit; None, or 0, while that is unknown.

    Returns:
        The parts. None of them shrinks when the limit grows.

    >>> part_of(1000.0, probe_share=0.1, replicate_share=0.1, whole=54.0)
    Part(search=800.0, probes=100.0, replicates=100.0)
    >>> part_of(500.0, probe_share=0.0, replicate_share=0.1, whole=54.0)
    Part(search=500.0, probes=0.0, replicates=0.0)
    """
    probes = probe_share * limit
    replicates = 0.0
    if whole and replicate_share:
        beyond = max(0.0, limit - whole / replicate_share)
        replicates = min(replicate_share * limit, (1 - probe_share) * beyond)
    return Part(limit - probes - replicates, probes, replicates)
