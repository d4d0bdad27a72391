"""One axis at a time around the published defaults, as the papers sweep."""

from __future__ import annotations

from benchmarks.tabular.cells import DATA_SETS, METHODS, ChosenSettings
from benchmarks.tabular.reading import AUTO_WIDTHS
from hpo.config import StudyConfig
from search_spaces.dimensions import Value

CENTRE = "published"
_COMMON: dict[str, tuple[Value, ...]] = {
    # As far as α-ReQ's sweep of the optimiser, 1e-4 to 1e-2, which has our default in its middle.
    "lr": (1e-4, 2.2e-4, 4.6e-4, 1e-3, 2.2e-3, 4.6e-3, 1e-2),
    # Decades, as in RankMe's; AdamW's default is 1e-2 where LARS's is 1e-6.
    "weight_decay": (1e-4, 1e-3, 1e-2, 1e-1, 1.0),
    "projector_width": (64, 128, 256, 512, 1024),
}
_OWN: dict[str, dict[str, tuple[Value, ...]]] = {
    # RankMe's values.
    "simclr": {"temperature": (0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.4)},
    # α-ReQ's on ImageNet, and one more between the largest steps.
    "barlow_twins": {"lambda_param": (0.001, 0.002, 0.005, 0.01, 0.05, 0.1, 0.5)},
    # Both from RankMe's.
    "vicreg": {
        "cov": (0.3, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0),
        "sim": (5.0, 10.0, 15.0, 25.0, 30.0, 40.0, 50.0),
    },
    # The published 0.99 to 0.9996, and as far on the other side.
    "byol": {"one_minus_momentum": (0.0004, 0.001, 0.004, 0.01, 0.02, 0.04, 0.1)},
}


def axes(method: str) -> dict[str, tuple[Value, ...]]:
    """Return the values of each axis of a method, the centre's own among them."""
    return {**_COMMON, **_OWN[method]}


def centre_value(method: str, axis: str) -> Value:
    """Return the value that the published defaults have on an axis."""
    if axis == "projector_width":
        return AUTO_WIDTHS[method]
    return StudyConfig(method=method).search_space().defaults[axis]


def sweeps(
    methods: tuple[str, ...] = METHODS, data: tuple[str, ...] = tuple(DATA_SETS)
) -> list[ChosenSettings]:
    """Return the sweeps, one study a method and data set.

    The centre lies on every axis and is trained once. Setting "lr=0.01" is the point of that value
    on the axis "lr".
    """
    return [
        ChosenSettings(
            name=f"{method}-{name}",
            method=method,
            data=DATA_SETS[name],
            settings={CENTRE: {}}
            | {
                f"{axis}={value}": {axis: value}
                for axis, values in axes(method).items()
                for value in values
                if value != centre_value(method, axis)
            },
        )
        for name in data
        for method in methods
    ]
