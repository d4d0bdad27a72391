"""VICReg: invariance and covariance weights against a held variance weight."""

from __future__ import annotations

from search_spaces.dimensions import Dimension, Float
from search_spaces.preset import Preset, grid
from search_spaces.projector import PROJECTOR_WIDTH

DIMENSIONS: dict[str, Dimension] = {
    "cov": Float(
        0.1,
        30.0,
        default=1.0,
        log=True,
        source="RankMe's grid 0.3 to 16; 1 in the paper",
        collapses="0: dimensional collapse",
    ),
    "sim": Float(
        2.0,
        100.0,
        default=25.0,
        log=True,
        source="RankMe's grid 5 to 50; 25 in the paper",
    ),
    "var": Float(
        2.5,
        100.0,
        default=25.0,
        log=True,
        source="25 in the paper",
        collapses="0: the embeddings shrink to a point, and rank of z does not see it",
        held="only the ratios of the three weights matter up to the learning rate",
    ),
    "projector_width": PROJECTOR_WIDTH,
}

_RANKME = "list of a reproduction of RankMe (Garrido et al. 2023), which mirrors its appendix"
_IDEST = "IdEst's appendix B.3, which says it follows RankMe's protocol"
_COV = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 2.0, 4.0, 8.0, 16.0)
_DECADES = (1e-7, 1e-6, 1e-5, 1e-4, 1e-3)

PRESETS: dict[str, Preset] = {
    "rankme": Preset(
        source=f"{_RANKME}; one axis at a time there, at batch 1024 and 100 epochs of ImageNet",
        optimizer="lars",
        dimensions={
            "lr": grid(0.3, 0.5, default=0.3, source=_RANKME),
            "weight_decay": grid(*_DECADES, default=1e-6, source=_RANKME),
            "cov": grid(*_COV, default=1.0, source=_RANKME),
            "sim": grid(
                *(5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 35.0, 40.0, 45.0, 50.0),
                default=25.0,
                source=f"{_RANKME}; 25 from its other axes",
            ),
        },
    ),
    "idest": Preset(
        source=f"{_IDEST}: ResNet-50, 100 epochs, batch 2048",
        optimizer="lars",
        dimensions={
            "lr": grid(0.1, 0.2, 0.3, 0.4, 0.5, default=0.3, source=_IDEST),
            "weight_decay": grid(*_DECADES, default=1e-6, source=_IDEST),
            "cov": grid(0.4, 0.6, 0.8, 1.0, 4.0, 16.0, default=1.0, source=_IDEST),
        },
    ),
}

MISSING = {
    "lidar": "LiDAR's paper (Thilak et al. 2024) varies learning rate, weight decay, temperature "
    "and augmentation; its values were not found in what could be read. The nearest is 'idest'.",
}
