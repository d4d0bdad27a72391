"""What pruning and the filter save: the same 32 trials with everything on, and with all trained.

    python -m benchmarks.savings [--method METHOD]

Both studies draw the same hyperparameters (`--sampler random`, one seed) from the method's wide
space, on 6,000 images of Fashion-MNIST at 16 pixels. One stops what collapses, leaves the zone or
falls behind, probes in rounds and repeats its finalists; the other trains every trial to the end
and probes each. Labels serve the probes alone. The raw result goes to
benchmarks/results/savings.json.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.picture_folders import FASHION
from hpo.data.idx import read_idx
from hpo.meter import session_seconds
from hpo.ordering import FINDING, PROBE
from hpo.record import RUNG, read_rows
from hpo.storage import StudyDirectory, load_study

RESULTS = Path(__file__).parent / "results" / "savings.json"
EVERYTHING = ("--labels", "--finalists", "3", "--replicates", "1")
NOTHING = ("--labels", "--no-prune", "--no-filter", "--probe-all", "--replicates", "0")


def write_images(folder: Path, n_images: int, size: int) -> Path:
    """Write images of Fashion-MNIST with their labels as one file."""
    names = FASHION.with_name(FASHION.name.replace("images-idx3", "labels-idx1"))
    images = read_idx(FASHION, 3)[:n_images]
    small = np.stack([np.asarray(Image.fromarray(i).resize((size, size))) for i in images])
    file = folder / "fashion.npz"
    np.savez(file, images=small, labels=read_idx(names, 1)[:n_images].astype(np.int64))
    return file


def run(data: Path, out: Path, options: argparse.Namespace, extra: tuple[str, ...]) -> None:
    """Run one study as a user would."""
    command = [sys.executable, "-m", "hpo", "run", "--data", str(data), "--out", str(out)]
    command += ["--method", options.method, "--preset", "wide", "--sampler", "random"]
    command += ["--trials", str(options.trials), "--epochs", str(options.epochs), *extra]
    command += ["--workers", "2", "--threads", "1", "--seed", str(options.seed)]
    subprocess.run(command, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"})


def record(out: Path) -> dict[str, Any]:
    """Return everything the table is made of."""
    study = load_study(StudyDirectory(out))
    attrs = study.user_attrs
    trials = study.get_trials(deepcopy=False)
    return {
        "wall_seconds": session_seconds(attrs),
        "n_probes": sum(
            key.removeprefix(PROBE).isdigit() for key in attrs if key.startswith(PROBE)
        ),
        "choice": attrs["choice"],
        "shortlist": attrs["shortlist"]["numbers"],
        "probes": {k.removeprefix(PROBE): v for k, v in attrs.items() if k.startswith(PROBE)},
        "trials": [
            _trial(row, trials[row.number].user_attrs) for row in read_rows(study, running=False)
        ],
    }


def _trial(row: Any, attrs: dict[str, Any]) -> dict[str, Any]:
    return {
        "trial": row.number,
        "replicate_of": row.replicate_of,
        "state": row.state,
        "epoch": row.epoch,
        "reason": row.reason,
        "hyperparameters": dict(row.hyperparameters),
        "spent": attrs.get("spent"),
        "rungs": {k.removeprefix(RUNG): v for k, v in attrs.items() if k.startswith(RUNG)},
        "findings": {k.removeprefix(FINDING): v for k, v in attrs.items() if k.startswith(FINDING)},
    }


def summary(study: dict[str, Any]) -> dict[str, Any]:
    """Reduce a study to the figures of the table."""
    spent = [trial["spent"] for trial in study["trials"]]
    chosen = str(study["choice"]["number"])
    return {
        "epochs": sum(s["epochs"] for s in spent),
        "device_minutes": sum(s["device_seconds"] for s in spent) / 60,
        "wall_minutes": study["wall_seconds"] / 60,
        "probes": study["n_probes"],
        "chosen": int(chosen),
        "accuracy": study["probes"][chosen]["reported"],
        "cross_validated": study["probes"][chosen]["cross_validated"],
    }


def verdicts(everything: dict[str, Any], nothing: dict[str, Any]) -> dict[str, Any]:
    """Hold what was stopped against what became of the same trials when they were not."""
    whole = {t["trial"]: t for t in nothing["trials"]}
    pruned = {t["trial"]: t for t in everything["trials"] if t["replicate_of"] is None}
    accuracy = {
        int(name): probe["reported"] for name, probe in nothing["probes"].items() if name.isdigit()
    }
    ranked = sorted(accuracy, key=lambda number: -accuracy[number])
    top = ranked[: math.ceil(len(whole) / 4)]
    shows = {n: min(map(int, t["findings"])) for n, t in whole.items() if t["findings"]}
    stopped = {n: t["epoch"] for n, t in pruned.items() if t["state"] == "collapsed"}
    return {
        "best": {"trial": ranked[0], "accuracy": accuracy[ranked[0]]},
        "collapsed_when_all_are_trained": shows,
        "stopped_as_collapsed": stopped,
        "top_quarter": top,
        "top_quarter_stopped": {
            n: pruned[n]["state"] for n in top if pruned[n]["state"] != "finished"
        },
        "rank_of_choice": ranked.index(everything["choice"]["number"]) + 1,
    }


def table(result: dict[str, Any]) -> str:
    """Write the README's table of one method."""
    best = result["verdicts"]["best"]["accuracy"]
    lines = [
        "| 32 trials of | epochs trained | finished | probes | chosen | accuracy | best of 32 |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, key in (("all trained, all probed", "nothing"), ("everything on", "everything")):
        s = summary(result[key])
        n_finished = sum(t["state"] == "finished" for t in result[key]["trials"])
        lines.append(
            f"| {result['options']['method']}, {name} | {s['epochs']:.0f} | {n_finished} | "
            f"{s['probes']} | trial {s['chosen']} | {s['accuracy']:.3f} | {best:.3f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Run both studies, write the raw result, print the table and the verdicts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--method", default="vicreg")
    parser.add_argument("--trials", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=18)
    parser.add_argument("--images", type=int, default=6_000)
    parser.add_argument("--size", type=int, default=16)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="keep the studies in this folder")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = options.keep or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        data = write_images(folder, options.images, options.size)
        result: dict[str, Any] = {}
        for key, extra in (("everything", EVERYTHING), ("nothing", NOTHING)):
            run(data, folder / f"{options.method}-{key}", options, extra)
            result[key] = record(folder / f"{options.method}-{key}")
    result["verdicts"] = verdicts(result["everything"], result["nothing"])
    found = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"methods": {}}
    found |= {
        "date": time.strftime("%Y-%m-%d"),
        "machine": {"cpu": platform.processor() or platform.machine(), "cores": os.cpu_count()},
        "versions": {n: version(n) for n in ("goldilocks-hpo", "torch", "lightly", "optuna")},
    }
    given = {k: v for k, v in vars(options).items() if k != "keep"}
    found["methods"][options.method] = {"options": given, **result}
    RESULTS.write_text(json.dumps(found, indent=1))
    print(
        table(found["methods"][options.method]),
        json.dumps(result["verdicts"], indent=1),
        sep="\n\n",
    )


if __name__ == "__main__":
    main()
