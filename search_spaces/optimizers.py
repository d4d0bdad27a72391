"""What every method has besides its own knobs: learning rate, weight decay and warm-up."""

from __future__ import annotations

from search_spaces.dimensions import Dimension, Float
from search_spaces.errors import SpaceError

_PER_256 = "per 256 images of a batch"
_LEAST_RATE = 1e-8  # at 0 nothing is trained

_LEARNING_RATES = {
    "adamw": Float(
        1e-4,
        5e-3,
        default=1e-3,
        log=True,
        unit=_PER_256,
        least=_LEAST_RATE,
        source="small to medium data; Lightly's small-data examples and sweeps by factors of 3",
        collapses="far below 1e-4 nothing is learned and every rank measure looks its best",
    ),
    "sgd": Float(
        0.01,
        1.0,
        default=0.06,
        log=True,
        unit=_PER_256,
        least=_LEAST_RATE,
        source="Lightly's CIFAR-10 benchmark: 0.06",
        collapses="5 and more: SimSiam collapses",
    ),
    "lars": Float(
        0.1,
        3.0,
        default=0.3,
        log=True,
        unit=_PER_256,
        least=_LEAST_RATE,
        source="RankMe's grids 0.1 to 0.8; Lightly's ImageNet scripts 0.2 to 1.2",
    ),
}

# Losses of hundreds: plain SGD with the others' learning rates diverges at once.
_SGD_LARGE_LOSS = Float(
    1e-3,
    0.1,
    default=0.01,
    log=True,
    unit=_PER_256,
    least=_LEAST_RATE,
    source="runs on digits: 0.06 explodes Barlow Twins; 0.02 is good for VICReg and FroSSL",
    collapses="0.06 and more with Barlow Twins",
)
_LARGE_LOSSES = frozenset({"barlow_twins", "frossl", "vicreg"})

_WEIGHT_DECAYS = {
    "adamw": Float(1e-3, 0.3, default=0.01, log=True, least=0.0, source="decoupled weight decay"),
    "sgd": Float(
        1e-7, 1e-3, default=5e-4, log=True, least=0.0, source="RankMe's grid 1e-7 to 1e-2"
    ),
    "lars": Float(
        1e-7,
        1e-3,
        default=1e-6,
        log=True,
        least=0.0,
        source="Lightly's ImageNet scripts: 1e-6",
        collapses="0 turns LARS into SGD: it adapts only what is decayed",
    ),
}

_WARMUP_SHARE = Float(
    0.0,
    0.3,
    default=0.1,
    unit="share of all steps",
    source="10 of 100 epochs in most papers",
    held="it moves little beside the learning rate, which it would blur",
    least=0.0,
    most=0.9,
)


def optimizer_dimensions(optimizer: str, *, method: str = "") -> dict[str, Dimension]:
    """Return `lr`, `weight_decay` and `warmup_share` for an optimiser.

    Args:
        optimizer: "adamw", "sgd" or "lars".
        method: whose; methods with large losses get a smaller range with SGD.

    Raises:
        SpaceError: for another optimiser.

    >>> optimizer_dimensions("adamw")["lr"].default
    0.001
    """
    if optimizer not in _LEARNING_RATES:
        raise SpaceError(f"optimizer: got {optimizer!r}; wanted one of {sorted(_LEARNING_RATES)}.")
    lr = _LEARNING_RATES[optimizer]
    if optimizer == "sgd" and method in _LARGE_LOSSES:
        lr = _SGD_LARGE_LOSS
    return {
        "lr": lr,
        "weight_decay": _WEIGHT_DECAYS[optimizer],
        "warmup_share": _WARMUP_SHARE,
    }
