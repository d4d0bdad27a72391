"""How fast a study trains beside the same method written as Lightly's example.

    env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE python -m benchmarks.throughput

Ours is `goldilocks run` as it comes: as many trials at once as cores, one thread each, views in
batches, bfloat16 where the processor gains by it. The example trains one network with the number of
loader processes that suits it best and, for whoever would start several by hand, one a core without
loaders. They are timed in turn (A B C A B C), the medians are compared, and the raw result goes to
benchmarks/results/throughput.json. The last column is what a whole trial of the default 54 epochs
spends on measuring, storing and starting, as a share of its training.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.picture_folders import write_arrays, write_folder
from hpo.pruning import rung_epochs
from hpo.record import RUNG
from hpo.storage import StudyDirectory, load_study

RESULTS = Path(__file__).parent / "results" / "throughput.json"


@dataclass(frozen=True)
class Job:
    """What both train on.

    Args:
        name: in the table.
        write: makes the data in a folder and returns what `--data` takes.
        size: side of the views in pixels.
        channels: of the images.
        epochs: of each of our trials.
        example_steps: steps of the example after which its rate is known.
    """

    name: str
    write: Callable[[Path], Path]
    size: int
    channels: int
    epochs: int
    example_steps: int


JOBS = (
    Job("digits", lambda folder: write_arrays(folder, "digits"), 16, 1, 54, 150),
    Job("Fashion-MNIST", lambda folder: write_arrays(folder, "fashion"), 32, 1, 1, 150),
    Job("3,000 PNGs of 300 x 300", lambda folder: write_folder(folder, 3000), 64, 3, 12, 20),
)


def ours(job: Job, data: Path, folder: Path, trials: int) -> dict[str, Any]:
    """Run a study in a process of its own; a rung at the end only, so that no trial is pruned."""
    out = folder / f"study-{time.time_ns()}"
    command = [sys.executable, "-m", "hpo", "run", "--data", str(data), "--out", str(out)]
    command += ["--trials", str(trials), "--epochs", str(job.epochs), "--rung-factor", "1000"]
    command += ["--image-size", str(job.size), "--fix", "lr=1e-3", "--least-moved", "0"]
    command += ["--cache-dir", str(folder / "cache")]
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    wall = time.perf_counter() - started
    study = load_study(StudyDirectory(out))
    done = [t for t in study.trials if t.datetime_start and t.datetime_complete]
    rungs = len(rung_epochs(54))
    first = min(t.datetime_start for t in done)
    last = max(t.datetime_complete for t in done)
    n_images = len(done) * study.user_attrs["images"]["train"] // 128 * 128 * job.epochs
    busy = (last - first).total_seconds()
    spent = [t.user_attrs["seconds"] for t in done]
    inside = sum((t.datetime_complete - t.datetime_start).total_seconds() for t in done)
    train = sum(s["train"] for s in spent)
    measure = sum(s["measure"] for s in spent)
    n_measured = sum(key.startswith(RUNG) for t in done for key in t.user_attrs)
    # What a whole trial of the default 54 epochs spends on its rungs, from these shorter ones.
    at_rungs = rungs * (measure / n_measured) + (inside - train - measure) / len(done)
    whole = 54 * train / (len(done) * job.epochs)
    return {
        "images_per_second": n_images / busy,
        "trials_per_hour": 3600 * len(done) / busy,
        "wall_seconds": wall,
        "train_seconds": train,
        "measure_seconds": measure,
        "storing_seconds": inside - train - measure,
        "overhead": at_rungs / whole,
    }


def example(job: Job, data: Path, loaders: int, at_once: int) -> float:
    """Run Lightly's example; images a second over all processes at once."""
    cores = len(os.sched_getaffinity(0))
    command = [sys.executable, "-m", "benchmarks.lightly_example", str(data)]
    command += ["--size", str(job.size), "--channels", str(job.channels)]
    command += ["--epochs", "1000", "--steps", str(job.example_steps)]
    command += ["--loaders", str(loaders), "--threads", str(max(1, cores // at_once))]
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for _ in range(at_once)
    ]
    found = [json.loads(process.communicate()[0]) for process in running]
    return sum(one["images"] / one["seconds"] for one in found)


def compare(job: Job, rounds: int, trials: int) -> dict[str, Any]:
    """Find the example's best way, then time both in turn."""
    cores = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = job.write(folder)
        tried = {n: example(job, data, n, 1) for n in range(cores + 1)}
        best = max(tried, key=lambda n: tried[n])
        mine, theirs, theirs_at_once = [], [], []
        for _ in range(rounds):
            mine.append(ours(job, data, folder, trials))
            theirs.append(example(job, data, best, 1))
            theirs_at_once.append(example(job, data, 0, cores))
            print(job.name, mine[-1], theirs[-1], theirs_at_once[-1], flush=True)
    rate = statistics.median(run["images_per_second"] for run in mine)
    peer = statistics.median(theirs)
    several = statistics.median(theirs_at_once)
    return {
        "job": job.name,
        "example_tried": tried,
        "example_best": f"{best} loaders",
        "ours": mine,
        "example": theirs,
        "example_one_a_core": theirs_at_once,
        "images_per_second": rate,
        "example_images_per_second": peer,
        "one_a_core_images_per_second": several,
        "times": rate / peer,
        "times_one_a_core": rate / several,
        "overhead": statistics.median(run["overhead"] for run in mine),
    }


def table(results: list[dict[str, Any]]) -> str:
    """Write the README's table."""
    lines = [
        "| images | a study | the example | times | one example a core | times "
        "| measuring, storing |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {r['job']} | {r['images_per_second']:,.0f} | {r['example_images_per_second']:,.0f} "
        f"({r['example_best']}) | {r['times']:.1f} | {r['one_a_core_images_per_second']:,.0f} "
        f"| {r['times_one_a_core']:.1f} | {100 * r['overhead']:.1f} % |"
        for r in results
    ]
    return "\n".join(lines)


def main() -> None:
    """Compare on every job, write the raw result, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--trials", type=int, default=4)
    parser.add_argument("--only", type=int, help="number of one job")
    options = parser.parse_args()
    jobs = JOBS if options.only is None else (JOBS[options.only],)
    results = [compare(job, options.rounds, options.trials) for job in jobs]
    if options.only is not None and RESULTS.exists():
        kept = {r["job"]: r for r in json.loads(RESULTS.read_text())["results"]}
        kept |= {r["job"]: r for r in results}
        results = [kept[job.name] for job in JOBS if job.name in kept]
    record = {
        "date": time.strftime("%Y-%m-%d"),
        "machine": {"cpu": _cpu_name(), "cores": len(os.sched_getaffinity(0))},
        "python": platform.python_version(),
        "versions": {
            name: version(name) for name in ("goldilocks-hpo", "lightly", "torch", "torchvision")
        },
        "options": vars(options),
        "results": results,
    }
    RESULTS.write_text(json.dumps(record, indent=1))
    print(table(results))


def _cpu_name() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


if __name__ == "__main__":
    main()
