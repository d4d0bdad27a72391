"""Which setting would meet the target best: chosen on half of the cells, reported on the others.

    python -m benchmarks.tabular.savings_design [--table DIR] [--shuffles N] [--out FILE]

Every setting is put together from the product's own rules. A setting's figures on the half that
it was chosen on are too good; only those on the other half say what it is worth.
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
from typing import Any, Literal

import optuna

from benchmarks.tabular.savings_arrivals import Measured, Order, orders_of
from benchmarks.tabular.savings_figures import (
    COMPUTE_TARGET,
    PROBES_TARGET,
    Result,
    best_of,
    figures,
    result_of,
)
from benchmarks.tabular.savings_ours import Ours, Prepared, WalkedOurs
from benchmarks.tabular.savings_pausing import Pausing
from benchmarks.tabular.savings_table import TableCell, read_cells
from benchmarks.tabular.savings_walk import Arrival, ByRule, Walk
from hpo.history import Rule
from hpo.pruning import FirstStop, HalvingRule
from hpo.rules import OnlyAt, replicate_rules

CHOSEN_ON = ("barlow_twins-fashion_mnist", "byol-fashion_mnist", "simclr-digits", "vicreg-digits")
RESULTS = Path(__file__).parents[1] / "results" / "savings_design.json"
PROBED = (0, 1, 2, 3, 4, 5, 6)
_OBJECTIVES = ("guarded_rank", "guarded_lidar", "view_retrieval")
_QUESTIONS = (
    ("without labels, as the product stops", False, False),
    ("without labels, any", False, True),
    ("with labels at the end, as the product stops", True, False),
    ("with labels at the end, any", True, True),
)
_FACTORS = tuple(itertools.product((3, 4, 6, 9, 12), (2, 3, 4, 6)))


@dataclass(frozen=True)
class Design:
    """A setting of the search; how many are probed at its end is chosen apart.

    Args:
        objective: that halves.
        factors: one in so many goes on at the first rung, and at the second.
        mode: "stop" as the product does; "pause", whoever waits may still go on; "all first",
            every trial reaches the first rung before anybody goes on.
        filtered: whether the zone stops too, as by default; only with "stop".
        gate: which collapses stop a trial: of any layer, of the backbone alone, or none.
    """

    objective: str
    factors: tuple[int, int]
    mode: Literal["stop", "pause", "all first"] = "stop"
    filtered: bool = False
    gate: Literal["any", "backbone", "none"] = "any"

    def name(self) -> str:
        """Say what it is in few words."""
        zone = "zone + " if self.filtered else ""
        first, second = self.factors
        return f"{zone}{self.objective}, 1/{first} then 1/{second}, {self.mode}, gate {self.gate}"

    def prepared(self, rungs: tuple[int, ...]) -> Prepared:
        """Make its rules, from the product's; the choice is the best objective of all."""
        ready = Ours(
            {"objective": self.objective, "filter": self.filtered, "shortlist_share": 1.0}
        ).prepared(rungs)
        return replace(ready, rule=self._rule(ready, rungs))

    def _rule(self, ready: Prepared, rungs: tuple[int, ...]) -> Rule:
        if self.mode != "stop":
            return replicate_rules(ready.config)
        whole = ready.rule.rules if isinstance(ready.rule, FirstStop) else (ready.rule,)
        kept = [rule for rule in whole if not isinstance(rule, HalvingRule)]
        kept += [
            OnlyAt(HalvingRule(ready.how.direction, factor=factor), epoch)
            for factor, epoch in zip(self.factors, rungs, strict=False)
        ]
        return FirstStop(tuple(kept))

    def gated(self, arrival: Arrival) -> Arrival:
        """Leave out the collapses that are not to count."""
        if self.gate == "any":
            return arrival
        readings = tuple(
            tuple(
                r
                if r.finding is None or (self.gate == "backbone" and r.finding.layer == "backbone")
                else replace(r, finding=None)
                for r in own
            )
            for own in arrival.readings
        )
        return replace(arrival, readings=readings)

    def walked(
        self, ready: Prepared, arrival: Arrival, known: Mapping[tuple[int, int], float]
    ) -> WalkedOurs:
        """Let the trials come."""
        coming = self.gated(arrival)
        if self.mode == "stop":
            walk = Walk(coming, ByRule(ready.rule)).run()
        else:
            direction, all_first = ready.how.direction, self.mode == "all first"
            walk = Pausing(coming, ready.rule, self.factors, direction, all_first).run()
        return WalkedOurs(ready, walk.epochs, walk.candidates(), known, {})


def designs() -> Iterator[Design]:
    """Give every setting that is tried."""
    for objective, factors in itertools.product(_OBJECTIVES, _FACTORS):
        for gate in ("any", "backbone", "none"):
            yield Design(objective, factors, "stop", False, gate)
            yield Design(objective, factors, "pause", False, gate)
            yield Design(objective, factors, "all first", False, gate)
        yield Design(objective, factors, "stop", filtered=True)


def tried(design: Design, cell: TableCell, orders: list[Order]) -> dict[int, dict[str, Any]]:
    """Return the figures of a setting on a cell, by how many are probed at the end."""
    best = {figure: best_of(cell, figure) for figure in ("pooled", "reported")}
    ready = design.prepared(cell.rungs)
    results: dict[int, list[Result]] = {k: [] for k in PROBED}
    for order in orders[:1] if design.mode == "all first" else orders:
        walked = design.walked(ready, order.arrival(design.objective), order.known)
        for k in PROBED:
            results[k].append(result_of(cell, order.numbers, walked.spent(k), best))
    return {k: figures(found, best) for k, found in results.items()}


def worth(by_cell: Mapping[str, Mapping[str, Any]], *, labels: bool) -> tuple[float, ...]:
    """Order settings: how often the whole target is met, how often within a point, regret.

    Args:
        by_cell: figures by cell.
        labels: whether labels chose; then accuracies that no choice has seen decide.
    """
    of = "reported" if labels else "pooled"
    regrets = [f[of]["regret_mean"] for f in by_cell.values()]
    return (
        fmean(f[of]["met"] for f in by_cell.values()),
        fmean(f[of]["within_point"] for f in by_cell.values()),
        -fmean(math.inf if regret is None else regret for regret in regrets),
    )


def main() -> None:
    """Try all settings on the one half, the best of them on the other."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--table", type=Path, default=Path(__file__).parent / "data")
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--shuffles", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    cells = read_cells(options.table)
    orders = {
        cell.name: list(orders_of(Measured(cell), options.shuffles, options.seed)) for cell in cells
    }
    first = [cell for cell in cells if cell.name in CHOSEN_ON]
    other = [cell for cell in cells if cell.name not in CHOSEN_ON]
    if not first:
        parser.error(f"table: none of {', '.join(CHOSEN_ON)} in {options.table}.")
    found = {d: {c.name: tried(d, c, orders[c.name]) for c in first} for d in designs()}
    result: dict[str, Any] = {
        "shuffles": options.shuffles,
        "seed": options.seed,
        "n_settings": len(found) * len(PROBED),
        "chosen_on": [cell.name for cell in first],
        "reported_on": [cell.name for cell in other],
        "targets": {"compute": COMPUTE_TARGET, "probes": PROBES_TARGET},
        "best": {},
    }
    for title, labels, any_mode in _QUESTIONS:
        pairs = [
            (d, k)
            for d in found
            for k in PROBED
            if (k > 0) == labels and (any_mode or d.mode == "stop")
        ]
        ranked = sorted(
            pairs,
            key=lambda p: worth({c: f[p[1]] for c, f in found[p[0]].items()}, labels=p[1] > 0),
            reverse=True,
        )
        result["best"][title] = [
            {
                "design": asdict(design),
                "probed": k,
                "chosen_on": {c: f[k] for c, f in found[design].items()},
                "reported_on": {c.name: tried(design, c, orders[c.name])[k] for c in other},
            }
            for design, k in ranked[:3]
        ]
        print(_table(title, ranked[:3], result["best"][title]), end="\n\n")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(result, indent=1, allow_nan=False) + "\n")


def _table(title: str, ranked: list[tuple[Design, int]], best: list[dict[str, Any]]) -> str:
    lines = [
        f"{title}:",
        "",
        "| setting | probed | half | compute | probes | within 1 point (pooled) | unseen | met | "
        "regret |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for (design, k), record in zip(ranked, best, strict=True):
        for half in ("chosen_on", "reported_on"):
            by_cell = record[half]
            if not by_cell:
                lines.append(f"| {design.name()} | {k} | {half} | no cell yet | | | | | |")
                continue
            means = [
                fmean(_at(f, *path) for f in by_cell.values())
                for path in (
                    ("compute",),
                    ("probes",),
                    ("pooled", "within_point"),
                    ("reported", "within_point"),
                    ("pooled", "met"),
                )
            ]
            shares = " | ".join(f"{100 * mean:.0f} %" for mean in means)
            regret = fmean(_at(f, "pooled", "regret_mean") for f in by_cell.values())
            lines.append(f"| {design.name()} | {k} | {half} | {shares} | {100 * regret:.1f} |")
    return "\n".join(lines)


def _at(found: Mapping[str, Any], *path: str) -> float:
    value: Any = found
    for name in path:
        value = value[name]
    return math.nan if value is None else float(value)


if __name__ == "__main__":
    main()
