"""The Goldilocks filter, pure: who is shortlisted, who is probed, and which trial is chosen."""

from hpo.goldilocks.best import probes_of_best
from hpo.goldilocks.candidate import Candidate, Direction, by_objective, eligible
from hpo.goldilocks.choice import Choice, choose
from hpo.goldilocks.closeness import ALPHA_NOISE, by_closeness
from hpo.goldilocks.finalists import finalists
from hpo.goldilocks.listing import Shortlist, shortlist, shortlist_size
from hpo.goldilocks.quota import probe_quota
from hpo.goldilocks.reach import Reach, reach_of
from hpo.goldilocks.rounds import Round, RoundRules, next_round, round_shortlist
from hpo.goldilocks.seeds import Run, seed_spread
from hpo.pruning.zone import EVERYWHERE

__all__ = [
    "ALPHA_NOISE",
    "EVERYWHERE",
    "Candidate",
    "Choice",
    "Direction",
    "Reach",
    "Round",
    "RoundRules",
    "Run",
    "Shortlist",
    "by_closeness",
    "by_objective",
    "choose",
    "eligible",
    "finalists",
    "next_round",
    "probe_quota",
    "probes_of_best",
    "reach_of",
    "round_shortlist",
    "seed_spread",
    "shortlist",
    "shortlist_size",
]
