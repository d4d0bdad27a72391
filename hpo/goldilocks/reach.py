"""Whom the labels do not tell from the best: the one-standard-error rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hpo.accuracy_error import standard_error
from hpo.errors import ConfigError


@dataclass(frozen=True)
class Reach:
    """Who is within reach of the best probe.

    Args:
        numbers: theirs; the best are always among them.
        best: the highest accuracy, in [0, 1].
        error: its standard error; 0 where the number of images is unknown.
    """

    numbers: frozenset[int]
    best: float
    error: float


def reach_of(accuracies: Mapping[int, float], n_labelled: int | None) -> Reach:
    """Find who is no more than one standard error of the best below it.

        { i : a_i ≥ a_best − e(a_best, n) }

    The best of many probes is partly the luckiest. Among those that the labels cannot tell apart
    something else may choose: with a few labels that is nearly everybody, with many hardly anybody.

    Args:
        accuracies: in [0, 1] by trial number, finite; at least one.
        n_labelled: images behind each; None where that is unknown: only the best are in reach.

    Raises:
        ConfigError: for fewer than one image.

    Source:
        The rule: Breiman, Friedman, Olshen and Stone, Classification and Regression Trees (1984),
        section 3.4.3. The error: `hpo.accuracy_error.standard_error`.

    >>> sorted(reach_of({0: 0.90, 1: 0.89, 2: 0.80}, 900).numbers)
    [0, 1]
    """
    if n_labelled is not None and n_labelled < 1:
        raise ConfigError(f"n_labelled: got {n_labelled}; wanted at least 1 labelled image.")
    best = max(accuracies.values())
    error = 0.0 if n_labelled is None else float(standard_error(np.array(best), n_labelled))
    within = frozenset(number for number, own in accuracies.items() if own >= best - error)
    return Reach(within, best, error)
