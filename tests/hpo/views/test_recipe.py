"""A recipe is checked where it is made, and blames the argument."""

import math

import pytest

from hpo.errors import ConfigError
from hpo.views import ViewRecipe


@pytest.mark.parametrize(
    ("changed", "blamed"),
    [
        ({"min_scale": 0.0}, "min_scale: got 0.0"),
        ({"min_scale": 1.1}, "min_scale: got 1.1"),
        ({"min_scale": math.nan}, "min_scale: got nan"),
        ({"min_scale": 0.5, "max_scale": 0.4}, r"max_scale: got 0.4, wanted a number from 0.5"),
        ({"max_scale": 1.2}, "max_scale: got 1.2"),
        ({"hf_prob": -0.1}, "hf_prob: got -0.1, wanted a probability"),
        ({"cj_prob": 1.5}, "cj_prob: got 1.5"),
        ({"random_gray_scale": 2}, "random_gray_scale: got 2"),
        ({"gaussian_blur": math.nan}, "gaussian_blur: got nan"),
        ({"solarization_prob": 1.01}, "solarization_prob: got 1.01"),
        ({"cj_strength": -1.0}, "cj_strength: got -1.0"),
        ({"cj_bright": math.inf}, "cj_bright: got inf"),
        ({"cj_contrast": -0.1}, "cj_contrast: got -0.1"),
        ({"cj_sat": math.nan}, "cj_sat: got nan"),
        ({"cj_hue": -0.1}, "cj_hue: got -0.1"),
        ({"cj_hue": 0.3, "cj_strength": 2.0}, "cj_hue: got 0.3, .* cj_strength makes it 0.6"),
        ({"min_sigma": 0.0}, "min_sigma: got 0.0"),
        ({"max_sigma": 0.05}, r"max_sigma: got 0.05, wanted a number from 0.1 \(min_sigma\)"),
        ({"max_sigma": math.inf}, "max_sigma: got inf"),
        ({"size": 0}, "size: got 0, wanted at least 1 pixel"),
    ],
    ids=str,
)
def test_impossible_values_are_refused(changed: dict[str, float], blamed: str) -> None:
    with pytest.raises(ConfigError, match="^" + blamed):
        ViewRecipe(**changed)  # type: ignore[arg-type]


def test_the_limits_are_allowed() -> None:
    ViewRecipe(min_scale=1.0, max_scale=1.0, min_sigma=2.0, max_sigma=2.0, size=1)
    ViewRecipe(hf_prob=1.0, cj_prob=0.0, cj_strength=0.0, cj_hue=5.0)
    ViewRecipe(cj_hue=0.5, cj_strength=1.0)
