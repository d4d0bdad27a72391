"""Linear probes: the only place where labels are used, and only after the search."""

from __future__ import annotations

import math
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


def split_probe(labels: Tensor, *, seed: int, report_share: float = 0.5) -> ProbeSplit:
    """Split the probe's labelled images in two, each class in both in the same proportion.

    Args:
        labels: int64 (n,), n >= 2. The only image of a class goes to the fitting part.
        seed: of the split.
        report_share: share kept for the final figure, in (0, 1).
    """
    from sklearn.model_selection import train_test_split

    values = labels.numpy()
    only_one = np.bincount(values)[values] == 1
    several, single = np.flatnonzero(~only_one), np.flatnonzero(only_one)
    if len(several) == 0:  # nothing to keep in proportion
        several, single = single, several
    n_report = min(math.ceil(len(several) * report_share), len(several) - 1)
    n_classes = len(np.unique(values[several]))
    enough = n_classes <= min(n_report, len(several) - n_report)
    fit, report = train_test_split(
        several,
        test_size=n_report,
        random_state=seed,
        stratify=values[several] if enough else None,
    )
    return ProbeSplit(np.sort(np.concatenate([fit, single])), np.sort(report))


def cross_validated_accuracy(features: Tensor, labels: Tensor, split: ProbeSplit) -> float:
    """Accuracy of a linear probe by cross-validation inside the fitting part.

    Args:
        features: float (n, dim), of all the probe's images.
        labels: int64 (n,).
        split: of those images.

    Returns:
        Mean accuracy of at most 5 folds, in [0, 1], higher is better; nan when there is but one
        image to fit on.
    """
    from sklearn.model_selection import KFold, StratifiedKFold

    x, y = features.numpy()[split.fit], labels.numpy()[split.fit]
    if len(y) < 2:
        return math.nan
    rarest = int(np.bincount(y)[np.unique(y)].min())
    folds = (
        StratifiedKFold(min(5, rarest), shuffle=True, random_state=0)
        if rarest >= 2
        else KFold(min(5, len(y)), shuffle=True, random_state=0)
    )
    scores = [_fitted(x[fit], y[fit]).score(x[held], y[held]) for fit, held in folds.split(x, y)]
    return float(np.mean(scores))


def reported_accuracy(features: Tensor, labels: Tensor, split: ProbeSplit) -> float:
    """Accuracy on the reporting part of a probe fitted on the fitting part, in [0, 1]."""
    x, y = features.numpy(), labels.numpy()
    probe = _fitted(x[split.fit], y[split.fit])
    return float(probe.score(x[split.report], y[split.report]))


def _fitted(x: Features, y: Labels) -> Any:  # scikit-learn ships no types
    from sklearn.dummy import DummyClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if len(np.unique(y)) == 1:  # where the other classes are too rare to be in this fold
        return DummyClassifier().fit(x, y)
    with warnings.catch_warnings():
        _ignore_unfinished_fits()
        return make_pipeline(StandardScaler(), LogisticRegression(max_iter=200)).fit(x, y)


def _ignore_unfinished_fits() -> None:
    """All probes get the same 200 iterations; that one could use more changes no comparison."""
    from sklearn.exceptions import ConvergenceWarning

    warnings.simplefilter("ignore", ConvergenceWarning)
