"""Train the settings of the collapse study to their end, or go on with them, and export them.

    python -m benchmarks.tabular.collapse_collect [--studies DIR] [--table DIR]

Killed at any moment, the same command goes on.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.tabular.cells import DATA_SETS, ChosenSettings, StudyOfTable
from benchmarks.tabular.collapse_settings import studies
from benchmarks.tabular.collect import enqueue_settings, finished, run
from benchmarks.tabular.export import export
from hpo.config import StudyConfig
from hpo.measuring import Initial
from hpo.storage import StudyDirectory, load_study
from hpo.workload import prepare
from search_spaces import Categorical
from search_spaces.dimensions import Value

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
        export(study, folder, table, clear=True, more={"initial": initial(study, folder)})


def exported(study: ChosenSettings, table: Path) -> int:
    """Return how many trials of a study the exported rows hold."""
    file = table / f"{study.name}.parquet"
    return int(pd.read_parquet(file, columns=["trial"])["trial"].nunique()) if file.exists() else 0


def initial(study: StudyOfTable, folder: Path) -> dict[str, Any]:
    """Return the statistics of the untrained network that a study's collapses are held against.

    Args:
        study: that was run.
        folder: of all studies.

    Returns:
        Those of "backbone" and "projector". The product takes the projector of the published
        defaults whatever a trial's own is: "projector_ranks" has the rank by the width.
    """
    attrs = load_study(StudyDirectory(folder / study.name)).user_attrs
    workload = prepare(StudyConfig.model_validate(attrs["config"]))
    space = workload.space

    def untrained(**changed: Value) -> Initial:
        plan = workload.plan({**space.defaults, **space.fixed, **changed})
        return workload.gauge.initial(workload.begin(plan).learner, workload.train)

    width = space.dimensions.get("projector_width")
    widths = width.choices if isinstance(width, Categorical) else ()
    defaults = untrained()
    return {
        "backbone": asdict(defaults.backbone),
        "projector": asdict(defaults.projector),
        "projector_ranks": {str(w): untrained(projector_width=w).projector.rank for w in widths},
    }


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
