"""Where the time of a trial goes: data, forward, backward, optimiser, measuring, storing.

    python -m benchmarks.time_shares

One trial with the default settings on one thread, taken apart: the training by its own parts, the
rest from the seconds that a study records. Written to benchmarks/results/time_shares.json.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from benchmarks.picture_folders import write_arrays, write_folder
from hpo.config import load_config
from hpo.study import run_study
from hpo.training import Training
from hpo.workload import Workload, prepare

RESULTS = Path(__file__).parent / "results" / "time_shares.json"


class Clock:
    """Sums the seconds between one mark and the next, by name."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.last = time.perf_counter()

    def mark(self, name: str) -> None:
        """Count what passed since the last mark under a name."""
        now = time.perf_counter()
        self.seconds[name] = self.seconds.get(name, 0.0) + now - self.last
        self.last = now


def parts_of_a_step(workload: Workload, n_steps: int) -> dict[str, float]:
    """Seconds a step in each part of the training, the first steps left out."""
    plan = workload.plan({**workload.space.defaults, **workload.space.fixed})
    training = Training(plan, workload.train, workload.normalisation, workload.device)
    training.learner.train()
    clock, done, epoch = Clock(), 0, 0
    while done < n_steps:
        for views in training.stream.epoch(epoch):
            clock.mark("data")
            training.optimizer.zero_grad(set_to_none=True)
            loss = training.learner(views)
            clock.mark("forward")
            loss.backward()
            clock.mark("backward")
            training.optimizer.step()
            training.scheduler.step()
            clock.mark("optimiser")
            done += 1
            if done == 3:
                clock = Clock()
            if done >= n_steps:
                break
        epoch += 1
    return {name: seconds / (done - 3) for name, seconds in clock.seconds.items()}


def whole_trials(options: dict[str, Any]) -> dict[str, float]:
    """Seconds of all trials of a small study with default settings, as it records them."""
    study = run_study(load_config(None, options))
    done = [t for t in study.trials if t.datetime_start and t.datetime_complete]
    spent = [t.user_attrs["seconds"] for t in done]
    inside = sum((t.datetime_complete - t.datetime_start).total_seconds() for t in done)
    train, measure = (sum(s[key] for s in spent) for key in ("train", "measure"))
    return {"train": train, "measure": measure, "store and prune": inside - train - measure}


def main() -> None:
    """Take the trials apart on all three data sets."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=("digits", "fashion", "folder"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    found = json.loads(RESULTS.read_text())["found"] if RESULTS.exists() else {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for data in (options.only,) if options.only else ("digits", "fashion", "folder"):
            source = write_folder(folder, 1000) if data == "folder" else write_arrays(folder, data)
            given = {"data": str(source), "cache_dir": folder / "cache", "threads": 1, "workers": 1}
            steps = parts_of_a_step(prepare(load_config(None, given)), 43)
            trials = {"digits": 4, "fashion": 1, "folder": 2}[data]
            epochs = {"digits": 54, "fashion": 1, "folder": 9}[data]
            limits = {"trials": trials, "epochs": epochs, "out": folder / f"study-{data}"}
            found[data] = {
                "step": steps,
                "study": whole_trials({**given, **limits, "least_moved": 0.0}),
            }
            print(data, found[data], flush=True)
            RESULTS.write_text(
                json.dumps({"date": time.strftime("%Y-%m-%d"), "found": found}, indent=1)
            )


if __name__ == "__main__":
    main()
