"""Ray Tune: what people need for scripts of their own, each usable alone.

Names are loaded when the first of them is used: importing this package loads neither ray nor torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hpo.ray_tune.goldilocks_scheduler import GoldilocksScheduler
    from hpo.ray_tune.label_free_searcher import LabelFreeSearcher
    from hpo.ray_tune.resources import trial_resources
    from hpo.ray_tune.scheduler import StudyScheduler
    from hpo.ray_tune.searcher import StudySearcher
    from hpo.ray_tune.stoppers import CollapseStopper
    from hpo.ray_tune.study_trainable import StudyTrainable
    from hpo.ray_tune.user_trainable import trainable

__all__ = [
    "CollapseStopper",
    "GoldilocksScheduler",
    "LabelFreeSearcher",
    "StudyScheduler",
    "StudySearcher",
    "StudyTrainable",
    "trainable",
    "trial_resources",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        import hpo.ray_tune.public as public
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "ray":
            raise
        from hpo.ray_tune.missing import RayMissingError

        raise RayMissingError(
            f"ray: is not installed here, and {name} needs it. Run: pip install 'ray[tune]'."
        ) from error
    return getattr(public, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
