"""Which part of a file of weights is the backbone: the prefix under which most names fit."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from hpo.errors import ConfigError

_CLASSIFIERS = ("fc.", "heads.", "head.", "classifier.")
# Of two networks of one shape in a file the one that is said to be used: the online one of BYOL
# and MoCo, but DINO's teacher.
_COPIES = {"ema", "k", "key", "momentum", "student", "target"}


@dataclass(frozen=True)
class Fit:
    """The entries of a file that are taken for a network's.

    Args:
        prefix: what their names began with; empty for none.
        numbered: whether the file names the network's children by their positions, as
            `nn.Sequential(*net.children())` does.
        as_good: other prefixes under which as much fits, in the file's order.
        entries: tensors by the network's own names; what does not fit is among them too.
        left_out: names under the prefix that belong to a classifier.
    """

    prefix: str
    numbered: bool
    as_good: tuple[str, ...]
    entries: Mapping[str, Tensor]
    left_out: tuple[str, ...]


def best_fit(
    given: Mapping[str, Tensor],
    wanted: Mapping[str, Tensor],
    children: Sequence[str],
    *,
    prefix: str | None = None,
) -> Fit:
    """Find a network in a file of weights.

    The prefix is the one under which the most names fit, then the most shapes; of equals none that
    is a copy (momentum encoder, EMA, student of a teacher), then the first.

    Args:
        given: the file's tensors by name.
        wanted: the network's, by its own names.
        children: names of the network's children, in order.
        prefix: what is to be taken, in full or its end; None finds it.

    Returns:
        The fit; where nothing fits, all of the file under no prefix.

    Raises:
        ConfigError: when nothing fits under `prefix`.

    >>> import torch
    >>> one = torch.zeros(1)
    >>> fit = best_fit({"net.0.w": one, "head.w": one}, {"conv.w": one}, ["conv"])
    >>> fit.prefix, fit.numbered, list(fit.entries)
    ('net.', True, ['conv.w'])
    """
    by_number = {str(position): child for position, child in enumerate(children)}
    all_plain = _prefixes(given, {name: name for name in wanted}, wanted)
    all_numbered = _prefixes(given, _numbered(wanted, by_number), wanted)
    plain, numbered = _under(all_plain, prefix), _under(all_numbered, prefix)
    if prefix is not None and not plain and not numbered:
        raise ConfigError(
            f"prefix: got {prefix!r}, under which nothing fits; wanted one of "
            f"{_named({**all_numbered, **all_plain})}."
        )
    counts, is_numbered = (plain, False) if _best(plain) >= _best(numbered) else (numbered, True)
    best = [name for name, fits in counts.items() if fits == _best(counts)] or [""]
    chosen = min(best, key=_is_copy)
    entries = {n[len(chosen) :]: value for n, value in given.items() if n.startswith(chosen)}
    if is_numbered:
        entries = {_unnumbered(name, by_number): value for name, value in entries.items()}
    heads = [n for n in entries if n.startswith(_CLASSIFIERS) and n not in wanted]
    return Fit(
        chosen,
        is_numbered,
        tuple(name for name in best if name != chosen),
        {name: value for name, value in entries.items() if name not in heads},
        tuple(heads),
    )


def _prefixes(
    given: Mapping[str, Tensor], names: Mapping[str, str], wanted: Mapping[str, Tensor]
) -> dict[str, tuple[int, int]]:
    """By prefix how many names fit under it, and how many shapes; in the file's order."""
    fitting: Counter[str] = Counter()
    shaped: Counter[str] = Counter()
    for name, value in given.items():
        for start in _starts(name):
            own = names.get(name[start:])
            if own is not None:
                fitting[name[:start]] += 1
                shaped[name[:start]] += value.shape == wanted[own].shape
    return {prefix: (n, shaped[prefix]) for prefix, n in fitting.items()}


def _starts(name: str) -> Iterable[int]:
    return (0, *(found.end() for found in re.finditer(r"\.", name)))


def _numbered(wanted: Mapping[str, Tensor], by_number: Mapping[str, str]) -> dict[str, str]:
    positions = {child: number for number, child in by_number.items()}
    found = {}
    for name in wanted:
        child, dot, rest = name.partition(".")
        if dot:
            found[f"{positions[child]}.{rest}"] = name
    return found


def _unnumbered(name: str, by_number: Mapping[str, str]) -> str:
    number, dot, rest = name.partition(".")
    return f"{by_number.get(number, number)}{dot}{rest}"


def _best(counts: Mapping[str, tuple[int, int]]) -> tuple[int, int]:
    return max(counts.values(), default=(0, 0))


def _is_copy(prefix: str) -> bool:
    return bool(_COPIES & set(re.split(r"[._]", prefix)))


def _under(
    counts: Mapping[str, tuple[int, int]], wanted: str | None
) -> Mapping[str, tuple[int, int]]:
    """Those that are the prefix asked for, or end in it; all when none is."""
    if wanted is None:
        return counts
    asked = wanted.rstrip(".")
    return {
        prefix: fits
        for prefix, fits in counts.items()
        if f".{prefix.rstrip('.')}".endswith(f".{asked}")
    }


def _named(counts: Mapping[str, tuple[int, int]]) -> str:
    best = sorted(counts, key=lambda prefix: counts[prefix], reverse=True)[:4]
    return ", ".join(repr(prefix) for prefix in best) or "another file, for nothing in it fits"
