"""Who is compared and who is left out: the first thing to know of a correlation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from hpo.trust.evidence import StudyEvidence


@dataclass(frozen=True)
class Population:
    """Counts of trials, replicates left out but for their own number.

    Args:
        started: all.
        left_out: by state, those that were not measured alive at the last epoch.
        barred: those that were, and may not be chosen.
        comparable: those that were, and may.
        probed: of the comparable, those with an accuracy of the linear probe.
        probed_barred: of the barred, likewise.
        replicates: trials that repeat others.
    """

    started: int
    left_out: Mapping[str, int]
    barred: int
    comparable: int
    probed: int
    probed_barred: int
    replicates: int

    @property
    def is_selected(self) -> bool:
        """Whether the probed trials are fewer than those that were started."""
        return self.probed < self.started

    @property
    def not_probed(self) -> int:
        """Comparable trials without an accuracy."""
        return self.comparable - self.probed


def population_of(evidence: StudyEvidence) -> Population:
    """Count a study's trials."""
    own = evidence.own
    at_end = [trial for trial in own if trial.at_end]
    return Population(
        started=len(own),
        left_out=dict(Counter(trial.state for trial in own if not trial.at_end)),
        barred=sum(not trial.may_be_chosen for trial in at_end),
        comparable=sum(trial.may_be_chosen for trial in at_end),
        probed=len(evidence.probed()),
        probed_barred=len(evidence.probed(barred=True)) - len(evidence.probed()),
        replicates=len(evidence.trials) - len(own),
    )
