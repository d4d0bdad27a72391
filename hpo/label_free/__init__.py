"""Label-free objectives for an Optuna study of one's own: over our training, or over one's own."""

from hpo.label_free.embedding import embed
from hpo.label_free.objective import LabelFreeObjective
from hpo.label_free.user_training import UserObjective, label_free_objective
from hpo.label_free.yielded import Embeddings

__all__ = ["Embeddings", "LabelFreeObjective", "UserObjective", "embed", "label_free_objective"]
