"""How a method of the user's own is declared: a builder with the space of its hyperparameters."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from hpo.errors import ConfigError
from search_spaces import Dimension

Built = TypeVar("Built")
Takes = Literal["dim", "backbone"]
_MARK = "__goldilocks_method__"


@dataclass(frozen=True)
class Declaration:
    """What a declared builder says of itself.

    Args:
        space: its hyperparameters, by name.
        takes: "dim", the width of the features, or "backbone", the network itself.
    """

    space: Mapping[str, Dimension]
    takes: Takes


def method(**space: Dimension) -> Callable[[Callable[..., Built]], Callable[..., Built]]:
    """Declare a builder `(dim, *, hyperparameters) -> Method`.

    Args:
        **space: one dimension of `search_spaces` for each keyword argument of the builder.

    Raises:
        ConfigError: when space and keyword arguments differ.

    >>> from search_spaces import Float
    >>> @method(temperature=Float(0.05, 1.0, default=0.2, log=True))
    ... def mine(dim: int, *, temperature: float) -> None: ...
    >>> declaration_of(mine).takes
    'dim'
    """
    return _declare(space, "dim")


def learner(**space: Dimension) -> Callable[[Callable[..., Built]], Callable[..., Built]]:
    """Declare a builder `(backbone, *, hyperparameters) -> nn.Module` for what fits no `Method`.

    The module has `backbone`, perhaps `projector`, and `forward(views) -> loss`. It may have
    `n_global` (2) and `n_local` (0), `before_step(step, n_steps)`, `after_backward(step, n_steps)`,
    `loss_sees_scale` (False) and `batch_multiple` (1), as `Learner` does.

    Args:
        **space: one dimension of `search_spaces` for each keyword argument of the builder.

    Raises:
        ConfigError: when space and keyword arguments differ.
    """
    return _declare(space, "backbone")


def declaration_of(builder: object) -> Declaration | None:
    """Return what `@method` or `@learner` declared; None for anything else."""
    found = getattr(builder, _MARK, None)
    return found if isinstance(found, Declaration) else None


def _declare(
    space: Mapping[str, Dimension], takes: Takes
) -> Callable[[Callable[..., Built]], Callable[..., Built]]:
    def mark(builder: Callable[..., Built]) -> Callable[..., Built]:
        _check(builder, space, takes)
        setattr(builder, _MARK, Declaration(space, takes))
        return builder

    return mark


def _check(builder: Callable[..., Any], space: Mapping[str, Dimension], takes: Takes) -> None:
    name = getattr(builder, "__name__", repr(builder))
    kinds = inspect.Parameter
    parameters = list(inspect.signature(builder).parameters.values())
    own = {p.name for p in parameters if p.kind is kinds.KEYWORD_ONLY}
    first = [p for p in parameters if p.kind is not kinds.KEYWORD_ONLY]
    if len(first) != 1 or first[0].kind in (kinds.VAR_KEYWORD, kinds.VAR_POSITIONAL):
        raise ConfigError(
            f"{name}: got the signature {inspect.signature(builder)}; wanted one argument, "
            f"{takes}, and its hyperparameters after a `*`."
        )
    if own != set(space):
        raise ConfigError(
            f"{name}: its space has {sorted(space)}, its keyword arguments are {sorted(own)}; "
            "wanted one dimension for each keyword argument."
        )
