"""One axis at a time, as the papers sweep: does each measure order the points of an axis?

    python -m benchmarks.tabular.sweep_study [--table DIR] [--out FILE]

Everything else stays at the published recipe. Reads the table alone and trains nothing.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.tabular.candidates import Candidate, candidates
from benchmarks.tabular.cells import DATA_SETS, METHODS
from benchmarks.tabular.evaluation import rungs_of, single
from benchmarks.tabular.export import SETTING
from benchmarks.tabular.raw_results import as_text
from benchmarks.tabular.reading import CellTable, read_cell
from benchmarks.tabular.sweep_collect import TABLE
from benchmarks.tabular.sweep_settings import CENTRE, axes
from hpo.trust.ranking import tau_and_rho

RESULTS = Path(__file__).parents[1] / "results" / "sweep_study.json"
OWN = "of the loss"
KINDS = ("lr", "weight_decay", "projector_width", OWN)
_FEWEST = 4
_NOISE_ERRORS = 2.0


def study(folder: Path) -> dict[str, Any]:
    """Return the figures of every axis that was swept.

    Args:
        folder: of the exported sweeps.
    """
    names = [f"{method}-{data}" for data in DATA_SETS for method in METHODS]
    cells = [cell for cell in (read_cell(folder, name) for name in names) if cell is not None]
    every = [each for each in candidates() if each.absolute]
    found = {
        f"{cell.name} {axis}": swept
        for cell in cells
        for axis in axes(cell.method)
        if (swept := one_axis(cell, axis, every)) is not None
    }
    return {
        "axes": found,
        "over_axes": {c.name: {k: over(found, c.name, k) for k in (*KINDS, "all")} for c in every},
    }


def one_axis(cell: CellTable, axis: str, every: Sequence[Candidate]) -> dict[str, Any] | None:
    """Return what each candidate makes of the points of one axis; None where too few ended.

    Args:
        cell: whose settings were swept.
        axis: its hyperparameter.
        every: candidates.

    Returns:
        The spread of accuracy in points, whether it is more than noise, and by candidate τ with
        the accuracy and the regret of its pick, in points. No bar: as published.
    """
    settings = cell.final[SETTING]
    on_axis = (settings == CENTRE) | settings.str.startswith(f"{axis}=")
    alive = on_axis & (cell.final["state"] == "finished")
    accuracy = cell.final["accuracy"][alive].to_numpy(dtype=float)
    if len(accuracy) < _FEWEST:
        return None
    rungs = rungs_of(cell, cell.epochs[-1])
    best, worst = float(accuracy.max()), float(accuracy.min())
    # Two binomial errors of a difference: an axis that moves less orders nothing but noise.
    noise = _NOISE_ERRORS * math.sqrt(2) * cell.standard_error(best)
    return {
        "kind": axis if axis in KINDS else OWN,
        "n": len(accuracy),
        "died": int(on_axis.sum() - alive.sum()),
        "spread_points": 100 * (best - worst),
        "matters": bool(best - worst > noise),
        "random": 100 * (best - float(accuracy.mean())),
        "candidates": {c.name: _judged(c.votes(rungs)[alive], accuracy) for c in every},
    }


def _judged(votes: pd.DataFrame, accuracy: np.ndarray[Any, np.dtype[np.float64]]) -> list[float]:
    scores = single(votes)
    tau = tau_and_rho(scores, accuracy, n_resamples=0)[0].value
    known = np.isfinite(scores)
    if not known.any():
        return [tau, math.nan]
    top = known & (scores >= scores[known].max())
    return [tau, 100 * float(accuracy.max() - accuracy[top].mean())]


def over(found: Mapping[str, Any], name: str, kind: str) -> dict[str, Any]:
    """Return a candidate's mean τ and regret over the axes of a kind that matter."""
    of = [a for a in found.values() if a["matters"] and kind in (a["kind"], "all")]
    taus = [a["candidates"][name][0] for a in of]
    regrets = [a["candidates"][name][1] for a in of]
    # An undefined τ orders nothing, which is worth 0; a pick of nothing is left out of regrets.
    ordered = np.nan_to_num(np.array(taus, dtype=float))
    chosen = [regret for regret in regrets if math.isfinite(regret)]
    return {
        "n": len(of),
        "tau": float(ordered.mean()) if of else None,
        "positive": float((ordered > 0).mean()) if of else None,
        "regret": float(np.mean(chosen)) if chosen else None,
        "random": float(np.mean([a["random"] for a in of])) if of else None,
    }


def page(found: Mapping[str, Any], names: Sequence[str]) -> str:
    """Write mean τ by kind of axis, and over all the share of axes in the right direction."""
    counts = {kind: found["over_axes"][names[0]][kind]["n"] for kind in (*KINDS, "all")}
    head = ["measure", *(f"τ, {kind} (n = {n})" for kind, n in counts.items())]
    head += ["τ > 0", "regret", "random"]
    rows = []
    for name in names:
        by_kind = found["over_axes"][name]
        every = by_kind["all"]
        taus = [_signed(by_kind[kind]["tau"]) for kind in (*KINDS, "all")]
        share = "–" if every["positive"] is None else f"{100 * every['positive']:.0f} %"
        rows.append([name, *taus, share, _points(every["regret"]), _points(every["random"])])
    lines = [head, ["---"] * len(head), *rows]
    matter = sum(a["matters"] for a in found["axes"].values())
    studies = ", ".join(dict.fromkeys(name.split()[0] for name in found["axes"]))
    text = (
        f"{matter} of {len(found['axes'])} axes move accuracy by more than noise; means of those "
        f"(n of each). Swept: {studies}."
    )
    return "\n".join([text, "", *(f"| {' | '.join(line)} |" for line in lines)])


def _signed(value: float | None) -> str:
    return "–" if value is None or math.isnan(value) else f"{value:+.2f}".replace("-", "−")


def _points(value: float | None) -> str:
    return "–" if value is None or math.isnan(value) else f"{value:.1f}"


SHOWN = (
    *("rankme", "rankme_backbone", "alpha_req", "alpha_high", "lidar", "ssl_loss"),
    *("view_retrieval", "guarded_alpha", "guarded_rank", "guarded_lidar", "moved"),
)


def main() -> None:
    """Read the sweeps, write the raw figures, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--table", type=Path, default=TABLE)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    found = study(options.table)
    if not found["axes"]:
        parser.error(f"table: no axis with {_FEWEST} points that ended in {options.table}.")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(as_text(found))
    print(page(found, SHOWN))


if __name__ == "__main__":
    main()
