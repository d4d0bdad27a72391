"""What trust is judged from: each trial's measures and probes, as plain numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from hpo.errors import ConfigError
from hpo.trust.prior import PriorEvidence
from hpo.trust.ranking import Floats

Direction = Literal["maximize", "minimize", "closest_to_one"]

LINEAR = "linear"
"""The probe that everything is said of, where nothing else is named."""


@dataclass(frozen=True)
class TrialEvidence:
    """One trial.

    Args:
        number: the trial's.
        state: how it ended, as in `hpo.record.TrialRow`.
        rungs: by epoch, its measures there by name.
        at_end: whether it is one of those that are compared: measured at the same, last epoch and
            alive.
        barred: why it may not be chosen although it is; empty where it may.
        accuracies: of its probes, in [0, 1], by probe; empty where it was not probed at its end.
        replicate_of: number of the trial whose configuration it repeats under another seed.
    """

    number: int
    state: str = "finished"
    rungs: Mapping[int, Mapping[str, float]] = field(default_factory=dict)
    at_end: bool = True
    barred: str = ""
    accuracies: Mapping[str, float] = field(default_factory=dict)
    replicate_of: int | None = None

    @property
    def may_be_chosen(self) -> bool:
        """Whether it is compared with others and nothing bars it."""
        return self.at_end and not self.barred and self.replicate_of is None


@dataclass(frozen=True)
class StudyEvidence:
    """One study.

    Args:
        trials: all that were started, replicates among them.
        objective: name of the measure that the study goes by; one of `measures`.
        epoch: at which trials are compared; 0 where none is.
        measures: direction by name, of all that were recorded.
        n_tested: images that a probe's accuracy is over, by probe.
        chosen: the study's own choice, if it has made one.
        chosen_by_probe: whether probes had a say in it, so that it is no proof of a measure.
        priors: what is known of measures from elsewhere.

    Raises:
        ConfigError: for an objective that is none of the measures.
    """

    trials: tuple[TrialEvidence, ...]
    objective: str
    epoch: int
    measures: Mapping[str, Direction]
    n_tested: Mapping[str, int] = field(default_factory=dict)
    chosen: int | None = None
    chosen_by_probe: bool = False
    priors: tuple[PriorEvidence, ...] = ()

    def __post_init__(self) -> None:
        if self.objective not in self.measures:
            raise ConfigError(
                f"objective: got {self.objective!r}, wanted one of the recorded measures: "
                f"{', '.join(self.measures) or 'there are none'}."
            )

    @property
    def own(self) -> tuple[TrialEvidence, ...]:
        """The trials that repeat no other."""
        return tuple(t for t in self.trials if t.replicate_of is None)

    @property
    def rungs(self) -> tuple[int, ...]:
        """Epochs at which trials of the end were measured, up to the end, ascending."""
        every = {epoch for t in self.own if t.at_end for epoch in t.rungs}
        return tuple(sorted(epoch for epoch in every if epoch <= self.epoch))

    def scores(self, measure: str, trials: tuple[TrialEvidence, ...], epoch: int) -> Floats:
        """Return a measure's scores at an epoch, higher better: v, −v or −|v − 1|.

        Args:
            measure: its name.
            trials: whose.
            epoch: where.

        Returns:
            Shape (n_trials,); nan where there is no finite value, for none can be ranked then.
        """
        missing: Mapping[str, float] = {}
        found = [t.rungs.get(epoch, missing).get(measure, math.nan) for t in trials]
        values = np.array(found, dtype=float)
        values[~np.isfinite(values)] = np.nan
        direction = self.measures[measure]
        if direction == "closest_to_one":
            return -np.abs(values - 1.0)
        return values if direction == "maximize" else -values

    def accuracies(self, probe: str, trials: tuple[TrialEvidence, ...]) -> Floats:
        """Return accuracies of a probe, shape (n_trials,); nan where there is none."""
        return np.array([t.accuracies.get(probe, math.nan) for t in trials], dtype=float)

    def probed(self, probe: str = LINEAR, *, barred: bool = False) -> tuple[TrialEvidence, ...]:
        """Return the trials of the end that have an accuracy.

        Args:
            probe: which.
            barred: whether those that may not be chosen count as well.
        """
        return tuple(
            t
            for t in self.own
            if t.at_end
            and (barred or t.may_be_chosen)
            and math.isfinite(t.accuracies.get(probe, math.nan))
        )
