"""Checkpoints: which of them a study keeps, under which quota, and the deletion of the rest."""

from hpo.retention.applying import (
    Cleaning,
    FileVerdict,
    apply_retention,
    cached_features,
    choice_is_made,
    delete_files,
    plan_cleaning,
    policy_of,
)
from hpo.retention.quota import GIB, check_quota, over_quota, smallest_quota_bytes
from hpo.retention.rule import Policy, Retention, StoredTrial, Verdict, retained

__all__ = [
    "GIB",
    "Cleaning",
    "FileVerdict",
    "Policy",
    "Retention",
    "StoredTrial",
    "Verdict",
    "apply_retention",
    "cached_features",
    "check_quota",
    "choice_is_made",
    "delete_files",
    "over_quota",
    "plan_cleaning",
    "policy_of",
    "retained",
    "smallest_quota_bytes",
]
