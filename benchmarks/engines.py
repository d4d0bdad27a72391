"""What an engine costs beside the bare training, and where the one driver becomes too slow.

    python -m benchmarks.engines

Three parts. Studies of short trials under Optuna and under Ray with one and two trials at once,
beside the same trainings in a plain loop (A B A B, median). The driver's own work, asking for a
trial and recording and judging a rung, on studies of 50 and 500 trials. And a simulation: 8 to 256
workers with the trials that benchmarks/results/savings.json recorded, waiting in line for a driver
that takes as long as was measured. Written to benchmarks/results/engines.json.
"""

from __future__ import annotations

import argparse
import heapq
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

import optuna

from hpo.config import StudyConfig, load_config
from hpo.deciding import report_and_decide
from hpo.record import read_rows
from hpo.rules import rules_of
from hpo.storage import StudyDirectory, load_study, open_storage

RESULTS = Path(__file__).parent / "results" / "engines.json"
SAVINGS = Path(__file__).parent / "results" / "savings.json"
STUDY = ["--data", "digits", "--image-size", "8", "--batch-size", "64", "--epochs", "9"]
STUDY += ["--no-prune", "--no-filter", "--lidar-views", "4", "--precision", "float32"]
ENGINES = {
    ("optuna", 1): ["--workers", "1", "--threads", "1"],
    ("optuna", 2): ["--workers", "2", "--threads", "1"],
    ("ray", 1): ["--engine", "ray", "--workers", "1", "--threads", "1"],
    ("ray", 2): ["--engine", "ray", "--workers", "2", "--threads", "1"],
}


def run_study(folder: Path, engine: str, workers: int, n_trials: int) -> dict[str, float]:
    """Run a study from the command line; return its seconds in all, and of training."""
    out = folder / f"{engine}-{workers}-{time.monotonic_ns()}"
    command = [sys.executable, "-m", "hpo", "run", *STUDY, *ENGINES[engine, workers]]
    command += ["--trials", str(n_trials), "--out", str(out)]
    started = time.monotonic()
    subprocess.run(
        command,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    seconds = time.monotonic() - started
    rows = read_rows(load_study(StudyDirectory(out)), running=False)
    worked = sum(row.train_seconds + row.measure_seconds for row in rows)
    return {"seconds": seconds, "worked_seconds": worked, "trials": float(len(rows))}


_BARE = """
import sys, time, torch
torch.set_num_threads(1)
from hpo.config import load_config
from hpo.workload import prepare
config = load_config(None, dict(data="digits", image_size=8, batch_size=64, epochs=9,
                                lidar_views=4, precision="float32"))
workload = prepare(config)
started = time.monotonic()
for _ in range(int(sys.argv[1])):
    training = workload.begin(workload.plan({**workload.space.defaults, **workload.space.fixed}))
    while training.epoch < 9:
        training.run_epoch(lambda: None)
print(time.monotonic() - started)
"""


def run_bare(n_trials: int) -> float:
    """Seconds of the same trainings in a plain loop, on one thread."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", _BARE, str(n_trials)]
    ran = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return float(ran.stdout.split()[-1])


def driver_times(folder: Path, n_trials: int, n_timed: int = 20) -> dict[str, float]:
    """Median seconds to ask for a trial, and to record and judge a rung, on a study of a size."""
    out = folder / f"driver-{n_trials}"
    directory = StudyDirectory(out)
    directory.prepare()
    storage = open_storage(directory.database)
    space = load_config(None, {}).search_space()
    config = StudyConfig()
    warnings.filterwarnings("ignore", message="Heartbeat of storage")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(storage=storage, direction="maximize")
    done = []
    for number in range(n_trials):
        trial = optuna.trial.create_trial(
            value=float(number % 17),
            params={name: float(space.defaults[name]) for name in space.dimensions},
            distributions=space.to_optuna(),
            intermediate_values={6: float(number % 17)},
            user_attrs={"rung/6": {"alpha_req": 1.0}, "order/6": 2 * number + 1},
        )
        done.append(trial)
    study.add_trials(done)
    rule = rules_of(config, direction="maximize")
    asking, judging = [], []
    for number in range(n_timed):
        study.sampler = optuna.samplers.TPESampler(seed=number, constant_liar=True)
        started = time.monotonic()
        trial = study.ask()
        space.suggest(trial)
        asking.append(time.monotonic() - started)
        started = time.monotonic()
        with directory.deciding():
            report_and_decide(trial, 6, float(number % 17), {"alpha_req": 1.0}, None, rule)
        judging.append(time.monotonic() - started)
        study.tell(trial, state=optuna.trial.TrialState.PRUNED)
    return {"ask": statistics.median(asking), "judge": statistics.median(judging)}


def recorded_trials() -> list[list[float]]:
    """Seconds between the rungs of each trial of the recorded study with everything on."""
    method = next(iter(json.loads(SAVINGS.read_text())["methods"].values()))
    trials = []
    for trial in method["everything"]["trials"]:
        ends = [trial["rungs"][rung]["seconds"] for rung in sorted(trial["rungs"], key=int)]
        trials.append([b - a for a, b in zip([0.0, *ends], ends, strict=False)])
    return [trial for trial in trials if trial]


def simulate(
    n_workers: int, trials: list[list[float]], times: dict[str, float], n_trials: int
) -> dict[str, float]:
    """Let workers run recorded trials, each waiting in line for the driver between rungs.

    Returns:
        `busy`: share of the workers' time that is training, in [0, 1]; `driver`: share of its
        time that the driver works.
    """
    queue = [(0.0, worker) for worker in range(n_workers)]
    left: list[list[float]] = [[] for _ in range(n_workers)]
    free_at = worked = driver = end = 0.0
    started = 0
    while queue:
        now, worker = heapq.heappop(queue)
        service = times["judge"] if left[worker] else times["ask"]
        if not left[worker]:
            if started == n_trials:
                continue
            left[worker] = list(trials[started % len(trials)])
            started += 1
        free_at = max(free_at, now) + service
        driver += service
        seconds = left[worker].pop(0)
        worked += seconds
        end = max(end, free_at + seconds)
        heapq.heappush(queue, (free_at + seconds, worker))
    return {"busy": worked / (n_workers * end), "driver": driver / end}


def table(result: dict[str, Any]) -> str:
    """Write the README's two tables."""
    bare = statistics.median(result["bare"])
    lines = [
        "| engine | trials at once | seconds | a trial beside the loop |",
        "|---|---|---|---|",
        f"| none, a plain loop | 1 | {bare:.0f} | - |",
    ]
    n_trials = result["options"]["trials"]
    for name in result["studies"]:
        engine, workers = name.split("-")
        seconds = statistics.median(run["seconds"] for run in result["studies"][name])
        over = (seconds * int(workers) - bare) / n_trials
        lines.append(f"| {engine} | {workers} | {seconds:.0f} | {over:+.1f} s |")
    lines += [
        "",
        "| workers | they train | the driver is busy |",
        "|---|---|---|",
    ]
    for row in result["simulated"]:
        lines.append(
            f"| {row['workers']} | {100 * row['busy']:.0f} % | {100 * row['driver']:.0f} % |"
        )
    return "\n".join(lines)


def main() -> None:
    """Run all three parts, write the raw result, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    result: dict[str, Any] = {"options": vars(options), "bare": [], "studies": {}, "driver": {}}
    with tempfile.TemporaryDirectory(prefix="gp") as name:
        folder = Path(name)
        for n_trials in (50, 500):
            result["driver"][str(n_trials)] = driver_times(folder, n_trials)
            print(n_trials, result["driver"][str(n_trials)], flush=True)
        for _ in range(options.rounds):
            result["bare"].append(run_bare(options.trials))
            print("bare", result["bare"][-1], flush=True)
            for engine, workers in ENGINES:
                found = run_study(folder, engine, workers, options.trials)
                result["studies"].setdefault(f"{engine}-{workers}", []).append(found)
                print(engine, workers, found, flush=True)
    recorded = recorded_trials()
    result["simulated"] = [
        {"workers": n, **simulate(n, recorded, result["driver"]["500"], 20 * n)}
        for n in (8, 16, 32, 64, 128, 256)
    ]
    result |= {
        "date": time.strftime("%Y-%m-%d"),
        "machine": {"cpu": platform.processor() or platform.machine(), "cores": os.cpu_count()},
        "versions": {n: version(n) for n in ("goldilocks-hpo", "torch", "optuna", "ray")},
    }
    RESULTS.write_text(json.dumps(result, indent=1))
    print(table(result))


if __name__ == "__main__":
    main()
