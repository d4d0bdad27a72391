"""The most that checkpoints may take on the disk, pure."""

from __future__ import annotations

import math
from collections.abc import Mapping

from hpo.errors import ConfigError

GIB = 2**30
_AROUND_BYTES = 2**20  # what a file holds beside tensors, at most


def smallest_quota_bytes(checkpoint_bytes: int, n_workers: int) -> int:
    """Return the smallest quota that a study can work under.

    Args:
        checkpoint_bytes: of the tensors of one checkpoint.
        n_workers: trials at once; each has one file at its last rung and one on the way to the
            next; the best so far and the one chosen before stay beside them.

    >>> smallest_quota_bytes(100_000_000, n_workers=2)
    606291456
    """
    return (2 * n_workers + 2) * (checkpoint_bytes + _AROUND_BYTES)


def check_quota(quota_bytes: int | None, *, checkpoint_bytes: int, n_workers: int) -> None:
    """Refuse, before any training, a quota that a study could not work under.

    Args:
        quota_bytes: of all checkpoints together; None for no limit.
        checkpoint_bytes: of the tensors of one checkpoint.
        n_workers: trials at once.

    Raises:
        ConfigError: naming the smallest that would do.
    """
    smallest = smallest_quota_bytes(checkpoint_bytes, n_workers)
    if quota_bytes is not None and quota_bytes < smallest:
        what = f"{n_workers} trial(s) at once and the best one"
        raise ConfigError(_too_small(quota_bytes, smallest, what))


def over_quota(
    sizes: Mapping[int, int], needed: Mapping[int, str], quota_bytes: int | None
) -> dict[int, str]:
    """Return who has to go for the rest to fit, the last of `sizes` first.

    Args:
        sizes: bytes by number, the best first.
        needed: numbers that must stay, with the reason.
        quota_bytes: of all together; None for no limit.

    Returns:
        The reason by number.

    Raises:
        ConfigError: when those that must stay do not fit; names the smallest quota that would do.

    >>> list(over_quota({7: 100, 3: 100, 5: 100}, {5: "running"}, 250))
    [3]
    """
    if quota_bytes is None:
        return {}
    must_stay = {number: size for number, size in sizes.items() if number in needed and size > 0}
    least = sum(must_stay.values())
    if least > quota_bytes:
        named = ", ".join(f"{number} ({needed[number]})" for number in sorted(must_stay))
        raise ConfigError(_too_small(quota_bytes, least, f"the checkpoints of trials {named}"))
    total = sum(sizes.values())
    gone: dict[int, str] = {}
    for number in reversed(tuple(sizes)):
        if total <= quota_bytes:
            break
        if number not in needed and sizes[number] > 0:
            total -= sizes[number]
            gone[number] = f"over the quota of {quota_bytes / GIB:.4g} GiB, the worst go first"
    return gone


def _too_small(quota_bytes: int, smallest_bytes: int, what: str) -> str:
    # Rounded up, so that what is named does fit.
    smallest = math.ceil(1e4 * smallest_bytes / GIB) / 1e4
    return (
        f"checkpoint_gib: got {quota_bytes / GIB:.4g}; wanted at least {smallest:.4f} for {what}. "
        f"Give --checkpoint-gib {smallest:.4f} or more, or leave it out."
    )
