"""The options of the views that may vary; names and defaults are those of `hpo.views`.

Measures are always taken with one fixed recipe, whatever a trial is trained with.
"""

from __future__ import annotations

from search_spaces.dimensions import Dimension, Float

_PROBABILITY = "probability"

DIMENSIONS: dict[str, Dimension] = {
    "min_scale": Float(
        0.05,
        0.6,
        default=0.2,
        unit="share of the image's area",
        source="0.08 in SimCLR, 0.2 in MoCo v2, VICReg and W-MSE",
        collapses="near 1 both views show the same and the task is solved by their pixels",
        least=0.01,
        most=1.0,
    ),
    "cj_strength": Float(
        0.0,
        1.5,
        default=0.5,
        unit="times the jitter ranges",
        source="1 in SimCLR on ImageNet, 0.5 on CIFAR-10",
        collapses="0: images are told apart by their colour histogram",
        least=0.0,
        most=2.5,  # the hue is then turned by half a turn, as far as there is
    ),
    "cj_prob": Float(
        0.2, 1.0, default=0.8, unit=_PROBABILITY, source="0.8 throughout", least=0.0, most=1.0
    ),
    "random_gray_scale": Float(
        0.0, 0.4, default=0.2, unit=_PROBABILITY, source="0.2 throughout", least=0.0, most=1.0
    ),
    "gaussian_blur": Float(
        0.0,
        0.5,
        default=0.0,
        unit=_PROBABILITY,
        source="0.5 in SimCLR on ImageNet; none below 64 pixels",
        least=0.0,
        most=1.0,
    ),
    "solarization_prob": Float(
        0.0,
        0.3,
        default=0.0,
        unit=_PROBABILITY,
        source="0.1 in VICReg, 0.2 on BYOL's second view",
        least=0.0,
        most=1.0,
    ),
}


def of_the_views(name: str) -> str:
    """Return what a message adds about the name of one of these.

    >>> of_the_views("min_scale")
    ' It is an option of the views: give search_views as well.'
    """
    return " It is an option of the views: give search_views as well." * (name in DIMENSIONS)
