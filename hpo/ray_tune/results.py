"""Ray's results as the readings that the pure rules judge by, kept in memory as they arrive."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from hpo.errors import ConfigError
from hpo.history import Finding, History, Reading
from hpo.pruning.collapse import KINDS, UNNAMED

COLLAPSE = "collapse"  # result key: the kind of collapse that was seen; "" for none


def result_keys(finding: Finding | None) -> dict[str, str | bool]:
    """Return a finding as entries of a result; flat, because Ray's schedulers see flat results.

    Args:
        finding: the collapse that was seen, if any.

    Returns:
        `collapse` (its kind, "" for none), `collapse_layer`, `collapse_reason`, `collapse_clear`.

    >>> result_keys(None)["collapse"]
    ''
    """
    found = finding or Finding("", "", "", clear=False)
    return {
        COLLAPSE: found.kind,
        "collapse_layer": found.layer,
        "collapse_reason": found.reason,
        "collapse_clear": found.clear,
    }


def finding_in(result: Mapping[str, Any]) -> Finding | None:
    """Read what `result_keys` wrote; `collapse` alone, from somebody's own loop, is enough.

    Args:
        result: as reported; without `collapse`, or with an empty one, nothing collapsed.

    Returns:
        The finding. A word that is no known kind is a collapse whose kind nobody named.

    >>> finding_in({"collapse": "constant"}).kind, finding_in({"collapse": ""})
    ('constant', None)
    """
    said = result.get(COLLAPSE)
    if not said:
        return None
    return Finding(
        kind=said if said in KINDS else UNNAMED,
        layer=result.get("collapse_layer", "training"),
        reason=result.get("collapse_reason", f"collapsed: {said}"),
        clear=bool(result.get("collapse_clear", True)),
    )


class ResultHistory:
    """Readings of all trials of an experiment, in the order in which their results arrived.

    A trial that goes back, because it was restored or took over another's checkpoint, forgets
    what came after; a result that is sent twice is one reading.

    Args:
        time_attr: key of the epoch, or of whatever the trials count.
        metric: key of the objective; None where nothing judges by it.
        measures: keys of further values that rules judge by.
    """

    def __init__(
        self, *, time_attr: str = "epoch", metric: str | None = None, measures: tuple[str, ...] = ()
    ) -> None:
        self.time_attr, self.metric, self.measures = time_attr, metric, measures
        self._numbers: dict[str, int] = {}
        self._readings: dict[int, dict[int, Reading]] = {}
        self._collapsed: set[int] = set()
        self._n_taken = 0

    def number(self, trial_id: str) -> int:
        """Return a trial's number: 0 for the first that was seen, then 1, and so on."""
        return self._numbers.setdefault(trial_id, len(self._numbers))

    def take(self, trial_id: str, result: Mapping[str, Any]) -> Reading:
        """Keep a result.

        Args:
            trial_id: Ray's name of the trial.
            result: as reported; a metric or a measure may be nan, but not missing.

        Returns:
            It as a reading.

        Raises:
            ConfigError: for a result without one of the keys.
        """
        number = self.number(trial_id)
        epoch = int(_value(trial_id, result, "time_attr", self.time_attr))
        own = self._readings.setdefault(number, {})
        for later in [seen for seen in own if seen > epoch]:
            del own[later]
        metric = self.metric
        own[epoch] = Reading(
            trial=number,
            epoch=epoch,
            objective=math.nan if metric is None else _value(trial_id, result, "metric", metric),
            values={name: _value(trial_id, result, "measure", name) for name in self.measures},
            finding=finding_in(result),
            order=self._n_taken,
        )
        self._n_taken += 1
        return own[epoch]

    def stopped_as_collapsed(self, number: int) -> None:
        """Take note that a trial was stopped as dead: nobody is compared with it any more."""
        self._collapsed.add(number)

    def before(self, reading: Reading) -> History:
        """Return what a decision on a reading may look at.

        Returns:
            The trial's readings, and of others those at the same epoch. The rules give the same
            verdict on it as on the whole history.
        """
        own = self._readings[reading.trial].values()
        others = [
            readings[reading.epoch]
            for number, readings in self._readings.items()
            if number != reading.trial and reading.epoch in readings
        ]
        return History((*own, *others), collapsed=frozenset(self._collapsed))


def _value(trial_id: str, result: Mapping[str, Any], argument: str, key: str) -> float:
    try:
        return float(result[key])
    except KeyError:
        raise ConfigError(
            f"{argument}: got no {key!r} in a result of trial {trial_id}; wanted it in each, nan "
            "where it is undefined. Report it, or name another key."
        ) from None
    except (TypeError, ValueError):
        raise ConfigError(
            f"{argument}: got {key}={result[key]!r} from trial {trial_id}; wanted a number."
        ) from None
