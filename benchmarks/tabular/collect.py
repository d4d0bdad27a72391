"""Make the table: run its studies, or go on with them, and export what they hold.

    python -m benchmarks.tabular.collect [--studies DIR] [--method M] [--data NAME|FOLDER]

Each study is `goldilocks run --sampler random --no-prune --probe-all` as a user would call it;
killed at any moment, the same command goes on. Trials are added to all cells in turn, so that
the cells are about equally long whenever it is stopped.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from pathlib import Path

from optuna.trial import TrialState

from benchmarks.tabular.cells import (
    DATA_SETS,
    METHODS,
    N_TRIALS,
    REPEATED,
    Cell,
    ChosenSettings,
    StudyOfTable,
    cells,
)
from benchmarks.tabular.export import SETTING, TABLE, export
from hpo.ledger import REPLICATE_OF
from hpo.storage import StudyDirectory, load_study, open_storage, open_study
from objectives import DEFAULT_OBJECTIVE, get_measure

_TRIALS_AT_A_TIME = 15
_OTHER_SEED = 100_003
_STOPPED = (130, 143, -2, -15)  # by Ctrl-C or SIGTERM, whoever noticed first


def run(cell: StudyOfTable, folder: Path, n_trials: int) -> None:
    """Train a cell's trials up to a number of them, and its waiting replicates."""
    command = [sys.executable, "-m", "hpo", *cell.arguments(folder, n_trials)]
    with subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"}) as study:
        signal.signal(signal.SIGTERM, lambda *_: study.terminate())
        code = study.wait()
    if code in _STOPPED:
        raise SystemExit(code)
    if code:  # such as no trial to choose, which is nothing to a table
        print(f"{cell.name}: ended with {code}", flush=True)


def enqueue_replicates(cell: Cell, folder: Path) -> None:
    """Have a tenth of a cell's trials repeated under another seed, whatever they were worth."""
    study = load_study(StudyDirectory(folder / cell.name))
    trials = study.get_trials(deepcopy=False)
    known = {trial.user_attrs.get(REPLICATE_OF) for trial in trials}
    for number in REPEATED:
        if number not in known:
            study.enqueue_trial(
                trials[number].params, user_attrs={REPLICATE_OF: number, "seed": _OTHER_SEED}
            )


def enqueue_settings(cell: ChosenSettings, folder: Path) -> None:
    """Have each chosen setting wait for its trial, in their order; those there are kept."""
    directory = StudyDirectory(folder / cell.name)
    directory.prepare()
    measure = get_measure(DEFAULT_OBJECTIVE)
    with directory.lock():
        storage = open_storage(directory.database)
        study = open_study(storage, direction=measure.optimiser_direction)
        known = {trial.user_attrs.get(SETTING) for trial in study.get_trials(deepcopy=False)}
        for name, point in cell.points().items():
            if name not in known:
                study.enqueue_trial(point, user_attrs={SETTING: name})


def finished(cell: StudyOfTable, folder: Path) -> int:
    """Return how many of a cell's trials, replicates included, have ended."""
    directory = StudyDirectory(folder / cell.name)
    if not directory.database.exists():
        return 0
    ended = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
    return len(load_study(directory).get_trials(deepcopy=False, states=ended))


def main() -> None:
    """Bring every cell to its full length, a few trials at a time."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=Path, default=Path("studies/tabular"))
    parser.add_argument("--table", type=Path, default=TABLE)
    parser.add_argument("--method", nargs="+", default=METHODS)
    parser.add_argument("--data", nargs="+", default=tuple(DATA_SETS))
    parser.add_argument("--trials", type=int, default=N_TRIALS)
    options = parser.parse_args()
    options.studies.mkdir(parents=True, exist_ok=True)
    todo = cells(tuple(options.method), tuple(options.data))
    goals = [*range(1 + _TRIALS_AT_A_TIME, options.trials, _TRIALS_AT_A_TIME), options.trials]
    for goal in goals:
        for cell in todo:
            if finished(cell, options.studies) < goal:
                run(cell, options.studies, goal)
                export(cell, options.studies, options.table)
    for cell in todo:
        if options.trials == N_TRIALS and finished(cell, options.studies) < N_TRIALS + len(
            REPEATED
        ):
            enqueue_replicates(cell, options.studies)
            run(cell, options.studies, options.trials)
            export(cell, options.studies, options.table)


if __name__ == "__main__":
    main()
