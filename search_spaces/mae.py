"""MAE: the share of the patches that is hidden."""

from __future__ import annotations

from search_spaces.dimensions import Categorical, Dimension, Float, Int

_SIZE = "it is the size of the decoder, which is thrown away and costs time"

DIMENSIONS: dict[str, Dimension] = {
    "mask_ratio": Float(
        0.4,
        0.9,
        default=0.75,
        unit="share of the patches",
        source="0.75 in the paper, which finds 0.4 to 0.8 good after fine-tuning",
        collapses="low: the hidden patches are copied from their neighbours",
    ),
    "decoder_depth": Int(
        1,
        8,
        default=2,
        unit="blocks",
        source="8 in the paper for ImageNet, which finds 1 enough for fine-tuning",
        held=_SIZE,
        least=1,
    ),
    "decoder_width_share": Categorical(
        (0.25, 0.5, 1.0),
        default=0.5,
        unit="width of the decoder / width of the encoder",
        source="512 of 1024 in the paper",
        held=_SIZE,
    ),
}

MISSING = {
    "lidar": "LiDAR's paper (Thilak et al. 2024) has no MAE among its methods.",
}
