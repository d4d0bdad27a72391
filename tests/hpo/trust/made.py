"""Studies as evidence, made of a few numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hpo.trust import StudyEvidence, TrialEvidence

EPOCH = 9


def made_trial(number: int, value: float, accuracy: float | None = None, **more: Any) -> Any:
    """One trial at the end, with one measure; probed where an accuracy is given."""
    given: dict[str, Any] = {"rungs": {EPOCH: {"rankme": value}}, **more}
    if accuracy is not None:
        given.setdefault("accuracies", {"linear": accuracy})
    return TrialEvidence(number, **given)


def made_study(
    values: Sequence[float],
    accuracies: Sequence[float | None] = (),
    *,
    others: Sequence[TrialEvidence] = (),
    n_tested: int = 600,
    **more: Any,
) -> StudyEvidence:
    """A study whose objective is rankme; `others` are trials made elsewhere."""
    known = [*accuracies, *[None] * (len(values) - len(accuracies))]
    trials = [made_trial(i, v, a) for i, (v, a) in enumerate(zip(values, known, strict=True))]
    every = (*trials, *others)
    tested = {"linear": n_tested} if any(t.accuracies for t in every) else {}
    given: dict[str, Any] = {"measures": {"rankme": "maximize"}, "n_tested": tested, **more}
    return StudyEvidence(every, "rankme", EPOCH, **given)


def in_order(n: int, **more: Any) -> StudyEvidence:
    """A study of n trials that the measure puts in the probe's own order, 2 points apart."""
    return made_study([float(i) for i in range(n)], [0.5 + i / 50 for i in range(n)], **more)
