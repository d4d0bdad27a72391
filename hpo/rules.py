"""What a study decides by, at every rung: the same online, in a replay and under any engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hpo.decision import GO_ON, Decision
from hpo.history import History, Reading, Rule
from hpo.options import StudyConfig
from hpo.pruning import CollapseRule, FirstStop, HalvingRule
from hpo.pruning.zone import EVERYWHERE, Zone
from hpo.pruning.zone_rule import ZoneRule

# The first trial is trained to its end, and the second already has to keep up with it: training
# three costs a twentieth of a study of 60 trials (the design study of benchmarks/ compares them).
_MIN_PEERS = 1
Direction = Literal["maximize", "minimize"]


@dataclass(frozen=True)
class OnlyAt:
    """A rule that is asked at one epoch and nowhere else."""

    rule: Rule
    epoch: int

    def decide(self, reading: Reading, history: History) -> Decision:
        """Ask the rule at its epoch; go on at every other."""
        return self.rule.decide(reading, history) if reading.epoch == self.epoch else GO_ON


def rules_of(config: StudyConfig, *, direction: Direction) -> Rule:
    """Return the rules of a study, the first stop of which counts.

    At the last rung a collapse always stops: a dead trial can never be chosen. Before it, a
    collapse (`--prune`), an α too far from the zone (`--filter`) and a place outside the best
    (`--prune`) stop a trial, in this order. Without a zone that was given (`--zone`) there is none
    until probes have taught one (`--labels`): the published one keeps the best from finishing.

    Args:
        config: the study's.
        direction: of the reported value.
    """
    last = config.epochs
    rules: list[Rule] = [OnlyAt(CollapseRule(patience=1), last)]
    if config.prune:
        rules.append(CollapseRule(patience=config.patience))
    if asks_for_zone(config):
        rules.append(
            ZoneRule(
                zone=EVERYWHERE if config.zone is None else Zone.parse(config.zone),
                share=config.filter_share,
                last_epoch=last,
                explore_share=config.explore_share,
                seed=config.seed,
                adaptive=config.zone is None,
            )
        )
    if config.prune:
        rules.append(
            HalvingRule(
                direction=direction,
                factor=config.rung_factor,
                min_peers=_MIN_PEERS,
                last_epoch=last,
            )
        )
    return FirstStop(tuple(rules))


def asks_for_zone(config: StudyConfig) -> bool:
    """Whether trials are asked for a zone: one that was given, or that rounds of probes teach.

    Labels that only check a choice, or come after the search, must not stop a trial.
    """
    in_rounds = config.labels and config.probe_best is None
    return config.filter and (config.zone is not None or in_rounds)


def replicate_rules(config: StudyConfig) -> Rule:
    """Return the rules of a trial that repeats a finalist: only a collapse stops it."""
    last = OnlyAt(CollapseRule(patience=1), config.epochs)
    return FirstStop((last, CollapseRule(patience=config.patience)))
