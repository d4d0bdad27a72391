"""What the README's main job ends with, for each objective and several seeds.

Every run is `goldilocks run --data digits --labels --trials 12`, so that one study tells both
choices: by the objective alone, and with labels as the study made it. Accuracies are on the
labelled images that are kept for the final figure.

    python -m benchmarks.main_job --seeds 2 --jobs 2

writes benchmarks/results/main_job.json and prints the table. With `--only NAME` that
objective alone is run anew, and the runs of the others stay as they are, each with its date.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

from hpo.goldilocks import Candidate, choose
from hpo.meter import session_seconds
from hpo.ordering import PROBE
from hpo.record import read_rows
from hpo.storage import StudyDirectory, load_study
from objectives import get_measure

OBJECTIVES = ("guarded_alpha", "guarded_rank", "rankme", "alpha_req", "lidar")
RESULTS = Path(__file__).parent / "results" / "main_job.json"


def one(objective: str, seed: int, trials: int, out: Path) -> dict[str, Any]:
    """Run one study in a process of its own and read what it ended with."""
    command = [sys.executable, "-m", "hpo", "run", "--data", "digits", "--labels"]
    command += ["--trials", str(trials), "--objective", objective, "--seed", str(seed)]
    command += ["--workers", "1", "--threads", "1", "--out", str(out)]
    subprocess.run(
        command, check=True, capture_output=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    study = load_study(StudyDirectory(out))
    attrs, rows = study.user_attrs, read_rows(study, running=False)
    listed = [
        Candidate(r.number, r.epoch, r.objective, r.alpha, r.moved)
        for r in rows
        if r.number in attrs["shortlist"]["numbers"]
    ]
    direction = get_measure(objective).optimiser_direction
    without = choose(listed, direction=direction, objective=objective).number
    chosen = attrs["choice"]["number"]
    return {
        "objective": objective,
        "date": time.strftime("%Y-%m-%d"),
        "seed": seed,
        "states": {state: sum(r.state == state for r in rows) for state in {r.state for r in rows}},
        "shortlist": attrs["shortlist"]["numbers"],
        "chosen_without_labels": {"trial": without, **attrs[f"{PROBE}{without}"]},
        "chosen_by_probes": {"trial": chosen, **attrs[f"{PROBE}{chosen}"]},
        "untrained": attrs[f"{PROBE}untrained"],
        "pixels": attrs[f"{PROBE}pixels"],
        "wall_seconds": session_seconds(attrs),
        "trials": [
            {"trial": r.number, "state": r.state, "epoch": r.epoch, "reason": r.reason}
            | {"hyperparameters": dict(r.hyperparameters), "values": dict(r.values)}
            for r in rows
        ],
    }


def main() -> None:
    """Run all studies, write the raw result, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--trials", type=int, default=12)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", choices=OBJECTIVES)
    options = parser.parse_args()
    objectives = OBJECTIVES if options.only is None else (options.only,)
    jobs = [(objective, seed) for seed in range(options.seeds) for objective in objectives]
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(options.jobs) as pool:
        runs = list(
            pool.map(
                lambda job: one(*job, options.trials, Path(folder) / f"{job[0]}-{job[1]}"), jobs
            )
        )
    kept = [] if options.only is None else json.loads(RESULTS.read_text())["runs"]
    runs = [run for run in kept if run["objective"] != options.only] + runs
    machine = {"cpu": platform.processor() or platform.machine(), "cores": os.cpu_count()}
    versions = {
        name: version(name) for name in ("goldilocks-hpo", "torch", "lightly", "optuna", "numpy")
    }
    result = {
        "date": time.strftime("%Y-%m-%d"),
        "machine": machine,
        "python": platform.python_version(),
        "versions": versions,
        "options": vars(options),
        "runs": runs,
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=1))
    print(table(runs))


def table(runs: list[dict[str, Any]]) -> str:
    """Write the README's table."""
    lines = [
        "| objective | seed | chosen without labels | chosen with labels | untrained | pixels |",
        "|---|---|---|---|---|---|",
    ]
    for run in sorted(runs, key=lambda r: (r["objective"], r["seed"])):
        figures = [
            f"{run[key]['reported']:.3f}"
            for key in ("chosen_without_labels", "chosen_by_probes", "untrained", "pixels")
        ]
        lines.append(f"| {run['objective']} | {run['seed']} | " + " | ".join(figures) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
