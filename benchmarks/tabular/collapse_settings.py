"""Settings that are said to collapse, and healthy ones to hold them against, method by method."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from benchmarks.tabular.cells import DATA_SETS, ChosenSettings
from search_spaces.dimensions import Value

Expected = Literal["healthy", "collapse", "doubtful"]
PUBLISHED = "published"
SEEDS = {"digits": (0, 1), "fashion_mnist": (0,)}
_OWN = "benchmarks.tabular.collapse_methods"
_DEMONSTRATION = "hpo.methods.collapse_demonstration"


@dataclass(frozen=True)
class Setting:
    """One point of a method's space, and what is said of it before anything is trained.

    Args:
        name: short.
        expected: "collapse" or "healthy"; "doubtful" where sources differ or saw a mild loss.
        values: that differ from the published defaults.
        kind: of collapse as people speak of it; empty for a healthy one.
    """

    name: str
    expected: Expected
    values: Mapping[str, Value] = field(default_factory=dict)
    kind: str = ""


@dataclass(frozen=True)
class Family:
    """The settings of a method under an optimiser.

    Args:
        name: of the studies, in front of the data's name.
        method: as `goldilocks run --method` takes it.
        settings: of it.
        optimizer: "adamw", as in the table, or "sgd", under which most of these collapses were
            seen before, at learning rates that are the same per image.
    """

    name: str
    method: str
    settings: tuple[Setting, ...]
    optimizer: str = "adamw"


def _lr(value: float, expected: Expected = "healthy") -> Setting:
    kind = "learning rate" if expected == "collapse" else ""
    return Setting(f"lr {value:g}", expected, {"lr": value}, kind)


_DEFAULTS, _GOOD_LR = Setting(PUBLISHED, "healthy"), _lr(0.003)
_LR_1 = _lr(1.0, "collapse")

FAMILIES = (
    Family(
        "vicreg",
        "vicreg",
        (
            _DEFAULTS,
            _GOOD_LR,
            Setting("cov 4", "healthy", {"cov": 4.0}),
            Setting("cov 0", "collapse", {"cov": 0.0}, "loss weight"),
            Setting("var 0", "collapse", {"var": 0.0}, "loss weight"),
            _LR_1,
        ),
    ),
    Family(
        "barlow_twins",
        "barlow_twins",
        (
            _DEFAULTS,
            _GOOD_LR,
            Setting("lambda 0.01", "healthy", {"lambda_param": 0.01}),
            Setting("lambda 0", "collapse", {"lambda_param": 0.0}, "loss weight"),
            Setting("lambda 0.0001", "collapse", {"lambda_param": 0.0001}, "loss weight"),
            Setting("lambda 5", "collapse", {"lambda_param": 5.0}, "loss weight"),
            _LR_1,
        ),
    ),
    Family(
        "frossl",
        "frossl",
        (
            _DEFAULTS,
            _GOOD_LR,
            Setting("invariance 3", "healthy", {"invariance": 3.0}),
            Setting("invariance 100", "collapse", {"invariance": 100.0}, "loss weight"),
            _LR_1,
        ),
    ),
    Family(
        "vicreg_sgd",
        "vicreg",
        (
            _lr(0.04),
            Setting("cov 0", "collapse", {"lr": 0.04, "cov": 0.0}, "loss weight"),
            Setting("var 0", "collapse", {"lr": 0.04, "var": 0.0}, "loss weight"),
        ),
        optimizer="sgd",
    ),
    Family(
        "barlow_twins_sgd",
        "barlow_twins",
        (
            _DEFAULTS,
            Setting("lambda 0", "collapse", {"lambda_param": 0.0}, "loss weight"),
            Setting("lambda 0.1", "collapse", {"lambda_param": 0.1}, "loss weight"),
        ),
        optimizer="sgd",
    ),
    Family(
        "frossl_sgd",
        "frossl",
        (
            _lr(0.04),
            Setting("invariance 100", "collapse", {"lr": 0.04, "invariance": 100.0}, "loss weight"),
        ),
        optimizer="sgd",
    ),
    Family(
        "empssl",
        f"{_DEMONSTRATION}:empssl",
        (
            Setting("as shipped", "collapse", {"sign_mended": "off"}, "sign of the loss"),
            Setting("sign mended", "healthy", {"sign_mended": "on"}),
        ),
    ),
    Family(
        "simclr",
        "simclr",
        (
            _DEFAULTS,
            _GOOD_LR,
            Setting("temperature 0.5", "healthy", {"temperature": 0.5}),
            Setting("temperature 0.01", "doubtful", {"temperature": 0.01}, "temperature"),
            _lr(0.1, "collapse"),
            _LR_1,
        ),
    ),
    Family(
        "byol",
        "byol",
        (
            _DEFAULTS,
            _GOOD_LR,
            Setting("momentum 0.97", "healthy", {"one_minus_momentum": 0.03}),
            _lr(0.1, "collapse"),
            _LR_1,
        ),
    ),
    Family(
        "byol_without_momentum",
        f"{_OWN}:byol",
        (
            Setting("stopped gradient", "doubtful", {"target": "stopped"}, "no momentum copy"),
            Setting("no stopped gradient", "collapse", {"target": "online"}, "no stop-gradient"),
        ),
    ),
    Family("simsiam", "simsiam", (_DEFAULTS, _GOOD_LR, _LR_1)),
    Family(
        "simsiam_sgd",
        "simsiam",
        (_DEFAULTS, _lr(0.2), _lr(10.0, "collapse"), _lr(100.0, "collapse")),
        optimizer="sgd",
    ),
    Family(
        "simsiam_online",
        f"{_OWN}:simsiam",
        (Setting("no stopped gradient", "collapse", {"target": "online"}, "no stop-gradient"),),
    ),
)


def studies(
    data: tuple[str, ...] = tuple(DATA_SETS), *, every_seed: bool = False
) -> list[ChosenSettings]:
    """Return the studies, one a family, data set and seed; first seeds first.

    Args:
        data: names of `DATA_SETS`.
        every_seed: whether the costlier data are trained under both seeds too.
    """
    return [
        ChosenSettings(
            name=f"{family.name}-{name}-{seed}",
            method=family.method,
            data=DATA_SETS[name],
            settings={setting.name: setting.values for setting in family.settings},
            optimizer=family.optimizer,
            seed=seed,
        )
        for seed in (0, 1)
        for name in data
        if every_seed or seed in SEEDS[name]
        for family in FAMILIES
    ]


def setting_of(study: str, name: str) -> tuple[str, Setting]:
    """Return the family and the setting behind a row.

    Args:
        study: name of the study, FAMILY-DATA-SEED.
        name: of the setting.

    Raises:
        KeyError: for a name that no family has.
    """
    family = next(f for f in FAMILIES if f.name == study.split("-")[0])
    return family.name, {setting.name: setting for setting in family.settings}[name]
