"""Label-free measures in anyone's Lightning training, under both names of the package.

The callback is loaded when it is first used: importing this package loads neither torch nor
Lightning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hpo.lightning_callback.callback import LabelFreeCallback

__all__ = ["LabelFreeCallback"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import hpo.lightning_callback.callback as callback

    return getattr(callback, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
