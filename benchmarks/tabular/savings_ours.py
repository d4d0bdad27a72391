"""Our own pipeline on an arrival, by the product's rules, rounds, shortlist and choice."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from benchmarks.tabular.savings_walk import Arrival, ByRule, Walk
from hpo.budget import Budget, Spend, parse_budget
from hpo.goldilocks import (
    Candidate,
    Round,
    RoundRules,
    eligible,
    next_round,
    probes_of_best,
)
from hpo.history import Rule
from hpo.online_filter import rules_of_rounds
from hpo.options import StudyConfig
from hpo.pruning import FirstStop, ZoneRule
from hpo.pruning.zone import EVERYWHERE, Zone
from hpo.replay.choosing import ChoiceSettings, choice_of
from hpo.replay.recording import Recording
from hpo.rules import rules_of
from objectives import get_measure


@dataclass(frozen=True)
class Spent:
    """What a strategy spent and chose on one arrival.

    Args:
        epochs: trained by all trials together.
        probes: made with labels.
        chosen: the model, as its trial's place and the epoch of its rung; None for none.
    """

    epochs: int
    probes: int
    chosen: tuple[int, int] | None


@dataclass(frozen=True)
class Ours:
    """A setting of the product.

    Args:
        options: that differ from the defaults of `StudyConfig`; with `labels` probes are made in
            rounds while the search runs, or with `probe_best` when it is over.
        min_evidence: of the zone rule; None for its default.
        n_workers: trials at once.
        budget_share: epochs that the study may spend, as a share of training every trial to its
            end; None for no limit.
        within_error: whether the objective chooses among those within reach of the best probe, as
            the product does; else the best probe alone does.
    """

    options: Mapping[str, Any] = field(default_factory=dict)
    min_evidence: int | None = None
    n_workers: int = 1
    budget_share: float | None = None
    within_error: bool = True

    @property
    def objective(self) -> str:
        """Name of the measure that is optimised."""
        return str(self.options.get("objective", StudyConfig().objective))

    def prepared(self, rungs: tuple[int, ...], n_labelled: int | None) -> Prepared:
        """Make what is the same for every arrival of a cell.

        Args:
            rungs: of the table; another `rung_factor` changes who goes on, not where it is asked.
            n_labelled: images that probes are compared on; None for the best probe alone.
        """
        config = StudyConfig.model_validate({**self.options, "epochs": rungs[-1]})
        direction: Literal["maximize", "minimize"] = get_measure(
            config.objective
        ).optimiser_direction
        rule = rules_of(config, direction=direction)
        if self.min_evidence is not None and isinstance(rule, FirstStop):
            rule = FirstStop(tuple(self._with_evidence(each) for each in rule.rules))
        how = ChoiceSettings(
            objective=config.objective,
            direction=direction,
            labels=config.labels,
            shortlist_share=config.shortlist_share,
            least_moved=config.least_moved,
            zone=EVERYWHERE if config.zone is None else Zone.parse(config.zone),
        )
        n_labelled = n_labelled if self.within_error else None
        return Prepared(self, config, rule, rules_of_rounds(config), how, n_labelled)

    def _with_evidence(self, rule: Rule) -> Rule:
        if isinstance(rule, ZoneRule) and self.min_evidence is not None:
            return replace(rule, min_evidence=self.min_evidence)
        return rule


@dataclass(frozen=True)
class Prepared:
    """A setting with its rules made."""

    strategy: Ours
    config: StudyConfig
    rule: Rule
    round_rules: RoundRules
    how: ChoiceSettings
    n_labelled: int | None = None

    @property
    def in_rounds(self) -> bool:
        """Whether probes are made while the search runs."""
        return self.config.labels and self.config.probe_best is None

    def walked(self, arrival: Arrival, known: Mapping[tuple[int, int], float]) -> WalkedOurs:
        """Let the trials come.

        Args:
            arrival: of the trials.
            known: cross-validated accuracy by place and epoch, seen only where it is probed.
        """
        judge = InRounds(self, known) if self.in_rounds else ByRule(self.rule)
        walk = Walk(arrival, judge, self.strategy.n_workers, self.budget_of(arrival)).run()
        candidates = walk.candidates()
        if isinstance(judge, InRounds):
            if judge.new(candidates):
                judge.round(candidates)
            return WalkedOurs(self, walk.epochs, candidates, known, dict(judge.history.probed))
        return WalkedOurs(self, walk.epochs, candidates, known, {})

    def budget_of(self, arrival: Arrival) -> Budget | None:
        """Return what the study may spend on these trials."""
        share = self.strategy.budget_share
        if share is None:
            return None
        n_epochs = math.floor(share * len(arrival.readings) * arrival.rungs[-1])
        whole = Spend(epochs=arrival.rungs[-1])
        return Budget(parse_budget(f"{n_epochs} epochs"), replicate_share=0.0, whole=whole)

    def spent(self, arrival: Arrival, known: Mapping[tuple[int, int], float]) -> Spent:
        """Let the trials come, then choose; the arguments are those of `walked`."""
        return self.walked(arrival, known).spent()


@dataclass(frozen=True)
class WalkedOurs:
    """A search that is over, before the choice."""

    prepared: Prepared
    epochs: int
    candidates: list[Candidate]
    known: Mapping[tuple[int, int], float]
    probed: Mapping[int, float]

    def spent(self, best: int | None = None) -> Spent:
        """Choose; `best` instead of the setting's own `probe_best`, 0 for a choice by no probe."""
        how, rules = self.prepared.how, self.prepared.round_rules
        probed = dict(self.probed)
        best = self.prepared.config.probe_best if best is None else best
        if best is not None:
            how = replace(how, labels=best > 0)
        if best:
            decided = probes_of_best(self.candidates, [], probed, rules, best=best)
            epochs = {c.number: c.epoch for c in self.candidates}
            probed = {n: self.known[n, epochs[n]] for n in decided.numbers}
        record = Recording((), {}, n_labelled=self.prepared.n_labelled)  # nothing is repeated
        _, choice = choice_of(record, self.candidates, probed, how)
        if choice is None:
            return Spent(self.epochs, len(probed), None)
        epoch = next(c.epoch for c in self.candidates if c.number == choice.number)
        return Spent(self.epochs, len(probed), (choice.number, epoch))


class InRounds(ByRule):
    """Judges, and probes in rounds as `hpo.online_filter.OnlineFilter` does."""

    def __init__(self, prepared: Prepared, known: Mapping[tuple[int, int], float]) -> None:
        super().__init__(prepared.rule)
        self.prepared, self.known = prepared, known
        self.rounds: list[Round] = []

    def ended(self, walk: Walk, place: int, kind: str) -> None:
        """Bury what is dead, and hold a round where enough are new."""
        super().ended(walk, place, kind)
        if len(self.new(walk.finished)) >= self.prepared.config.probe_batch:
            self.round(walk.finished)

    def new(self, candidates: list[Candidate]) -> list[Candidate]:
        """Return those that no round has seen and that may be chosen."""
        seen = {number for each in self.rounds for number in each.candidates}
        barred = eligible(candidates, least_moved=self.prepared.config.least_moved)
        return [c for c in candidates if c.number not in seen and c.number not in barred]

    def round(self, candidates: list[Candidate]) -> None:
        """Decide a round and make its probes."""
        decided = next_round(
            candidates, self.rounds, self.history.probed, self.prepared.round_rules
        )
        self.rounds.append(decided)
        epochs = {c.number: c.epoch for c in candidates}
        for number in decided.numbers:
            self.history.probe(number, self.known[number, epochs[number]])
