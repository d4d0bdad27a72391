"""A study as if another measure had been its objective."""

from __future__ import annotations

import math
from dataclasses import replace

from hpo.errors import ConfigError
from hpo.history import Finding, Reading
from hpo.replay.events import Report
from hpo.replay.recording import Recording
from objectives import Measure

_UNDEFINED = "undefined"


def with_objective(recording: Recording, measure: Measure) -> Recording:
    """Report another measure of those that were recorded at every rung.

    Args:
        recording: of a study.
        measure: the new objective. Where it has no value, the trial counts as collapsed, as it
            does online; where only the old one had none, it no longer does.

    Raises:
        ConfigError: when the study recorded no such measure, naming those it has.
    """
    events = (
        replace(event, reading=_turned(event.reading, measure))
        if isinstance(event, Report)
        else event
        for event in recording.events
    )
    replicates = {
        number: tuple(_turned(reading, measure) for reading in readings)
        for number, readings in recording.replicates.items()
    }
    return replace(recording, events=tuple(events), replicates=replicates)


def _turned(reading: Reading, measure: Measure) -> Reading:
    if measure.name not in reading.values:
        known = ", ".join(sorted(reading.values)) or "none"
        raise ConfigError(
            f"objective: trial {reading.trial} has no {measure.name!r} at epoch {reading.epoch}. "
            f"Recorded there: {known}."
        )
    objective = measure.objective(reading.values[measure.name])
    finding = reading.finding
    if finding is not None and finding.kind == _UNDEFINED:
        finding = None
    if finding is None and not math.isfinite(objective):
        reason = f"{measure.name} is undefined at epoch {reading.epoch}"
        finding = Finding(_UNDEFINED, measure.layer, reason)
    return replace(reading, objective=objective, finding=finding)
