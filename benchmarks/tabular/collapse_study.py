"""The collapse study: how early dead trials are caught, and what else is stopped with them.

    python -m benchmarks.tabular.collapse_study [--collapse DIR] [--table DIR] [--out FILE]

Reads exported rows alone, trains nothing, and gives the same figures every time. "Dead" goes by
labels: see `collapse_truth.MARGIN`.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.tabular.collapse_collect import TABLE as COLLAPSE
from benchmarks.tabular.collapse_pages import page
from benchmarks.tabular.collapse_replay import GATES, PRODUCT, Gate, Stop, rank_share, stop_of
from benchmarks.tabular.collapse_settings import setting_of
from benchmarks.tabular.collapse_truth import (
    MARGIN,
    CollapseTable,
    Trained,
    Worth,
    read_collapse_table,
)
from benchmarks.tabular.export import TABLE

RESULTS = Path(__file__).parents[1] / "results" / "collapse_study.json"
MARGINS = (0.0, 0.03, MARGIN, 0.1)


@dataclass(frozen=True)
class Judged:
    """A trial, what it is, and where a gate stops it.

    Args:
        table: it belongs to.
        trial: itself.
        worth: by labels.
        stop: None where nothing stops it.
    """

    table: CollapseTable
    trial: Trained
    worth: Worth
    stop: Stop | None

    @property
    def dead(self) -> bool:
        """Whether labels say so."""
        return self.worth == "dead"

    @property
    def early(self) -> bool:
        """Whether it is stopped by the first third of training."""
        return self.stop is not None and self.stop.share <= 1 / 3 + 1e-9


def judged(tables: Sequence[CollapseTable], gate: Gate, margin: float = MARGIN) -> list[Judged]:
    """Judge all trials of some studies by labels and by a gate."""
    return [
        Judged(table, trial, trial.worth(margin), stop_of(trial, table, gate))
        for table in tables
        for trial in table.trials
    ]


def top_half(table: CollapseTable) -> set[int]:
    """Return the trials of a cell whose linear accuracy at the end is at least the median."""
    known = {t.number: t.linear for t in table.trials if math.isfinite(t.linear)}
    middle = median(known.values()) if known else math.nan
    return {number for number, value in known.items() if value >= middle}


def caught(trials: Iterable[Judged]) -> dict[str, int]:
    """Count where dead trials are stopped."""
    dead = [j for j in trials if j.dead]
    return {
        "dead": len(dead),
        "by_first_ninth": sum(j.stop is not None and j.stop.share <= 1 / 9 + 1e-9 for j in dead),
        "by_first_third": sum(j.early for j in dead),
        "only_at_the_end": sum(j.stop is not None and not j.early for j in dead),
        "never": sum(j.stop is None for j in dead),
    }


def saved(trials: Sequence[Judged]) -> dict[str, float]:
    """Return what stopping saves, as shares of training all these trials to their end."""
    everything = sum(j.trial.n_epochs for j in trials)
    of_dead = sum(j.trial.n_epochs for j in trials if j.dead)
    left = sum(_left(j) for j in trials)
    left_by_dead = sum(_left(j) for j in trials if j.dead)
    return {
        "of_all_epochs": left / everything if everything else 0.0,
        "by_stopping_dead": left_by_dead / everything if everything else 0.0,
        "of_dead_trials": left_by_dead / of_dead if of_dead else 0.0,
    }


def _left(one: Judged) -> float:
    """Epochs that stopping a trial leaves untrained."""
    return 0.0 if one.stop is None else (1 - one.stop.share) * one.trial.n_epochs


def gate_figures(
    gate: Gate, settings: Sequence[CollapseTable], cells: Sequence[CollapseTable]
) -> dict[str, Any]:
    """Return all that a gate does: to chosen settings, and to the table of random draws."""
    chosen, drawn = judged(settings, gate), judged(cells, gate)
    alive = [j for j in chosen if j.worth == "alive"]
    idle = [j for j in chosen if j.worth == "no gain"]
    top = {table.name: top_half(table) for table in cells}
    best = [j for j in drawn if j.trial.number in top[j.table.name]]
    return {
        "settings": {
            **caught(chosen),
            "alive": len(alive),
            "false_alarms": sum(j.stop is not None for j in alive),
            "false_alarms_early": sum(j.early for j in alive),
            "no_gain": len(idle),
            "no_gain_stopped": sum(j.stop is not None for j in idle),
            "saved": saved(chosen),
        },
        "table": {
            **caught(drawn),
            "trials": len(drawn),
            "top_half": len(best),
            "false_alarms_in_top_half": sum(j.stop is not None for j in best),
            "false_alarms_in_top_half_early": sum(j.early for j in best),
            "false_alarms_by_cell": {
                table.name: sum(j.stop is not None for j in best if j.table is table)
                for table in cells
            },
            "saved": saved(drawn),
        },
    }


def setting_rows(settings: Sequence[CollapseTable]) -> list[dict[str, Any]]:
    """Return a row a trained setting: what was said of it, what it became, and when it showed."""
    rows = []
    for one in judged(settings, PRODUCT):
        family, said = setting_of(one.table.name, one.trial.setting)
        rows.append(
            {
                "family": family,
                "data": one.table.data,
                "seed": one.table.conditions["config"]["seed"],
                "setting": said.name,
                "expected": said.expected,
                "kind": said.kind,
                "worth": one.worth,
                "broke": one.trial.broke,
                "knn_gain": _plain(one.trial.knn),
                "linear_gain": _plain(one.trial.linear),
                "rank_shares": {
                    int(row["epoch"]): _plain(rank_share(row, one.table.untrained))
                    for row in one.trial.rows
                },
                "stop": None if one.stop is None else asdict(one.stop),
            }
        )
    return rows


def by_kind(settings: Sequence[CollapseTable]) -> dict[str, dict[str, int]]:
    """Return for each kind of collapse how many settings were meant to, did, and were caught."""
    found: dict[str, list[Judged]] = {}
    for one in judged(settings, PRODUCT):
        kind = setting_of(one.table.name, one.trial.setting)[1].kind or "healthy settings"
        found.setdefault(kind, []).append(one)
    return {kind: {"trials": len(some), **caught(some)} for kind, some in found.items()}


def by_data(settings: Sequence[CollapseTable]) -> dict[str, dict[str, int]]:
    """Return the same for each data set, and how many that learned were stopped with them."""
    found: dict[str, list[Judged]] = {}
    for one in judged(settings, PRODUCT):
        found.setdefault(one.table.data, []).append(one)
    return {
        data: {
            **caught(some),
            "alive": sum(one.worth == "alive" for one in some),
            "false_alarms": sum(one.worth == "alive" and one.stop is not None for one in some),
        }
        for data, some in found.items()
    }


def alarms(cells: Sequence[CollapseTable]) -> list[dict[str, Any]]:
    """Return the product's false alarms among the top half of each cell, one by one."""
    top = {table.name: top_half(table) for table in cells}
    return [
        {
            "cell": one.table.name,
            "trial": one.trial.number,
            "knn_gain": _plain(one.trial.knn),
            "linear_gain": _plain(one.trial.linear),
            "stop": asdict(one.stop),
        }
        for one in judged(cells, PRODUCT)
        if one.stop is not None and one.trial.number in top[one.table.name]
    ]


def study(collapse: Path, table: Path) -> dict[str, Any]:
    """Return all figures.

    Args:
        collapse: folder of the chosen settings' rows.
        table: folder of the big table's, as exported.
    """
    settings, cells = _read(collapse), _read(table)
    return {
        "truth": {"margin": MARGIN, "dead": "k-NN or linear accuracy at the end at least the "
                  "margin below the untrained network's, or a training that broke",
                  "alive": "not dead, and one of the two at least the margin above it"},
        "settings": setting_rows(settings),
        "kinds": by_kind(settings),
        "data": by_data(settings),
        "gates": {gate.name: gate_figures(gate, settings, cells) for gate in GATES},
        "margins": {str(m): caught(judged(settings, PRODUCT, m)) for m in MARGINS},
        "false_alarms": alarms(cells),
    }  # fmt: skip


def _read(folder: Path) -> list[CollapseTable]:
    return [read_collapse_table(file) for file in sorted(folder.glob("*.parquet"))]


def _plain(value: float) -> float | None:
    return round(value, 4) if math.isfinite(value) else None


def main() -> None:
    """Write the figures as JSON, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--collapse", type=Path, default=COLLAPSE)
    parser.add_argument("--table", type=Path, default=TABLE)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    found = study(options.collapse, options.table)
    options.out.write_text(json.dumps(found, indent=1) + "\n")
    print(page(found))


if __name__ == "__main__":
    main()
