"""Pruning decisions, pure: the same under any engine, online and in a replay."""

from hpo.pruning.collapse import CollapseRule, findings
from hpo.pruning.combination import FirstStop
from hpo.pruning.halving import Direction, HalvingRule, halving_decision
from hpo.pruning.rungs import rung_epochs
from hpo.pruning.zone import EVERYWHERE, GOLDILOCKS, Zone, explores, learn_zone
from hpo.pruning.zone_rule import ZoneRule

__all__ = [
    "EVERYWHERE",
    "GOLDILOCKS",
    "CollapseRule",
    "Direction",
    "FirstStop",
    "HalvingRule",
    "Zone",
    "ZoneRule",
    "explores",
    "findings",
    "halving_decision",
    "learn_zone",
    "rung_epochs",
]
