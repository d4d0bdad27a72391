"""Write the tables of the READMEs from the committed results, between their two marks.

    python -m benchmarks.tabular.pages            # rewrites README.md and benchmarks/README.md
    python -m benchmarks.tabular.pages --check    # only says whether they are up to date

A section begins with `<!-- NAME: made by benchmarks.tabular.pages -->`, and ends with
`<!-- end -->`.
"""

from __future__ import annotations

import argparse
import json
import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks import main_job
from benchmarks.tabular import (
    collapse_pages,
    headline,
    objective_tables,
    priors,
    savings_design,
    savings_pages,
    sweep_study,
)

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks" / "results"
READMES = (ROOT / "README.md", ROOT / "benchmarks" / "README.md")

_SECTION = re.compile(
    r"(<!-- (?P<name>[a-z_ ]+): made by benchmarks\.tabular\.pages -->\n).*?(<!-- end -->)",
    flags=re.DOTALL,
)
_SHOWN = (
    *("ssl_loss", "rankme", "rankme_backbone", "alpha_req", "lidar", "alpha_high", "idest"),
    *("moved", "view_retrieval", "guarded_alpha", "guarded_rank", "guarded_lidar"),
)
_MAY_BE_MISSING = ("chosen", "optimisation")  # None there means nothing, not an undefined number


def sections() -> dict[str, Callable[[], str]]:
    """Return what makes each section, by its name."""
    return {
        "main job": lambda: main_job.table(_as_stored("main_job")["runs"]),
        "choosers": lambda: headline.choosers(read("objectives_study")),
        "landing": lambda: headline.savings(read("savings_study")),
        "zone": lambda: headline.zone(read("savings_study")),
        "axes": lambda: headline.sweeps(read("sweep_study")),
        "stopped": lambda: headline.collapse(_as_stored("collapse_study")),
        "cells": lambda: objective_tables.cells_table(_objectives()),
        "regret": lambda: objective_tables.regret_table(_objectives(), "16"),
        "tau": lambda: objective_tables.tau_table(_objectives()),
        "rungs": lambda: objective_tables.epoch_table(_objectives()),
        "labels": lambda: objective_tables.labels_table(read("objectives_study"), "16"),
        "choice": lambda: objective_tables.choice_table(read("objectives_study")),
        "optimisation": lambda: objective_tables.optimisation_table(read("objectives_study")),
        "sweeps": lambda: sweep_study.page(read("sweep_study"), sweep_study.SHOWN),
        "savings": lambda: savings_pages.page(read("savings_study")),
        "design": lambda: savings_design.page(read("savings_design")),
        "collapse": lambda: collapse_pages.page(_as_stored("collapse_study")),
    }


def read(name: str) -> dict[str, Any]:
    """Read a raw result; null stands for nan.

    Args:
        name: of its file.
    """
    found: dict[str, Any] = _with_nan(_as_stored(name))
    return found


def _as_stored(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    return found


def _objectives() -> Mapping[str, Any]:
    """Return the study of objectives with the candidates that a page has room for."""
    study = read("objectives_study")
    choice = study["choice"]
    names = dict.fromkeys([*_SHOWN, choice["chosen"], *choice["tied"]])
    kept = {name: study["candidates"][name] for name in study["candidates"] if name in names}
    return {**study, "candidates": kept}


def _with_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: None if each is None and key in _MAY_BE_MISSING else _with_nan(each)
            for key, each in value.items()
        }
    if isinstance(value, list):
        return [_with_nan(each) for each in value]
    return math.nan if value is None else value


def filled(text: str) -> str:
    """Return a text with its sections made anew.

    Raises:
        KeyError: where a section has a name that nothing makes.
    """
    makers = sections()

    def made(found: re.Match[str]) -> str:
        return f"{found[1]}\n{makers[found['name']]()}\n\n{found[3]}"

    return _SECTION.sub(made, text)


def written() -> dict[Path, str]:
    """Return what each file should say: both READMEs, and what the package knows of measures."""
    texts = {file: filled(file.read_text(encoding="utf-8")) for file in READMES}
    return {**texts, priors.FILE: priors.prior_text(read("objectives_study"))}


def main() -> None:
    """Rewrite both READMEs, or say what is out of date."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    stale = []
    for file, after in written().items():
        before = file.read_text(encoding="utf-8") if file.exists() else ""
        if after != before:
            stale.append(file.name)
            if not options.check:
                file.write_text(after, encoding="utf-8")
    if options.check and stale:
        raise SystemExit(f"out of date: {', '.join(stale)}; run python -m benchmarks.tabular.pages")


if __name__ == "__main__":
    main()
