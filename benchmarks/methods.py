"""Every method from the command line: five epochs on the digits, then k-NN beside no training.

    python -m benchmarks.methods [--only METHOD]

Each run is `goldilocks run --data digits --method METHOD --epochs 5 --trials 1 SETTINGS`, whose one
trial has the published defaults but for batch size and learning rate. The classifier is k-NN
(cosine, k = 20): the images that neither training nor measures saw are compared with all others.
Labels serve this figure alone. The raw result goes to benchmarks/results/methods.json.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import nn

import search_spaces
from hpo.backbones import load_chosen
from hpo.config import load_config
from hpo.data import load_images, split_images
from hpo.embedding import embed
from hpo.training import Training
from hpo.workload import Workload, prepare

RESULTS = Path(__file__).parent / "results" / "methods.json"
# Five epochs are 80 steps, so most take a higher rate than the default; the others were found by
# trying a few. A search would find them; this only shows that each method learns.
MOST = ["--batch-size", "64", "--fix", "lr=4e-3"]
OTHERS = {
    "byol": ["--batch-size", "64", "--optimizer", "sgd", "--fix", "lr=0.2"],
    "dino": ["--batch-size", "64", "--optimizer", "sgd", "--fix", "lr=0.2"],
    "fastsiam": ["--batch-size", "64", "--fix", "lr=1e-3"],
    "frossl": ["--batch-size", "64", "--fix", "lr=1e-3"],
    "ijepa": ["--batch-size", "64", "--fix", "lr=3e-4"],
    "nnclr": ["--batch-size", "64", "--fix", "lr=8e-3"],
    "simsiam": ["--batch-size", "64", "--fix", "lr=1e-3"],
    "swav": ["--batch-size", "64"]
    + [f"--fix={setting}" for setting in ("lr=2e-3", "epsilon=0.02", "temperature=0.2")],
    "wmse": ["--batch-size", "128", "--fix", "lr=4e-3"],
}
TRANSFORMERS = ("ijepa", "mae")


def nearest_neighbours(backbone: nn.Module, workload: Workload) -> float:
    """Accuracy of k-NN on the features of the images that were kept for probes."""
    from sklearn.neighbors import KNeighborsClassifier

    data = load_images(
        "digits", image_size=None, data_root=None, with_labels=True, max_images=None, seed=0
    )
    if workload.probe is None or data.labels is None:
        raise SystemExit("the digits came without labels")
    split = split_images(
        len(data),
        labels=data.labels,
        n_measure=len(workload.gauge.images),
        n_probe=len(workload.probe.images),
        seed=workload.config.seed,
    )
    features, _ = embed(
        backbone,
        None,
        data.images.read(torch.arange(len(data))),
        workload.normalisation,
        device=torch.device("cpu"),
    )
    known = torch.ones(len(data), dtype=torch.bool)
    known[split.probe] = False
    classifier = KNeighborsClassifier(20, metric="cosine")
    classifier.fit(features[known], data.labels[known])
    return float(classifier.score(features[split.probe], data.labels[split.probe]))


def one(method: str, epochs: int, seed: int) -> dict[str, Any]:
    """Run one method's study in a process of its own and classify by its chosen backbone."""
    backbone = "vit_tiny" if method in TRANSFORMERS else "resnet10_narrow"
    with tempfile.TemporaryDirectory() as name:
        out = Path(name) / "study"
        command = [sys.executable, "-m", "hpo", "run", "--data", "digits", "--check-labels"]
        command += ["--method", method, "--backbone", backbone, "--epochs", str(epochs)]
        command += ["--trials", "1", "--workers", "1", "--threads", "1", "--seed", str(seed)]
        settings = OTHERS.get(method, MOST)
        command += settings
        command += ["--least-moved", "0", "--out", str(out)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        ran = subprocess.run(command, capture_output=True, text=True, env=environment)
        if ran.returncode:
            return {"method": method, "seed": seed, "error": (ran.stderr or ran.stdout)[-600:]}
        workload = prepare(load_config(out / "config.yaml", {}))
        trained = nearest_neighbours(load_chosen(out / "chosen"), workload)
        untrained = nearest_neighbours(_untrained(workload), workload)
    return {
        "method": method,
        "seed": seed,
        "backbone": backbone,
        "epochs": epochs,
        "settings": " ".join(settings),
        "knn": trained,
        "untrained_knn": untrained,
    }


def _untrained(workload: Workload) -> nn.Module:
    plan = workload.plan({**workload.space.defaults, **workload.space.fixed})
    start = Training(plan, workload.train, workload.normalisation, workload.device)
    return workload.gauge.initial(start.learner, workload.train).network


def table(runs: list[dict[str, Any]]) -> str:
    """Write a table: each method's accuracies, one a seed."""
    lines = ["| method | settings | k-NN after 5 epochs | untrained |", "|---|---|---|---|"]
    for method in sorted({run["method"] for run in runs}):
        own = sorted((r for r in runs if r["method"] == method), key=lambda r: r["seed"])
        trained = ", ".join(f"{r['knn']:.3f}" if "knn" in r else "failed" for r in own)
        untrained = ", ".join(f"{r['untrained_knn']:.3f}" for r in own if "knn" in r)
        settings = " ".join(OTHERS.get(method, MOST))
        lines.append(f"| {method} | `{settings}` | {trained} | {untrained} |")
    return "\n".join(lines)


def main() -> None:
    """Run all methods, write the raw result after each, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=1)
    options = parser.parse_args()
    methods = options.only or search_spaces.method_names()
    runs = json.loads(RESULTS.read_text())["runs"] if RESULTS.exists() else []
    for method in methods:
        for seed in range(options.seeds):
            runs = [r for r in runs if (r["method"], r["seed"]) != (method, seed)]
            runs.append(one(method, options.epochs, seed))
            print(runs[-1], flush=True)
            record = {
                "date": time.strftime("%Y-%m-%d"),
                "versions": {
                    name: version(name) for name in ("goldilocks-hpo", "lightly", "torch")
                },
                "runs": runs,
            }
            RESULTS.write_text(json.dumps(record, indent=1))
    print(table(runs))


if __name__ == "__main__":
    main()
