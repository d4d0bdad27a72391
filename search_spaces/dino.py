"""DINO: the temperatures of student and teacher, momentum, and prototypes."""

from __future__ import annotations

from search_spaces.constraints import Below, Constraint
from search_spaces.dimensions import Categorical, Dimension, Float
from search_spaces.momentum import one_minus_momentum
from search_spaces.preset import Preset, grid
from search_spaces.projector import PROJECTOR_WIDTH
from search_spaces.view_counts import N_LOCAL

DIMENSIONS: dict[str, Dimension] = {
    "student_temp": Float(
        0.07, 0.4, default=0.1, log=True, source="0.1 in the paper; IdEst's grid 0.07 to 0.4"
    ),
    "teacher_temp": Float(
        0.01,
        0.1,
        default=0.04,
        log=True,
        source="0.04 to 0.07 in the paper; IdEst's grid 0.01 to 0.05; lightly-train has 0.02 for "
        "20 thousand images",
        collapses="too high: the targets become uniform; at 1 rank of z and LiDAR rise",
    ),
    "one_minus_momentum": one_minus_momentum(
        5e-4,
        5e-2,
        default=4e-3,
        source="0.996 in the paper, 0.9995 in solo-learn, 0.99 in Lightly's CIFAR-10 benchmark",
    ),
    "prototypes": Categorical(
        (256, 1024, 2048, 4096),
        default=2048,
        unit="prototypes",
        source="65536 in the paper; lightly-train: 1024, 2048, 4096 for 20, 50, 100 thousand "
        "images",
    ),
    "n_local": N_LOCAL,
    "one_minus_center_momentum": Float(
        0.01,
        0.5,
        default=0.1,
        log=True,
        unit="1 - momentum of the centre",
        source="0.9 in the paper and in Lightly",
        held="it only smooths the centre; the two temperatures matter more",
        most=1.0,
    ),
    "projector_width": PROJECTOR_WIDTH,
}

CONSTRAINTS: tuple[Constraint, ...] = (Below("teacher_temp", "student_temp"),)

_IDEST = "IdEst's appendix B.3, which says it follows RankMe's protocol"

PRESETS: dict[str, Preset] = {
    "idest": Preset(
        source=f"{_IDEST}: ViT-S, 100 epochs, batch 2048; whether its learning rates are per 256 "
        "images is not said",
        optimizer="adamw",
        dimensions={
            "lr": grid(1.25e-4, 2.25e-4, 2e-3, 2.5e-3, 7.5e-3, default=2e-3, source=_IDEST),
            "student_temp": grid(0.07, 0.1, 0.2, 0.3, 0.4, default=0.1, source=_IDEST),
            "teacher_temp": grid(0.01, 0.02, 0.03, 0.04, 0.05, default=0.04, source=_IDEST),
        },
    ),
}

MISSING = {
    "rankme": "RankMe's paper varies both temperatures; its values were not found in what could be "
    "read. The nearest is the preset 'idest'.",
    "lidar": "LiDAR's paper (Thilak et al. 2024) varies learning rate, weight decay, temperature "
    "and augmentation; its values were not found in what could be read. The nearest is 'idest'.",
}
