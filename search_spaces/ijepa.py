"""I-JEPA: momentum, and the sizes of what is predicted and of what it is predicted from."""

from __future__ import annotations

from search_spaces.dimensions import Dimension, Float, Int
from search_spaces.momentum import one_minus_momentum
from search_spaces.preset import Preset, grid

DIMENSIONS: dict[str, Dimension] = {
    "target_scale": Float(
        0.1,
        0.4,
        default=0.2,
        unit="share of the image's area",
        source="0.15 to 0.2 in the paper; IdEst's grid of its low end 0.075 to 0.2",
        collapses="small: 0.075 loses 17 points in IdEst's runs",
    ),
    "context_scale": Float(
        0.5,
        1.0,
        default=0.9,
        unit="share of the image's area",
        source="0.85 to 1 in the paper; IdEst's grid of its low end 0.4 to 0.9",
        most=1.0,
    ),
    "one_minus_momentum": one_minus_momentum(5e-4, 5e-2, default=4e-3, source="0.996 in the paper"),
    "n_targets": Int(
        1,
        6,
        default=4,
        unit="blocks",
        source="4 in the paper",
        held="every block costs a pass of the predictor",
        least=1,
    ),
    "predictor_depth": Int(
        1,
        8,
        default=2,
        unit="blocks",
        source="6 and 12 in the paper, for ImageNet",
        held="it is the size of a part that is thrown away and costs time",
        least=1,
    ),
}

_IDEST = "IdEst's appendix B.3"

PRESETS: dict[str, Preset] = {
    "idest": Preset(
        source=f"{_IDEST}: ViT-B, 300 epochs, batch 4096. Of its seven learning rates only the "
        "ends are known, and its scales are the low ends of a range",
        optimizer="adamw",
        dimensions={
            "lr": Float(
                4e-5,
                3e-4,
                default=1e-4,
                log=True,
                source=f"the ends of {_IDEST}; whether per 256 images is not said",
            ),
            "target_scale": grid(0.075, 0.1, 0.125, 0.2, default=0.2, source=_IDEST),
            "context_scale": grid(0.4, 0.5, 0.65, 0.75, 0.9, default=0.9, source=_IDEST),
        },
    ),
}

MISSING = {
    "lidar": "LiDAR's paper (Thilak et al. 2024) varies learning rate, weight decay, temperature "
    "and augmentation; its values were not found in what could be read. The nearest is 'idest'.",
}
