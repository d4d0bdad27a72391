"""The probe's labelled images in two parts: to choose by, and to report on."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

Labels = npt.NDArray[np.int64]
Features = npt.NDArray[np.float32]

_N_FOLDS = 5


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


def folds_of(y: Labels) -> list[tuple[Any, Any]]:
    """Return positions to fit on and held out, of at most 5 folds; none for a single image.

    Every kind of probe sees the same folds. Each class is in all of them in proportion where no
    class has but one image.
    """
    from sklearn.model_selection import KFold, StratifiedKFold

    if len(y) < 2:
        return []
    rarest = int(np.bincount(y)[np.unique(y)].min())
    folds = (
        StratifiedKFold(min(_N_FOLDS, rarest), shuffle=True, random_state=0)
        if rarest >= 2
        else KFold(min(_N_FOLDS, len(y)), shuffle=True, random_state=0)
    )
    return list(folds.split(np.zeros(len(y)), y))
