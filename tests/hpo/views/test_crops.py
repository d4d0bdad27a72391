"""Crops are cut and resized as torchvision does it, antialiased where they shrink."""

from collections.abc import Sequence

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.testing import assert_close
from torchvision.transforms import InterpolationMode
from torchvision.transforms.functional import resized_crop

from hpo.views import ViewRecipe
from hpo.views.crops import N_CROP_DRAWS, Crops, crop_and_resize, draw_crops


def crops_at(boxes: Sequence[tuple[float, float, float, float]], flipped: list[bool]) -> Crops:
    top, left, height, width = torch.tensor(boxes, dtype=torch.float32).unbind(1)
    return Crops(left, top, width, height, torch.tensor(flipped))


whole_pixels = st.tuples(*[st.integers(0, 40)] * 2, *[st.integers(1, 24)] * 2)


@pytest.mark.parametrize("size", [64, 100, 63, 24, 7], ids=str)
@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(whole_pixels, st.booleans()), min_size=1, max_size=4))
def test_whole_pixels_are_cropped_as_by_torchvision(
    photos: Tensor, size: int, drawn: list[tuple[tuple[int, int, int, int], bool]]
) -> None:
    boxes, flipped = [box for box, _ in drawn], [flip for _, flip in drawn]
    images = photos[: len(boxes)].float()
    found = crop_and_resize(images, crops_at(boxes, flipped), height=size, width=size)
    for view, image, box, flip in zip(found, images, boxes, flipped, strict=True):
        theirs = resized_crop(image, *box, [size, size], InterpolationMode.BILINEAR, antialias=True)
        assert_close(view, theirs.flip(-1) if flip else theirs, atol=0.02, rtol=0)  # of 255


def test_a_shrunken_view_is_antialiased() -> None:
    """Stripes of one pixel are grey from afar; without antialiasing they would stay stripes."""
    stripes = (torch.arange(64) % 2 * 255).to(torch.uint8).expand(1, 3, 64, 64)
    view = crop_and_resize(stripes, crops_at([(0, 0, 64, 64)], [False]), height=16, width=16)
    assert_close(view, torch.full((1, 3, 16, 16), 127.5), atol=10, rtol=0)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6))
def test_both_ways_to_crop_agree(photos: Tensor, seed: int) -> None:
    """Made as large as the image, or as large and a row more, which is another computation."""
    draws = torch.rand(4, N_CROP_DRAWS, generator=torch.Generator().manual_seed(seed))
    crops = draw_crops(draws, ViewRecipe(), 4 / 3, height=64, width=64)
    fast = crop_and_resize(photos[:4], crops, height=128, width=64)
    # A taller image brings the other way; the added rows lie outside all crops.
    taller = torch.cat([photos[:4], photos[:4].flip(2), photos[:4]], dim=2)
    assert_close(crop_and_resize(taller, crops, height=128, width=64), fast, atol=0.02, rtol=0)


def test_the_largest_scale_is_kept_to() -> None:
    draws = torch.rand(2000, N_CROP_DRAWS, generator=torch.Generator().manual_seed(0))
    recipe = ViewRecipe(min_scale=0.1, max_scale=0.4)
    crops = draw_crops(draws, recipe, 4 / 3, height=32, width=32)
    area = crops.width * crops.height / 32**2
    assert area.min() >= 0.1 - 1e-6
    assert area.max() <= 0.4 + 1e-6
    levels = torch.linspace(0, 1, 5)
    assert_close(area.quantile(levels), 0.1 + 0.3 * levels, atol=0.02, rtol=0)
