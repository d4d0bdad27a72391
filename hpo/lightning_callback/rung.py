"""A measure at a rung, as the rules of pruning read it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from hpo.history import Finding, Reading
from hpo.lightning_callback.start import Start
from hpo.measuring import Measurement
from hpo.pruning import findings
from hpo.pruning.collapse import UNDEFINED
from objectives import get_measure


def reading_at(rung: int, found: Measurement, start: Start | None, objective: str) -> Reading:
    """Return what a network was measured as.

    Args:
        rung: finished epochs, or steps.
        found: with a value of `objective`, which is missing where values are not finite.
        start: of the training; None where unknown.
        objective: a measure's name.

    Returns:
        The reading, with the collapse that was seen; an objective without a value is one too.
    """
    measure = get_measure(objective)
    references = (None, None) if start is None else (start.backbone, start.projector)
    finding = findings(found.backbone, found.projector, references=references, gain=found.gain)
    value = measure.objective(found.values.get(objective, math.nan))
    if finding is None and not math.isfinite(value):
        finding = Finding(UNDEFINED, measure.layer, f"{objective} is undefined at {rung}")
    return Reading(0, rung, value, dict(found.values), finding)


def stored_reading(stored: Mapping[str, Any]) -> Reading:
    """Read what `dataclasses.asdict` made of a reading."""
    finding = stored["finding"]
    return Reading(**{**stored, "finding": None if finding is None else Finding(**finding)})
