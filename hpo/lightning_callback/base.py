"""What Lightning's trainers take for a callback, whichever package a trainer is of.

`pytorch_lightning` and `lightning.pytorch` are the same code under two names, and neither knows
the classes of the other. A callback of both is one to both. The second import costs a fifth of a
second: what is slow to load they share.
"""

from __future__ import annotations

from collections.abc import Callable as Function
from importlib.util import find_spec
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from hpo.lightning_callback.missing import LightningMissingError


def _of_pytorch_lightning() -> type[Any]:
    import pytorch_lightning

    return pytorch_lightning.Callback


def _of_lightning() -> type[Any]:
    from lightning.pytorch import Callback as TheirCallback

    return TheirCallback


PACKAGES: MappingProxyType[str, Function[[], type[Any]]] = MappingProxyType(
    {"pytorch_lightning": _of_pytorch_lightning, "lightning.pytorch": _of_lightning}
)
"""What loads the `Callback` class of each package."""


def callback_bases() -> tuple[type[Any], ...]:
    """Return the `Callback` class of every package of Lightning that is installed.

    Raises:
        LightningMissingError: where none is.
    """
    bases = tuple(load() for name, load in PACKAGES.items() if _is_installed(name))
    if not bases:
        raise LightningMissingError(
            f"lightning: neither {' nor '.join(PACKAGES)} is installed here, and "
            "LabelFreeCallback needs one of them. Run: pip install pytorch-lightning."
        )
    return bases


def _is_installed(name: str) -> bool:
    # Parents first: looking for a child imports its parent, which may not be there.
    parent, _, child = name.partition(".")
    return find_spec(parent) is not None and (not child or find_spec(name) is not None)


if TYPE_CHECKING:
    from pytorch_lightning import Callback as Callback
else:
    Callback = type(
        "Callback", callback_bases(), {"__doc__": "A callback to all.", "__module__": __name__}
    )
