"""How a study runs: data, training, measuring, decisions and the engines.

What loads torch waits until it is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hpo.backbones import load_backbone
    from hpo.label_free import LabelFreeObjective, label_free_objective
    from hpo.lightning_callback import LabelFreeCallback

__all__ = ["LabelFreeCallback", "LabelFreeObjective", "label_free_objective", "load_backbone"]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first asked for."""
    if name == "load_backbone":
        from hpo.backbones import load_backbone

        return load_backbone
    if name == "LabelFreeCallback":
        from hpo.lightning_callback import LabelFreeCallback

        return LabelFreeCallback
    if name in ("LabelFreeObjective", "label_free_objective"):
        import hpo.label_free as door

        return getattr(door, name)
    raise AttributeError(f"module 'hpo' has no attribute {name!r}")
