"""A history that grows event by event and finds a trial and its peers without a search."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from hpo.history import History, Reading


class GrowingHistory(History):
    """Gives the answers of a `History` of the same readings, in the time that they take to list.

    Rules are pure and keep nothing, so one object serves all decisions of a replay.

    >>> history = GrowingHistory()
    >>> history.add(Reading(0, 6, 5.0))
    >>> [reading.objective for reading in history.peers(Reading(1, 6, 4.0))]
    [5.0]
    """

    def __init__(self) -> None:
        # Past the frozen fields, which are properties here.
        self.__dict__["_readings"] = list[Reading]()
        self.__dict__["_by_trial"] = defaultdict[int, list[Reading]](list)
        self.__dict__["_by_epoch"] = defaultdict[int, list[Reading]](list)
        self.__dict__["_dead"] = frozenset[int]()
        self.__dict__["_accuracies"] = dict[int, float]()

    _readings: list[Reading]
    _by_trial: dict[int, list[Reading]]
    _by_epoch: dict[int, list[Reading]]
    _dead: frozenset[int]
    _accuracies: dict[int, float]

    def add(self, reading: Reading) -> None:
        """Take in what a trial was measured as."""
        self._readings.append(reading)
        self._by_trial[reading.trial].append(reading)
        self._by_epoch[reading.epoch].append(reading)

    def bury(self, trial: int) -> None:
        """Take note that a trial was stopped as collapsed: it is nobody's peer from now on."""
        self.__dict__["_dead"] = self._dead | {trial}

    def probe(self, trial: int, accuracy: float) -> None:
        """Take in a probe accuracy, in [0, 1]."""
        self._accuracies[trial] = accuracy

    @property
    def readings(self) -> tuple[Reading, ...]:
        """All readings, in the order in which they came."""
        return tuple(self._readings)

    @property
    def collapsed(self) -> frozenset[int]:
        """Numbers of the trials stopped as collapsed."""
        return self._dead

    @property
    def probed(self) -> Mapping[int, float]:
        """Probe accuracy by number."""
        return self._accuracies

    def of(self, trial: int) -> tuple[Reading, ...]:
        """Return the readings of one trial, by ascending epoch."""
        return tuple(sorted(self._by_trial.get(trial, ()), key=lambda reading: reading.epoch))

    def peers(self, reading: Reading) -> tuple[Reading, ...]:
        """Return the readings of other trials at the same epoch, without dead ones."""
        return tuple(
            other
            for other in self._by_epoch.get(reading.epoch, ())
            if other.trial != reading.trial
            and other.finding is None
            and other.trial not in self._dead
        )
