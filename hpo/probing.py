"""Linear probes: the only place where labels are used, and only after the search."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

Labels = npt.NDArray[np.int64]
Features = npt.NDArray[np.float32]


@dataclass(frozen=True)
class ProbeSplit:
    """Positions of the probe's images: to fit and choose by, and to report on.

    Args:
        fit: where probes are fitted and compared by cross-validation.
        report: seen once, for the figure at the end; the choice never depends on it.
    """

    fit: npt.NDArray[np.int64]
    report: npt.NDArray[np.int64]


def split_probe(labels: Tensor, *, seed: int, report_share: float = 0.3) -> ProbeSplit:
    """Split the probe's labelled images in two, each class in both where it can be.

    Args:
        labels: int64 (n,).
        seed: of the split.
        report_share: share kept for the final figure, in (0, 1).
    """
    from sklearn.model_selection import train_test_split

    values = labels.numpy()
    counts = np.bincount(values)
    n_classes = int((counts > 0).sum())
    enough = counts[counts > 0].min() >= 2 and len(values) * report_share >= n_classes
    fit, report = train_test_split(
        np.arange(len(values)),
        test_size=report_share,
        random_state=seed,
        stratify=values if enough else None,
    )
    return ProbeSplit(np.sort(fit), np.sort(report))


def cross_validated_accuracy(features: Tensor, labels: Tensor, split: ProbeSplit) -> float:
    """Accuracy of a linear probe by cross-validation inside the fitting part.

    Args:
        features: float (n, dim), of all the probe's images.
        labels: int64 (n,).
        split: of those images.

    Returns:
        Mean accuracy of at most 5 folds, in [0, 1], higher is better.
    """
    from sklearn.model_selection import KFold, StratifiedKFold, cross_val_score

    x, y = features.numpy()[split.fit], labels.numpy()[split.fit]
    rarest = int(np.bincount(y)[np.unique(y)].min())
    folds = (
        StratifiedKFold(min(5, rarest), shuffle=True, random_state=0)
        if rarest >= 2
        else KFold(min(5, len(y)), shuffle=True, random_state=0)
    )
    with warnings.catch_warnings():
        _ignore_unfinished_fits()
        return float(cross_val_score(_probe(), x, y, cv=folds).mean())


def reported_accuracy(features: Tensor, labels: Tensor, split: ProbeSplit) -> float:
    """Accuracy on the reporting part of a probe fitted on the fitting part, in [0, 1]."""
    x, y = features.numpy(), labels.numpy()
    probe = _probe()
    with warnings.catch_warnings():
        _ignore_unfinished_fits()
        probe.fit(x[split.fit], y[split.fit])
    return float(probe.score(x[split.report], y[split.report]))


def _probe() -> Any:  # scikit-learn ships no types
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=200))


def _ignore_unfinished_fits() -> None:
    """All probes get the same 200 iterations; that one could use more changes no comparison."""
    from sklearn.exceptions import ConvergenceWarning

    warnings.simplefilter("ignore", ConvergenceWarning)
