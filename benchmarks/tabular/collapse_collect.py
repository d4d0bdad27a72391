"""Train the settings of the collapse study to their end, or go on with them, and export them.

    python -m benchmarks.tabular.collapse_collect [--studies DIR] [--table DIR]

Killed at any moment, the same command goes on.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from benchmarks.tabular.cells import DATA_SETS, ChosenSettings
from benchmarks.tabular.collapse_settings import studies
from benchmarks.tabular.collect import enqueue_settings, finished, run
from benchmarks.tabular.export import export

TABLE = Path(__file__).parent / "data" / "collapse"


def collect(study: ChosenSettings, folder: Path, table: Path, *, most: int | None = None) -> None:
    """Train what a study still lacks, and export it.

    Args:
        study: of chosen settings.
        folder: of all studies.
        table: where the rows go.
        most: trials at most; None for all.
    """
    wanted = len(study.settings) if most is None else min(most, len(study.settings))
    enqueue_settings(study, folder)
    if finished(study, folder) < wanted:
        run(study, folder, wanted)
    if exported(study, table) < finished(study, folder):
        export(study, folder, table)


def exported(study: ChosenSettings, table: Path) -> int:
    """Return how many trials of a study the exported rows hold."""
    file = table / f"{study.name}.parquet"
    return int(pd.read_parquet(file, columns=["trial"])["trial"].nunique()) if file.exists() else 0


def arguments(about: str, table: Path, argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the options that both collections of chosen settings have."""
    parser = argparse.ArgumentParser(description=about.splitlines()[0])
    parser.add_argument("--studies", type=Path, default=Path("studies") / table.name)
    parser.add_argument("--table", type=Path, default=table)
    parser.add_argument("--data", nargs="+", default=tuple(DATA_SETS), choices=tuple(DATA_SETS))
    parser.add_argument("--only", default="", help="studies whose name begins so")
    parser.add_argument("--trials", type=int, help="of each study at most, to try it out")
    parser.add_argument("--every-seed", action="store_true")
    options = parser.parse_args(argv)
    options.studies.mkdir(parents=True, exist_ok=True)
    return options


def main() -> None:
    """Collect one study after another."""
    options = arguments(__doc__, TABLE)
    for study in studies(tuple(options.data), every_seed=options.every_seed):
        if study.name.startswith(options.only):
            collect(study, options.studies, options.table, most=options.trials)


if __name__ == "__main__":
    main()
