"""The linear probe: regularised logistic regression on standardised features."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from torch import Tensor

from hpo.probing.split import Features, Labels, ProbeSplit, folds_of

# Inverse strengths C, the strongest regularisation first: what fits 90 images best is seldom what
# fits 10,000 best, and features of another width want another one.
STRENGTHS = (0.001, 0.01, 0.1, 1.0, 10.0)
_MAX_ITERATIONS = 200


def best_strength(
    features: Tensor, labels: Tensor, split: ProbeSplit, strengths: Sequence[float] = STRENGTHS
) -> tuple[float, float]:
    """Cross-validate a few strengths inside the fitting part.

    Args:
        features: float32 (n, dim), of all the probe's images.
        labels: int64 (n,).
        split: of those images.
        strengths: inverse strengths C of the penalty ½‖w‖² / C, > 0.

    Returns:
        The best strength, of equals the strongest regularisation, and its mean accuracy over at
        most 5 folds, in [0, 1], higher is better; nan when there is but one image to fit on.
    """
    path = sorted(strengths)
    x, y = features.numpy()[split.fit], labels.numpy()[split.fit]
    folds = folds_of(y)
    if not folds:
        return path[0], math.nan
    scores = [
        [probe.score(x[held], y[held]) for probe in _path(x[fit], y[fit], path)]
        for fit, held in folds
    ]
    means = np.mean(scores, axis=0)
    best = int(np.argmax(means))
    return path[best], float(means[best])


def reported_accuracy(
    features: Tensor, labels: Tensor, split: ProbeSplit, *, strength: float = 1.0
) -> float:
    """Accuracy on the reporting part of a probe fitted on the fitting part, in [0, 1].

    Args:
        features: float32 (n, dim), of all the probe's images.
        labels: int64 (n,).
        split: of those images.
        strength: inverse strength C, as found by cross-validation.
    """
    x, y = features.numpy(), labels.numpy()
    probe = fitted(x[split.fit], y[split.fit], strength)
    return float(probe.score(x[split.report], y[split.report]))


def fitted(x: Features, y: Labels, strength: float, *, like: Features | None = None) -> Any:
    """Fit one linear probe; scikit-learn ships no types.

    Args:
        x: features to fit on.
        y: their labels.
        strength: inverse strength C.
        like: features that give mean and spread for standardising; those to fit on for None.
    """
    return next(_path(x, y, [strength], like))


def _path(
    x: Features, y: Labels, strengths: Sequence[float], like: Features | None = None
) -> Iterator[Any]:
    """Fit one probe after another, each from the weights of the one before: half the steps.

    The same object is yielded each time; use it before asking for the next.
    """
    from sklearn.dummy import DummyClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if len(np.unique(y)) == 1:  # where the other classes are too rare to be in this fold
        for _ in strengths:
            yield DummyClassifier().fit(x, y)
        return
    scaler = StandardScaler().fit(x if like is None else like)
    scaled = scaler.transform(x)
    probe = LogisticRegression(max_iter=_MAX_ITERATIONS, warm_start=True)
    for strength in strengths:
        probe.C = strength
        with warnings.catch_warnings():
            _ignore_unfinished_fits()
            probe.fit(scaled, y)
        yield make_pipeline(scaler, probe)


def _ignore_unfinished_fits() -> None:
    """All probes get the same 200 iterations; that one could use more changes no comparison."""
    from sklearn.exceptions import ConvergenceWarning

    warnings.simplefilter("ignore", ConvergenceWarning)
