"""Export the table once more with what deciding its collapses again takes.

    python -m benchmarks.tabular.collapse_export --studies DIR --table DIR

The rows are those of `benchmarks.tabular.collect` and one more column, `collapse_clear`; the
conditions have the untrained network's statistics besides, as `initial`.
"""

from __future__ import annotations

from benchmarks.tabular.cells import cells
from benchmarks.tabular.collapse_collect import arguments, initial
from benchmarks.tabular.export import TABLE, export
from hpo.storage import StudyDirectory


def main() -> None:
    """Export the cells whose studies are there."""
    options = arguments(__doc__, TABLE)
    for cell in cells(data=tuple(options.data)):
        there = StudyDirectory(options.studies / cell.name).database.exists()
        if there and cell.name.startswith(options.only):
            more = {"initial": initial(cell, options.studies)}
            export(cell, options.studies, options.table, clear=True, more=more)


if __name__ == "__main__":
    main()
