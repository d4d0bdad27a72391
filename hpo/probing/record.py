"""One probe of one backbone: all that its features say about the labels, as one record."""

from __future__ import annotations

import time

from torch import Tensor

from hpo.probing.few_shot import few_shot_accuracies
from hpo.probing.linear import best_strength, reported_accuracy
from hpo.probing.nearest import knn_accuracy
from hpo.probing.split import ProbeSplit


def probe(features: Tensor, labels: Tensor, split: ProbeSplit, *, seed: int) -> dict[str, float]:
    """Probe features with labels.

    All figures but `reported` come from the fitting part alone.

    Args:
        features: float32 (n, dim), of all the probe's images.
        labels: int64 (n,).
        split: of those images.
        seed: of the few-shot draws.

    Returns:
        By name, accuracies in [0, 1], higher is better: `cross_validated` of the linear probe,
        which the choice goes by; `reported`, on the other part; `knn`; `few_shot_1`, `few_shot_5`
        and `few_shot_10` where there are enough labels. Also `regularisation` (the inverse
        strength C that cross-validation chose), `n_reported` (images behind `reported`) and
        `seconds`.
    """
    started = time.monotonic()
    strength, accuracy = best_strength(features, labels, split)
    record = {
        "cross_validated": accuracy,
        "reported": reported_accuracy(features, labels, split, strength=strength),
        "n_reported": float(len(split.report)),
        "regularisation": strength,
        "knn": knn_accuracy(features, labels, split),
    }
    for shots, few in few_shot_accuracies(features, labels, split, seed=seed).items():
        record[f"few_shot_{shots}"] = few
    record["seconds"] = time.monotonic() - started
    return record
