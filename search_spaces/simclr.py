"""SimCLR: the temperature."""

from __future__ import annotations

from search_spaces.dimensions import Dimension, Float
from search_spaces.preset import Preset, grid
from search_spaces.projector import PROJECTOR_WIDTH

DIMENSIONS: dict[str, Dimension] = {
    "temperature": Float(
        0.05,
        1.0,
        default=0.2,
        log=True,
        source="RankMe's grid 0.05 to 0.4; 0.1 and 0.5 in Lightly; 0.2 in solo-learn",
        collapses="0.01 ruins a run; far above 1 rank rises while accuracy does not",
    ),
    "projector_width": PROJECTOR_WIDTH,
}

_RANKME = "list of a reproduction of RankMe (Garrido et al. 2023), which mirrors its appendix"

PRESETS: dict[str, Preset] = {
    "rankme": Preset(
        source=f"{_RANKME}; one axis at a time there, at batch 2048 and 100 epochs of ImageNet",
        optimizer="lars",
        dimensions={
            "lr": grid(0.2, 0.3, 0.4, 0.5, 0.6, 0.8, default=0.5, source=_RANKME),
            "weight_decay": grid(1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, default=1e-6, source=_RANKME),
            "temperature": grid(0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.4, default=0.15, source=_RANKME),
        },
    ),
    "alpha_req": Preset(
        source="the runs of α-ReQ's code (Agrawal et al. 2022) on STL-10, with Adam; it varies the "
        "batch too: 128, 192, 256, 384",
        optimizer="adamw",
        dimensions={
            "temperature": grid(
                0.01, 0.05, 0.1, 0.2, 0.5, default=0.1, source="α-ReQ's code, STL-10"
            ),
            "projector_width": grid(
                128, 256, 512, 768, default=128, source="α-ReQ's code, STL-10", unit="features of z"
            ),
        },
        # Its 1e-3 is at a batch of 512, ours are per 256 images.
        fixed={"lr": 5e-4, "weight_decay": 1e-6},
    ),
}

MISSING = {
    "lidar": "LiDAR's paper (Thilak et al. 2024) varies learning rate, weight decay, temperature "
    "and augmentation; its values were not found in what could be read.",
}
