"""Methods without the part that is said to keep them from collapse, for the collapse study.

`goldilocks run --method benchmarks.tabular.collapse_methods:simsiam` trains them like any other.
"""

from __future__ import annotations

from hpo.errors import ConfigError
from hpo.methods import Method, build_method, method
from hpo.methods.shape import Target
from search_spaces import Categorical

_SELF, _STOP_GRADIENT = "online", "stopped"

TARGETS: dict[str, Target] = {_SELF: "self", _STOP_GRADIENT: "stop-grad"}
"""Target of the loss by what it is called here."""

_TARGET = Categorical(
    tuple(TARGETS),
    default=_STOP_GRADIENT,
    source="ablations of SimSiam (Chen and He 2021, section 4.1)",
    collapses="online: both branches agree on a constant",
)


@method(target=_TARGET)
def simsiam(dim: int, *, target: str = _STOP_GRADIENT) -> Method:
    """SimSiam, or without its stop-gradient.

    Args:
        dim: width of the backbone's features.
        target: "stopped" for the method itself, "online" for gradients through both branches.

    Raises:
        ConfigError: for another word.
    """
    return _aiming_at(target, build_method("simsiam", dim))


@method(target=_TARGET)
def byol(dim: int, *, target: str = _STOP_GRADIENT) -> Method:
    """BYOL without its momentum copy.

    Args:
        dim: width of the backbone's features.
        target: "stopped" for the other view's embedding without gradient, "online" with it.

    Raises:
        ConfigError: for another word.
    """
    return _aiming_at(target, build_method("byol", dim))


def _aiming_at(target: str, built: Method) -> Method:
    if target not in TARGETS:
        raise ConfigError(f"target: got {target!r}; wanted one of {sorted(TARGETS)}.")
    built.target = TARGETS[target]
    return built


__all__ = ["TARGETS", "byol", "simsiam"]
