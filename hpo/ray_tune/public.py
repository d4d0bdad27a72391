"""Everything that `hpo.ray_tune` offers; importing this imports ray."""

from hpo.ray_tune.goldilocks_scheduler import GoldilocksScheduler
from hpo.ray_tune.label_free_searcher import LabelFreeSearcher
from hpo.ray_tune.resources import trial_resources
from hpo.ray_tune.scheduler import StudyScheduler
from hpo.ray_tune.searcher import StudySearcher
from hpo.ray_tune.stoppers import CollapseStopper
from hpo.ray_tune.study_trainable import StudyTrainable
from hpo.ray_tune.user_trainable import trainable

__all__ = [
    "CollapseStopper",
    "GoldilocksScheduler",
    "LabelFreeSearcher",
    "StudyScheduler",
    "StudySearcher",
    "StudyTrainable",
    "trainable",
    "trial_resources",
]
