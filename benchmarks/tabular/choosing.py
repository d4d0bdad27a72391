"""The default objective: chosen on half of the cells, reported on the other half."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

# Fixed before anybody looked: a Latin square, each method and each data set twice in each half.
CHOSEN_ON = ("simclr-digits", "vicreg-digits", "barlow_twins-fashion_mnist", "byol-fashion_mnist")
REPORTED_ON = (
    "simclr-fashion_mnist",
    "vicreg-fashion_mnist",
    "barlow_twins-digits",
    "byol-digits",
)
SEARCH = "16"
YARDSTICK = "rankme"


def choose_default(cells: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Choose by mean regret over random searches of 16 trials; ties by mean τ.

    A tie is a candidate whose regret exceeds the smallest by no more than the standard error of
    that difference over the choosing cells (nothing with a single cell). A sampler must be told
    absolute values, so consensuses do not stand for election; the bar on `moved` holds for all.

    Args:
        cells: by cell, its candidates as `evaluate` returned them.

    Returns:
        The choice, everybody's figures on both halves, and the ratio to RankMe's regret with the
        bar and as published.
    """
    here = [name for name in CHOSEN_ON if name in cells and _long_enough(cells[name])]
    there = [name for name in REPORTED_ON if name in cells and _long_enough(cells[name])]
    if not here:
        return {"chosen_on": [], "reported_on": there, "chosen": None}
    names = [n for n, c in next(iter(cells.values())).items() if c["family"] != "consensus"]
    regrets = {name: np.array([_regret(cells[c][name]) for c in here]) for name in names}
    smallest = min(names, key=lambda name: (regrets[name].mean(), name))
    ties = [n for n in names if _tied(regrets[n] - regrets[smallest])]
    taus = {name: _mean_tau(cells, here, name) for name in names}
    chosen = max(ties, key=lambda name: (taus[name], name == smallest))
    return {
        "chosen_on": here,
        "reported_on": there,
        "smallest_regret": smallest,
        "tied": sorted(ties, key=lambda name: -taus[name]),
        "chosen": chosen,
        "on_choosing_half": _summary(cells, here, chosen),
        "on_reporting_half": _summary(cells, there, chosen),
        "everybody": {
            name: {
                "choosing": _summary(cells, here, name),
                "reporting": _summary(cells, there, name),
            }
            for name in next(iter(cells.values()))
        },
    }


def _long_enough(candidates: Mapping[str, Any]) -> bool:
    return all(SEARCH in each["bar"]["regret"] for each in candidates.values())


def _tied(differences: np.ndarray[Any, np.dtype[np.float64]]) -> bool:
    n = len(differences)
    error = differences.std(ddof=1) / np.sqrt(n) if n > 1 else 0.0
    return bool(differences.mean() <= error)


def _regret(figures: Mapping[str, Any], search: str = SEARCH, variant: str = "bar") -> float:
    return float(figures[variant]["regret"][search]["mean"])


def _mean_tau(cells: Mapping[str, Mapping[str, Any]], names: list[str], candidate: str) -> float:
    """Mean τ; undefined counts as 0: it orders nothing."""
    taus = [cells[name][candidate]["bar"]["tau"][0] for name in names]
    return float(np.mean(np.nan_to_num(taus))) if taus else float("nan")


def _summary(
    cells: Mapping[str, Mapping[str, Any]], names: list[str], candidate: str
) -> dict[str, Any]:
    if not names:
        return {}

    def mean(of: str, search: str, variant: str) -> float:
        return float(np.mean([_regret(cells[n][of], search, variant) for n in names]))

    regret, full = mean(candidate, SEARCH, "bar"), mean(candidate, "all", "bar")
    return {
        "regret": regret,
        "regret_plain": mean(candidate, SEARCH, "plain"),
        "regret_at_full_search": full,
        "regret_at_full_search_plain": mean(candidate, "all", "plain"),
        "of_rankme": _share(regret, mean(YARDSTICK, SEARCH, "bar")),
        "of_rankme_as_published": _share(regret, mean(YARDSTICK, SEARCH, "plain")),
        "of_rankme_as_published_at_full_search": _share(full, mean(YARDSTICK, "all", "plain")),
        "mean_tau": _mean_tau(cells, names, candidate),
        "least_tau": float(min(cells[name][candidate]["bar"]["tau"][0] for name in names)),
    }


def _share(part: float, whole: float) -> float:
    return part / whole if whole > 0 else float("nan")
