"""The Goldilocks filter while the study runs: rounds of probes, each decided, then carried out."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import optuna
from torch import nn

from hpo.budget import Budget
from hpo.candidates import finished_candidates
from hpo.counted import counted
from hpo.errors import ConfigError
from hpo.goldilocks import (
    EVERYWHERE,
    Candidate,
    Round,
    RoundRules,
    eligible,
    next_round,
    probes_of_best,
)
from hpo.ledger import Ledger
from hpo.meter import Meter
from hpo.observer import Observer
from hpo.options import StudyConfig
from hpo.ordering import ROUND, next_order
from hpo.prober import Prober
from hpo.pruning.zone import Zone
from hpo.record import TrialRow, read_rows
from hpo.retention.rule import UNFINISHED
from hpo.storage import StudyDirectory
from hpo.workload import Workload
from objectives import get_measure


class OnlineFilter:
    """Probes a few of the finished trials, round by round, while the study runs.

    A round is stored before its first probe, and each probe when it is done: after a kill, the
    round goes on with those that are missing. It belongs to the process that holds the study.

    Args:
        study: where rounds and probes are recorded.
        directory: the study's.
        workload: its images.
        meter: counts the time.
        observer: who watches.
        budget: what probes may spend.
        untrained: the backbone all trials started from, BatchNorm calibrated.

    Raises:
        ConfigError: when every trial is to be probed and there is no label.
    """

    def __init__(
        self,
        study: optuna.Study,
        directory: StudyDirectory,
        workload: Workload,
        meter: Meter,
        observer: Observer,
        budget: Budget,
        untrained: nn.Module,
    ) -> None:
        config = workload.config
        self.study, self.directory, self.workload = study, directory, workload
        self.meter, self.observer, self.budget = meter, observer, budget
        self.untrained, self.config = untrained, config
        if config.probe_all and workload.probe is None:
            raise ConfigError(
                "probe_all: got true for a study without labelled images; add --labels, or "
                "--check-labels to probe without choosing by it."
            )
        self.prober = (
            None if workload.probe is None else Prober(study, directory, workload, meter, observer)
        )
        self.rules = rules_of_rounds(config)

    def after_trial(self) -> None:
        """Probe what is to be probed now; call it after each trial that ended."""
        rows = read_rows(self.study, running=True)
        finished = finished_candidates(rows)
        if self.prober is None:
            return
        self._probe_on_the_way(self.prober, rows)
        if not finished:
            return
        if self.config.probe_all:
            self._probe_everybody(self.prober, finished)
        elif self.config.labels and self.config.probe_best is None:
            self.finish_round()
            if len(self._new(finished)) >= self.config.probe_batch:
                self._run_round(self.prober, finished)

    def last_round(self, candidates: Sequence[Candidate]) -> None:
        """Give those that finished since the last round their round, however few they are.

        Args:
            candidates: all that may be compared, measured at one and the same epoch.
        """
        if self.prober is None:
            return
        # What a kill prevented after the last trial: no other may come.
        self._probe_on_the_way(self.prober, read_rows(self.study, running=True))
        self.prober.baselines(self.untrained)
        if self.config.probe_all:
            self._probe_everybody(self.prober, candidates)
        elif self.config.labels:
            self.finish_round()
            if self._new(candidates):
                self._run_round(self.prober, candidates)

    def finish_round(self) -> None:
        """Do the probes of the last round that a kill prevented."""
        rounds = read_rounds(self.study.user_attrs)
        if self.prober is None or not rounds:
            return
        for number in rounds[-1].numbers:
            if self.prober.known(number) is None and self.prober.can_probe(number):
                self.observer.note(f"probing trial {number}")
                self.prober.trial(number)

    def accuracies(self) -> dict[int, float]:
        """Return the cross-validated accuracy in [0, 1] by number, of probed trials.

        Replicates are left out.
        """
        if self.prober is None:
            return {}
        own = {r.number for r in read_rows(self.study, running=True) if r.replicate_of is None}
        return {n: value for n, value in self.prober.accuracies.items() if n in own}

    @property
    def n_labelled(self) -> int | None:
        """Images that probes are compared on; None without labels."""
        return None if self.prober is None else len(self.prober.split.fit)

    def unavailable(self, candidates: Sequence[Candidate]) -> dict[int, str]:
        """Return a reason by number for candidates whose backbones are not there any more."""
        return {
            c.number: "its checkpoint was not kept"
            for c in candidates
            if not self.directory.checkpoint(c.number).exists()
        }

    def _new(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        rounds = read_rounds(self.study.user_attrs)
        seen = {number for each in rounds for number in each.candidates}
        barred = eligible(candidates, least_moved=self.config.least_moved)
        return [c for c in candidates if c.number not in seen and c.number not in barred]

    def _run_round(self, prober: Prober, candidates: Sequence[Candidate]) -> None:
        prober.baselines(self.untrained)
        with self.directory.deciding():
            earlier = read_rounds(self.study.user_attrs)
            best = self.config.probe_best
            decide = next_round if best is None else partial(probes_of_best, best=best)
            decided = decide(
                candidates,
                earlier,
                self.accuracies(),
                self.rules,
                affordable=self._affordable(prober),
                unavailable=self.unavailable(candidates),
            )
            self.study.set_user_attr(
                f"{ROUND}{len(earlier) + 1}",
                {"order": next_order(self.study), **decided.as_json()},
            )
        window = "no window" if decided.zone == EVERYWHERE else f"window {decided.zone}"
        self.observer.note(
            f"round {len(earlier) + 1}: {len(decided.candidates)} finished since the last one, "
            f"{counted(len(decided.numbers), 'trial')} to probe, {window}"
        )
        self.finish_round()

    def _probe_everybody(self, prober: Prober, candidates: Sequence[Candidate]) -> None:
        prober.baselines(self.untrained)
        for number in (c.number for c in candidates if prober.known(c.number) is None):
            if prober.can_probe(number):
                self.observer.note(f"probing trial {number}")
                prober.trial(number)
            else:
                self.observer.note(f"trial {number} is not probed: its checkpoint was not kept")

    def _probe_on_the_way(self, prober: Prober, rows: Sequence[TrialRow]) -> None:
        """Probe all that ended at their rungs; the last of a finished trial is a probe as any."""
        for row in rows if self.config.probe_rungs else ():
            if row.state in UNFINISHED:
                continue
            as_any = row.state == "finished" and row.replicate_of is None
            for epoch in row.rungs[:-1] if as_any else row.rungs:
                prober.on_the_way(row.number, epoch)

    def _affordable(self, prober: Prober) -> int | None:
        if not prober.probe_seconds > 0:
            return None
        spend = Ledger(self.study, self.budget, self.meter).spend(fresh=True)
        return self.budget.probes_affordable(spend, prober.probe_seconds)


def rules_of_rounds(config: StudyConfig) -> RoundRules:
    """Return what the rounds of a study go by."""
    return RoundRules(
        batch=config.probe_batch,
        direction=get_measure(config.objective).optimiser_direction,
        least_moved=config.least_moved,
        zone=None if config.zone is None else Zone.parse(config.zone),
        filtered=config.filter,
        explore_share=config.explore_share,
        seed=config.seed,
    )


def read_rounds(user_attrs: dict[str, Any]) -> list[Round]:
    """Return the rounds that a study's attributes hold, the first one first."""
    places = sorted(int(key.removeprefix(ROUND)) for key in user_attrs if key.startswith(ROUND))
    return [Round.from_json(user_attrs[f"{ROUND}{place}"]) for place in places]
