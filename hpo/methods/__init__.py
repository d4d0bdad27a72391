"""Joint-embedding methods: Lightly's heads, losses and momentum as small builders."""

from __future__ import annotations

from collections.abc import Callable

from hpo.errors import ConfigError
from hpo.methods.contrastive import simclr
from hpo.methods.decorrelation import barlow_twins, vicreg
from hpo.methods.distillation import byol
from hpo.methods.shape import Criterion, Cross, Learner, Method, Pair
from hpo.suggestion import suggestion

METHODS: dict[str, Callable[..., Method]] = {
    "barlow_twins": barlow_twins,
    "byol": byol,
    "simclr": simclr,
    "vicreg": vicreg,
}


def build_method(name: str, dim: int, **hyperparameters: float) -> Method:
    """Build a method for features of a given width.

    Args:
        name: a key of `METHODS`.
        dim: width of the backbone's features.
        **hyperparameters: the method's own, by the names of its search space.

    Raises:
        ConfigError: for an unknown name.

    >>> build_method("simclr", 128, temperature=0.1).target
    'self'
    """
    if name not in METHODS:
        raise ConfigError(
            f"method: got {name!r}, which is not a known method. {suggestion(name, METHODS)}"
        )
    return METHODS[name](dim, **hyperparameters)


__all__ = ["METHODS", "Criterion", "Cross", "Learner", "Method", "Pair", "build_method"]
