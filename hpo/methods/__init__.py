"""Joint-embedding methods: Lightly's heads, losses and momentum as small builders."""

from hpo.methods.criteria import Criterion, Cross, Listed, OneWay, Pair
from hpo.methods.declaration import learner, method
from hpo.methods.registry import (
    LEARNERS,
    METHODS,
    REFUSED,
    MethodEntry,
    build_learner,
    build_method,
    find_method,
)
from hpo.methods.shape import Learner, Method, backbone_of, projector_of

__all__ = [
    "LEARNERS",
    "METHODS",
    "REFUSED",
    "Criterion",
    "Cross",
    "Learner",
    "Listed",
    "Method",
    "MethodEntry",
    "OneWay",
    "Pair",
    "backbone_of",
    "build_learner",
    "build_method",
    "find_method",
    "learner",
    "method",
    "projector_of",
]
