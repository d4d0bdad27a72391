"""Barlow Twins: the weight of the redundancy term."""

from __future__ import annotations

from search_spaces.dimensions import Dimension, Float
from search_spaces.preset import Preset, grid
from search_spaces.projector import PROJECTOR_WIDTH

DIMENSIONS: dict[str, Dimension] = {
    "lambda_param": Float(
        5e-4,
        5e-2,
        default=5e-3,
        log=True,
        source="α-ReQ's grid 0.001 to 0.5; 0.005 in the paper",
        collapses="0 to 1e-4: dimensional collapse; 0.1 and more: over-invariant",
    ),
    "projector_width": PROJECTOR_WIDTH,
}

_ALPHA_REQ = "the runs of α-ReQ's code (Agrawal et al. 2022) on CIFAR-10"

PRESETS: dict[str, Preset] = {
    "alpha_req": Preset(
        source=f"{_ALPHA_REQ}: 80 models, modified ResNet-50, 100 epochs, batch 512, with Adam",
        optimizer="adamw",
        dimensions={
            "lambda_param": grid(
                0.001,
                0.00199474,
                0.00397897,
                0.00793701,
                0.01583223,
                0.03158114,
                0.06299605,
                0.12566053,
                0.25065966,
                0.5,
                default=0.00793701,
                source=_ALPHA_REQ,
            ),
            "projector_width": grid(
                128,
                256,
                512,
                768,
                1024,
                2048,
                3072,
                4096,
                default=1024,
                source=_ALPHA_REQ,
                unit="features of z",
            ),
        },
        # Its 1e-3 is at a batch of 512, ours are per 256 images.
        fixed={"lr": 5e-4, "weight_decay": 1e-6},
    ),
}

MISSING = {
    "rankme": "RankMe's paper (Garrido et al. 2023) reports no sweep of Barlow Twins in what could "
    "be read.",
}
