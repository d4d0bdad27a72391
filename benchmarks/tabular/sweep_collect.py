"""Train the one-axis sweeps to their end, or go on with them, and export them.

    python -m benchmarks.tabular.sweep_collect [--studies DIR] [--table DIR]

Killed at any moment, the same command goes on.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks.tabular.collapse_collect import arguments, collect
from benchmarks.tabular.sweep_settings import sweeps

TABLE = Path(__file__).parent / "data" / "sweeps"


def main() -> None:
    """Collect one study after another."""
    options = arguments(__doc__, TABLE)
    for study in sweeps(data=tuple(options.data)):
        if study.name.startswith(options.only):
            collect(study, options.studies, options.table, most=options.trials)


if __name__ == "__main__":
    main()
