"""Export what was collected once more: judged by today's gate, with objectives added since.

    python -m benchmarks.tabular.export_again WHAT [--studies DIR] [--table DIR]

WHAT is table, collapse or sweeps. Nothing is trained. The digests of the code that did are kept
from the files that are there.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from benchmarks.tabular import collapse_settings, sweep_settings
from benchmarks.tabular.cells import StudyOfTable, cells
from benchmarks.tabular.export import TABLE, export
from hpo.storage import StudyDirectory


def studies_of(what: str) -> Sequence[StudyOfTable]:
    """Return all studies of a collection, whether or not they were run."""
    if what == "table":
        return cells()
    if what == "collapse":
        return collapse_settings.studies(every_seed=True)
    return sweep_settings.sweeps()


def main() -> None:
    """Export the studies that are there."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("table", "collapse", "sweeps"))
    parser.add_argument("--studies", type=Path)
    parser.add_argument("--table", type=Path)
    options = parser.parse_args()
    what = options.what
    studies = options.studies or Path("studies") / ("tabular" if what == "table" else what)
    table = options.table or (TABLE if what == "table" else TABLE / what)
    for study in studies_of(what):
        if StudyDirectory(studies / study.name).database.exists():
            export(study, studies, table, trained=False)
            print(f"{study.name}: exported", flush=True)


if __name__ == "__main__":
    main()
