"""Values that no method can have are refused before anything is built."""

import math
from typing import Any

import pytest

from hpo.errors import ConfigError
from hpo.methods import build_method

SHARE = "wanted a number above 0 and at most 1"
WEIGHT = "wanted a finite number of at least 0"
MIX = "wanted a number from 0 to 1"
POSITIVE = "wanted a finite number above 0"


@pytest.mark.parametrize(
    ("method", "name", "value", "wanted"),
    [
        ("barlow_twins", "lambda_param", -1.0, WEIGHT),
        ("byol", "one_minus_momentum", 0.0, SHARE),
        ("byol", "one_minus_momentum", 1.5, SHARE),
        ("byol", "one_minus_momentum", True, SHARE),
        ("dino", "n_local", -1, "wanted a whole number of at least 0"),
        ("dino", "one_minus_center_momentum", 0.0, SHARE),
        ("dino", "one_minus_momentum", 0.0, SHARE),
        ("dino", "prototypes", 1, "wanted a whole number of at least 2"),
        ("dino", "student_temp", math.inf, POSITIVE),
        ("dino", "teacher_temp", 0.0, POSITIVE),
        ("fastsiam", "bottleneck_share", 0.0, SHARE),
        ("fastsiam", "n_views", 1, "wanted a whole number of at least 2"),
        ("fastsiam", "n_views", 2.5, "wanted a whole number of at least 2"),
        ("frossl", "invariance", "much", WEIGHT),
        ("lejepa", "lambda_param", 1.1, MIX),
        ("lejepa", "n_local", True, "wanted a whole number of at least 0"),
        ("mmcr", "lmda", -0.1, WEIGHT),
        ("mmcr", "local_objective", "yes", "wanted 'on' or 'off'"),
        ("mmcr", "n_views", 1, "wanted a whole number of at least 2"),
        ("mmcr", "one_minus_momentum", 2.0, SHARE),
        ("simsiam", "bottleneck_share", 1.01, SHARE),
        ("tico", "one_minus_beta", 0.0, SHARE),
        ("tico", "one_minus_momentum", 0.0, SHARE),
        ("tico", "rho", math.nan, WEIGHT),
        ("vicreg", "cov", -1.0, WEIGHT),
        ("vicreg", "sim", -1.0, WEIGHT),
        ("vicreg", "var", -1.0, WEIGHT),
        ("visreg", "lambda_param", -0.1, MIX),
        ("visreg", "n_global", 0, "wanted a whole number of at least 1"),
        ("visreg", "n_local", -1, "wanted a whole number of at least 0"),
        ("wmse", "embedding_dim", 1, "wanted a whole number of at least 2"),
        ("wmse", "whitening_size", 64.0, "wanted a whole number of at least 2"),
    ],
)
def test_an_impossible_value_is_refused(method: str, name: str, value: Any, wanted: str) -> None:
    with pytest.raises(ConfigError) as error:
        build_method(method, 128, **{name: value})
    assert str(error.value) == f"{name}: got {value!r}; {wanted}."


@pytest.mark.parametrize(
    ("method", "values"),
    [
        ("barlow_twins", {"lambda_param": 0.0}),
        ("byol", {"one_minus_momentum": 1}),
        ("frossl", {"invariance": 0}),
        ("lejepa", {"lambda_param": 0.0, "n_local": 0}),
        ("vicreg", {"sim": 0.0, "var": 0.0, "cov": 0.0}),
        ("visreg", {"lambda_param": 1, "n_global": 1, "n_local": 1}),
    ],
)
def test_the_ends_of_a_range_belong_to_it(method: str, values: dict[str, float]) -> None:
    """What is known to collapse must be possible: somebody will want to see it."""
    build_method(method, 128, **values)
