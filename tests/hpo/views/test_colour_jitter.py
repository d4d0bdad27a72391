"""One matrix an image is the jitters one after another; `test_batched.py` has each alone."""

import pytest
import torch
from torch.testing import assert_close
from torchvision.transforms import functional

from hpo.views import ViewRecipe
from hpo.views.colour_jitter import N_COLOUR_DRAWS, jitter_colours


@pytest.mark.parametrize("channels", [1, 3])
def test_it_is_torchvisions_brightness_saturation_and_contrast_in_turn(channels: int) -> None:
    generator = torch.Generator().manual_seed(0)
    # Medium colours: nothing is clamped on the way.
    views = torch.rand(60, channels, 8, 8, generator=generator) * 0.2 + 0.4
    draws = torch.rand(60, N_COLOUR_DRAWS, generator=generator)
    recipe = ViewRecipe(
        cj_strength=1.0, cj_prob=0.7, cj_bright=0.3, cj_contrast=0.4, cj_sat=0.5, cj_hue=0.0
    )
    found = jitter_colours(views, recipe, draws)
    n_grey = n_left = 0
    for view, drawn, ours in zip(views, draws.tolist(), found, strict=True):
        bright, contrasted, saturated, _, greyed, jittered = drawn
        applied = jittered < 0.7
        expected = functional.adjust_brightness(view, 0.7 + 0.6 * bright) if applied else view
        if channels == 3 and applied:
            expected = functional.adjust_saturation(expected, 0.5 + saturated)
        if channels == 3 and greyed < 0.2:
            expected = functional.rgb_to_grayscale(expected, num_output_channels=3)
            n_grey += 1
        if applied:
            expected = functional.adjust_contrast(expected, 0.6 + 0.8 * contrasted)
        n_left += not applied
        # Torchvision rounds the weights of its grey to 4 digits; they sum to .9999.
        assert_close(ours, expected, atol=2e-4, rtol=0)
    assert n_left > 5
    assert n_grey > 5 or channels == 1
