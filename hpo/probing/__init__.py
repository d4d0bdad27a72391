"""Probes: the only place where labels are used, and never by what trains or measures."""

from hpo.probing.features import FeatureCache, trial_backbone
from hpo.probing.few_shot import few_shot_accuracies
from hpo.probing.linear import (
    STRENGTHS,
    best_strength,
    reported_accuracy,
)
from hpo.probing.nearest import knn_accuracy
from hpo.probing.record import probe
from hpo.probing.split import ProbeSplit, split_probe

__all__ = [
    "STRENGTHS",
    "FeatureCache",
    "ProbeSplit",
    "best_strength",
    "few_shot_accuracies",
    "knn_accuracy",
    "probe",
    "reported_accuracy",
    "split_probe",
    "trial_backbone",
]
