"""Methods by name: those that come along, and the user's own by file or module."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn

from hpo.errors import ConfigError
from hpo.methods.clustering import swav
from hpo.methods.contrastive import dcl, dclw, directclr, hypersphere, macl, simclr
from hpo.methods.declaration import Takes, declaration_of
from hpo.methods.decorrelation import barlow_twins, frossl, tico, vicreg
from hpo.methods.dino import dino
from hpo.methods.distillation import byol, fastsiam, simsiam
from hpo.methods.gaussianity import lejepa, visreg
from hpo.methods.manifold import mmcr
from hpo.methods.masked import ijepa, mae
from hpo.methods.queues import mocov2, mocov3, nnclr
from hpo.methods.shape import Learner, Method
from hpo.methods.whitening import wmse
from hpo.named_object import is_reference, load_object
from hpo.suggestion import suggestion
from search_spaces import Dimension

METHODS: dict[str, Callable[..., Method]] = {
    "barlow_twins": barlow_twins,
    "byol": byol,
    "dcl": dcl,
    "dclw": dclw,
    "dino": dino,
    "directclr": directclr,
    "fastsiam": fastsiam,
    "frossl": frossl,
    "hypersphere": hypersphere,
    "lejepa": lejepa,
    "macl": macl,
    "mmcr": mmcr,
    "mocov2": mocov2,
    "mocov3": mocov3,
    "nnclr": nnclr,
    "simclr": simclr,
    "simsiam": simsiam,
    "swav": swav,
    "tico": tico,
    "vicreg": vicreg,
    "visreg": visreg,
    "wmse": wmse,
}
"""Builders `(dim, *, hyperparameters) -> Method`."""

LEARNERS: dict[str, Callable[..., nn.Module]] = {"ijepa": ijepa, "mae": mae}
"""Builders `(backbone, *, hyperparameters) -> nn.Module`, for what fits no `Method`."""

REFUSED: dict[str, str] = {
    "empssl": (
        "Lightly 1.6.0's loss adds the total coding rate where the authors' subtracts it, so every "
        "embedding falls into one point. To see it collapse, or with the sign mended (--fix "
        "sign_mended=on) not, give hpo.methods.collapse_demonstration:empssl."
    ),
}
"""Methods that Lightly has and that are not offered, with the reason."""


@dataclass(frozen=True)
class MethodEntry:
    """A method that can be built.

    Args:
        name: as the user wrote it.
        builder: of a `Method` or of a whole learner.
        takes: what the builder's first argument is.
        space: a user's method's own hyperparameters; None where `search_spaces` has them.
    """

    name: str
    builder: Callable[..., Any]
    takes: Takes
    space: Mapping[str, Dimension] | None = None


def find_method(name: str) -> MethodEntry:
    """Return a method by name.

    Args:
        name: of a method that comes along, or `FILE.py:BUILDER` or `package.module:BUILDER` of one
            that was declared with `@method` or `@learner`.

    Raises:
        ConfigError: for an unknown or refused name, or a reference to something else.

    >>> find_method("simclr").takes
    'dim'
    """
    if name in METHODS:
        return MethodEntry(name, METHODS[name], "dim")
    if name in LEARNERS:
        return MethodEntry(name, LEARNERS[name], "backbone")
    if name in REFUSED:
        raise ConfigError(f"method: got {name!r}, which is not offered: {REFUSED[name]}")
    if not is_reference(name):
        known = [*METHODS, *LEARNERS]
        raise ConfigError(
            f"method: got {name!r}, which is no known method. {suggestion(name, known)} "
            "A method of your own is named FILE.py:BUILDER."
        )
    builder = load_object(name, argument="method")
    declared = declaration_of(builder)
    if declared is None or not callable(builder):
        raise ConfigError(
            f"method: {name!r} is a {type(builder).__name__} without a space; wanted a function "
            "declared with @method(...) or @learner(...) of hpo.methods."
        )
    return MethodEntry(name, builder, declared.takes, declared.space)


def build_method(name: str, dim: int, **hyperparameters: Any) -> Method:
    """Build a method for features of a given width.

    Args:
        name: a key of `METHODS`, or a reference to a builder declared with `@method`.
        dim: width of the backbone's features.
        **hyperparameters: the method's own, by the names of its search space.

    Raises:
        ConfigError: for an unknown name, or a builder that returns something else.

    >>> build_method("simclr", 128, temperature=0.1).target
    'self'
    """
    built = find_method(name).builder(dim, **hyperparameters)
    if not isinstance(built, Method):
        raise ConfigError(f"method: {name!r} built a {type(built).__name__}; wanted a Method.")
    return built


def build_learner(name: str, backbone: nn.Module, dim: int, **hyperparameters: Any) -> nn.Module:
    """Build what is trained: the backbone with a method around it.

    Args:
        name: as for `find_method`.
        backbone: images to features (n, dim).
        dim: their width.
        **hyperparameters: the method's own, by the names of its search space.

    Returns:
        A module with `backbone` and `forward(views) -> loss`.

    Raises:
        ConfigError: as `find_method`, and for a module that lacks what training needs.
    """
    if find_method(name).takes == "dim":
        return Learner(backbone, build_method(name, dim, **hyperparameters))
    built = find_method(name).builder(backbone, **hyperparameters)
    if not isinstance(built, nn.Module) or not isinstance(
        getattr(built, "backbone", None), nn.Module
    ):
        raise ConfigError(
            f"method: {name!r} built a {type(built).__name__}; wanted a torch module with an "
            "attribute `backbone`, perhaps `projector`, and forward(views) -> loss."
        )
    return built
