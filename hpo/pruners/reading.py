"""What a study's storage says, as the readings that the pure rules judge by."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import optuna
from optuna.trial import FrozenTrial

from hpo.history import Finding, History, Reading
from hpo.ordering import DECISION, FINDING, ORDER, PROBE
from hpo.pruning.collapse import UNNAMED
from hpo.record import RUNG

COLLAPSE = "collapse"  # trial attribute: why it is dead
REPLICATE = "replicate_of"  # trial attribute: whose configuration it repeats under another seed


def read_history(study: optuna.Study) -> History:
    """Read all that decisions may look at.

    Any study will do. Where trials have no attributes of ours, the reported values are all there
    is. Values of failed trials count like others: they were so when others were judged by them.

    Args:
        study: where from.

    Returns:
        Readings, dead trials and probes, without trials that repeat others under another seed.
    """
    trials = [t for t in study.get_trials(deepcopy=False) if REPLICATE not in t.user_attrs]
    return History(
        readings=tuple(reading for trial in trials for reading in _readings(trial)),
        collapsed=frozenset(trial.number for trial in trials if _is_dead(trial)),
        probed=_probed(study),
    )


def history_for(study: optuna.Study, trial: FrozenTrial) -> History:
    """Read what a decision about one trial may look at, and no more.

    Args:
        study: where from.
        trial: who is judged, by its newest report; as it is given, also if it repeats another.

    Returns:
        The trial's readings, and of others those at the epoch of its newest report. The rules
        give the same verdict on it as on the whole history.
    """
    epoch = trial.last_step
    others = [
        other
        for other in study.get_trials(deepcopy=False)
        if other.number != trial.number and REPLICATE not in other.user_attrs
    ]
    at_epoch = [reading_of(other, epoch) for other in others if epoch is not None]
    return History(
        readings=(*_readings(trial), *(reading for reading in at_epoch if reading is not None)),
        collapsed=frozenset(other.number for other in (*others, trial) if _is_dead(other)),
        probed=_probed(study),
    )


def reading_of(trial: FrozenTrial, epoch: int | None = None) -> Reading | None:
    """Return what a trial was measured as.

    Args:
        trial: as stored.
        epoch: of the report; None for the newest.

    Returns:
        The reading; None where it reported nothing then.
    """
    epoch = trial.last_step if epoch is None else epoch
    if epoch is None or epoch not in trial.intermediate_values:
        return None
    attrs = trial.user_attrs
    return Reading(
        trial=trial.number,
        epoch=epoch,
        objective=trial.intermediate_values[epoch],
        values=attrs.get(f"{RUNG}{epoch}", {}),
        finding=_finding(trial, epoch),
        order=attrs.get(f"{ORDER}{epoch}", 0),
    )


def _readings(trial: FrozenTrial) -> Iterator[Reading]:
    for epoch in sorted(trial.intermediate_values):
        reading = reading_of(trial, epoch)
        if reading is not None:
            yield reading


def _finding(trial: FrozenTrial, epoch: int) -> Finding | None:
    attrs = trial.user_attrs
    stored: dict[str, Any] | None = attrs.get(f"{FINDING}{epoch}")
    if stored is not None:
        return Finding(**stored)
    # Somebody's own loop may only say that a trial is dead: then its newest value is a dead one.
    if attrs.get(COLLAPSE) and epoch == trial.last_step and not _has(trial, FINDING):
        return Finding(UNNAMED, "training", str(attrs[COLLAPSE]))
    return None


def _is_dead(trial: FrozenTrial) -> bool:
    if trial.user_attrs.get(COLLAPSE):
        return True
    return any(
        value["stop"] and value["kind"] == "collapse"
        for key, value in trial.user_attrs.items()
        if key.startswith(DECISION)
    )


def _has(trial: FrozenTrial, prefix: str) -> bool:
    return any(key.startswith(prefix) for key in trial.user_attrs)


def _probed(study: optuna.Study) -> dict[int, float]:
    return {
        int(key.removeprefix(PROBE)): record.get("cross_validated", math.nan)
        for key, record in study.user_attrs.items()
        # "untrained" and "pixels" are probes too, but of no trial.
        if key.startswith(PROBE) and key.removeprefix(PROBE).isdecimal()
    }
