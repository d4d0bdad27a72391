"""The pruning rules as ordinary Optuna pruners, for anybody's study."""

from hpo.pruners.collapse import CollapsePruner
from hpo.pruners.combined import CombinedPruner
from hpo.pruners.goldilocks import GoldilocksPruner
from hpo.pruners.halving import HalvingPruner
from hpo.pruners.reading import history_for, read_history, reading_of
from hpo.pruners.reporting import report_rung

__all__ = [
    "CollapsePruner",
    "CombinedPruner",
    "GoldilocksPruner",
    "HalvingPruner",
    "history_for",
    "read_history",
    "reading_of",
    "report_rung",
]
