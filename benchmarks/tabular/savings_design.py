"""Which setting lands best on a fifth of the epochs: chosen on half of the cells, reported on all.

    python -m benchmarks.tabular.savings_design [--table DIR] [--shuffles N] [--out FILE]

Every setting is put together from the product's own rules, under a budget of its own. The figures
on the half that a setting was chosen on are too good; those on the other half say what it is worth.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any

import optuna

from benchmarks.tabular.savings_arrivals import Measured, Order, orders_of
from benchmarks.tabular.savings_figures import COMPUTE_TARGET, Result, best_of, figures, result_of
from benchmarks.tabular.savings_ours import Ours, Prepared
from benchmarks.tabular.savings_table import TableCell, read_cells
from hpo.history import Rule
from hpo.pruning import FirstStop, HalvingRule
from hpo.rules import OnlyAt

CHOSEN_ON = ("barlow_twins-fashion_mnist", "byol-fashion_mnist", "simclr-digits", "vicreg-digits")
RESULTS = Path(__file__).parents[1] / "results" / "savings_design.json"
PROBED = (0, 3, 6)
_OBJECTIVES = ("guarded_alpha", "guarded_rank", "view_retrieval")
_FACTORS = ((2, 2, 2), (3, 3, 3), (4, 3, 3), (4, 4, 3), (4, 4, 4), (6, 3, 2), (6, 4, 3), (9, 3, 1))


@dataclass(frozen=True)
class Design:
    """A setting of the search; how many are probed at its end is chosen apart.

    Args:
        objective: that halves.
        factors: one in so many goes on, at each rung but the last; 1 for everybody.
        min_peers: with fewer others at a rung nobody is stopped there.
        zone: of α, that filters and lists; None for none.
    """

    objective: str
    factors: tuple[int, ...]
    min_peers: int = 3
    zone: str | None = None

    def name(self) -> str:
        """Say what it is in few words."""
        factors = ", ".join(f"1/{factor}" for factor in self.factors)
        zone = "" if self.zone is None else f", zone {self.zone}"
        peers = f"{self.min_peers} peer{'s' if self.min_peers > 1 else ''}"
        return f"{self.objective}, {factors}, {peers}{zone}"

    def prepared(self, cell: TableCell) -> Prepared:
        """Make its rules, from the product's; the choice is the best objective of all."""
        options = {"objective": self.objective, "zone": self.zone}
        ready = Ours(options, budget_share=COMPUTE_TARGET).prepared(cell.rungs, cell.n_fit)
        return replace(ready, rule=self._rule(ready, cell.rungs))

    def _rule(self, ready: Prepared, rungs: tuple[int, ...]) -> Rule:
        whole = ready.rule.rules if isinstance(ready.rule, FirstStop) else (ready.rule,)
        direction = ready.how.direction
        halving = (
            OnlyAt(HalvingRule(direction, factor=factor, min_peers=self.min_peers), epoch)
            for factor, epoch in zip(self.factors, rungs, strict=False)
            if factor > 1
        )
        return FirstStop((*(r for r in whole if not isinstance(r, HalvingRule)), *halving))


def designs() -> Iterator[Design]:
    """Give every setting that is tried."""
    for objective, factors, peers in itertools.product(_OBJECTIVES, _FACTORS, (1, 2, 3)):
        yield Design(objective, factors, peers)
    for factors in _FACTORS:
        yield Design(_OBJECTIVES[0], factors, 1, "0.8..1.2")


def tried(design: Design, cell: TableCell, orders: list[Order]) -> dict[int, dict[str, Any]]:
    """Return the figures of a setting on a cell, by how many are probed at the end."""
    best = {figure: best_of(cell, figure) for figure in ("pooled", "reported")}
    ready = design.prepared(cell)
    results: dict[int, list[Result]] = {k: [] for k in PROBED}
    for order in orders:
        walked = ready.walked(order.arrival(design.objective), order.known)
        for k in PROBED:
            results[k].append(result_of(cell, order.numbers, walked.spent(k), best))
    return {k: figures(found, best) for k, found in results.items()}


def worth(by_cell: Mapping[str, Mapping[str, Any]], *, labels: bool) -> tuple[float, float]:
    """Order settings: how often within a point, then the smaller regret.

    Args:
        by_cell: figures by cell.
        labels: whether labels chose; then accuracies that no choice has seen decide.
    """
    of = "reported" if labels else "pooled"
    regrets = [f[of]["regret_mean"] for f in by_cell.values()]
    return (
        fmean(f[of]["within_point"] for f in by_cell.values()),
        -fmean(math.inf if regret is None else regret for regret in regrets),
    )


def study_of(cells: list[TableCell], *, shuffles: int, seed: int) -> dict[str, Any]:
    """Try all settings on the one half; report on both the best, and our own with 1 to 3 peers."""
    orders = {cell.name: list(orders_of(Measured(cell), shuffles, seed)) for cell in cells}
    first = [cell for cell in cells if cell.name in CHOSEN_ON]
    other = [cell for cell in cells if cell.name not in CHOSEN_ON]
    found = {d: {c.name: tried(d, c, orders[c.name]) for c in first} for d in designs()}
    result: dict[str, Any] = {
        "shuffles": shuffles,
        "seed": seed,
        "n_settings": len(found),
        "budget_share": COMPUTE_TARGET,
        "chosen_on": [cell.name for cell in first],
        "reported_on": [cell.name for cell in other],
        "best": {},
    }
    for k in PROBED:
        ranked = sorted(
            found,
            key=lambda d, k=k: worth({c: f[k] for c, f in found[d].items()}, labels=k > 0),  # type: ignore[misc]
            reverse=True,
        )
        own = (Design(_OBJECTIVES[0], (3, 3, 3), peers) for peers in (1, 2, 3))
        shown = dict.fromkeys([*ranked[:5], *own])
        result["best"][str(k)] = [
            {
                "design": asdict(design),
                "name": design.name(),
                "place": 1 + ranked.index(design),
                "chosen_on": {c: f[k] for c, f in found[design].items()},
                "reported_on": {c.name: tried(design, c, orders[c.name])[k] for c in other},
            }
            for design in shown
        ]
    return result


def page(result: Mapping[str, Any]) -> str:
    """Write a table for each number of probes: the best settings, on both halves."""
    parts = []
    for k, records in result["best"].items():
        parts.append(
            f"Best by {k} probes at the end:"
            if k != "0"
            else "Without labels, best by the objective:"
        )
        parts.append("\n".join(_rows(records)))
    return "\n\n".join(parts)


def _rows(records: list[dict[str, Any]]) -> Iterator[str]:
    yield "| place | setting | half | compute | within 1 point | unseen labels | regret |"
    yield "|---|---|---|---|---|---|---|"
    for record in sorted(records, key=lambda each: int(each["place"])):
        for half in ("chosen_on", "reported_on"):
            if not (cells := record[half]):
                continue
            shares = " | ".join(
                f"{100 * _mean(cells, *path):.0f} %"
                for path in (
                    ("compute",),
                    ("pooled", "within_point"),
                    ("reported", "within_point"),
                )
            )
            regret = 100 * _mean(cells, "pooled", "regret_mean")
            words = half.replace("_", " ")
            yield f"| {record['place']} | {record['name']} | {words} | {shares} | {regret:.2f} |"


def _mean(by_cell: Mapping[str, Any], *path: str) -> float:
    values = []
    for found in by_cell.values():
        value: Any = found
        for name in path:
            value = value[name]
        values.append(math.nan if value is None else float(value))
    return fmean(values)


def main() -> None:
    """Try the settings, write the raw result, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--table", type=Path, default=Path(__file__).parent / "data")
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--shuffles", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    cells = read_cells(options.table)
    if not any(cell.name in CHOSEN_ON for cell in cells):
        parser.error(f"table: none of {', '.join(CHOSEN_ON)} in {options.table}.")
    result = study_of(cells, shuffles=options.shuffles, seed=options.seed)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(result, indent=1, allow_nan=False) + "\n")
    print(page(result))


if __name__ == "__main__":
    main()
