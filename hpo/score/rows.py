"""What is said of each measure, the same in the table, in JSON and on the page."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from objectives.alpha_req import GOLDILOCKS_ZONE, R_SQUARED_THRESHOLD, AlphaFit, zone_distance
from objectives.registry import MEASURES

if TYPE_CHECKING:
    from objectives.assessment import Assessment
    from objectives.measurement import MeasurementRecord

GOOD = {"maximize": "high", "minimize": "low", "closest_to_one": "close to 1"}


@dataclass(frozen=True)
class ScoreRow:
    """One measure.

    Args:
        measure: its name.
        value: of it, or None where it has none.
        good: which values are good, in words; empty for a measure that is not registered.
        note: why there is no value, or what to know of it; empty when there is nothing to say.
        record: how it was measured; None without a value.
    """

    measure: str
    value: float | None
    good: str
    note: str
    record: MeasurementRecord | None


def score_rows(assessment: Assessment) -> list[ScoreRow]:
    """Return every measure, those that have a value first."""
    rows = [
        ScoreRow(
            measure=measured.record.measure,
            value=measured.value if math.isfinite(measured.value) else None,
            good=_good(measured.record.measure),
            note=_note(assessment, measured.record.measure),
            record=measured.record,
        )
        for measured in assessment.values
    ]
    known = {row.measure for row in rows}
    rest = [name for name in assessment.notes if name not in known]
    return rows + [ScoreRow(n, None, _good(n), assessment.notes[n], None) for n in rest]


def verdict(assessment: Assessment) -> str:
    """Return the collapse gate's verdict with its reason, in one line."""
    report = assessment.collapse
    if report.kind is None:
        return "not collapsed, as far as can be seen without an untrained network to compare with"
    return f"collapsed ({report.kind}): {report.reason}"


def describe_fit(fit: AlphaFit) -> str:
    """Return what is needed to judge an α: its R², its range and whether it is valid.

    >>> describe_fit(AlphaFit(1.25, 0.99, 4, 100, 97))
    'valid: R² 0.990 over ranks 4 to 100; 0.05 above the zone [0.8, 1.2]'
    """
    ranks = f"ranks {fit.first_rank} to {fit.last_rank}"
    if math.isnan(fit.alpha):
        return f"not valid: no line through {ranks}; too few of them, or an eigenvalue of 0"
    if not fit.valid:
        return f"not valid: R² {fit.r_squared:.3f} over {ranks}, below {R_SQUARED_THRESHOLD:g}"
    low, high = GOLDILOCKS_ZONE
    distance = zone_distance(fit.alpha)
    side = f"{distance:.2g} {'above' if fit.alpha > high else 'below'}" if distance else "inside"
    return f"valid: R² {fit.r_squared:.3f} over {ranks}; {side} the zone [{low:g}, {high:g}]"


def _good(measure: str) -> str:
    return GOOD[MEASURES[measure].direction] if measure in MEASURES else ""


def _note(assessment: Assessment, measure: str) -> str:
    parts = [assessment.notes.get(measure, "")]
    if measure == "alpha_req" and assessment.alpha is not None:
        parts.insert(0, describe_fit(assessment.alpha))
    return "; ".join(part for part in parts if part)
