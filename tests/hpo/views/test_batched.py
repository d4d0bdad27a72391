"""Views are drawn as torchvision draws them, one draw an image."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close
from torchvision.transforms import InterpolationMode, RandomResizedCrop
from torchvision.transforms.functional import resized_crop

from hpo.embedding import Normalisation
from hpo.views import ViewRecipe, random_views

NOTHING = ViewRecipe(min_scale=1.0, hf_prob=0.0, cj_prob=0.0, random_gray_scale=0.0)
CROPS = ViewRecipe(cj_prob=0.0, random_gray_scale=0.0)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def ramps(n: int, size: int = 64) -> Tensor:
    """Images whose first channel tells the column and whose second tells the row."""
    steps = torch.arange(size, dtype=torch.uint8) * (256 // size)
    columns, rows = steps.expand(size, size), steps[:, None].expand(size, size)
    return torch.stack([columns, rows, rows]).expand(n, 3, size, size).contiguous()


@dataclass
class Boxes:
    """Where the crops of `ramps` lie, in pixels; each field has the shape (n,)."""

    left: Tensor
    top: Tensor
    width: Tensor
    height: Tensor
    flipped: Tensor


def boxes_of(views: Tensor) -> Boxes:
    size = views.shape[-1]
    a, b = size // 8, size - 1 - size // 8  # away from the border, where nothing is clamped
    source = views * 255 / (256 // size)
    columns, rows = source[:, 0, size // 2], source[:, 1, :, size // 2]
    across, down = ((line[:, b] - line[:, a]) / (b - a) for line in (columns, rows))
    # The centre of pixel `a` of the view lies a + 1/2 view pixels from the view's edge.
    start = columns[:, a] + 0.5 - across * (a + 0.5)
    top = rows[:, a] + 0.5 - down * (a + 0.5)
    left = torch.where(across < 0, start + across * size, start)
    return Boxes(left, top, across.abs() * size, down * size, across < 0)


def test_a_recipe_of_nothing_returns_the_images(digits: Tensor, photos: Tensor) -> None:
    for images in (digits, photos):
        views = random_views(images, NOTHING, seeded())
        assert views.shape == images.shape
        assert_close(views, images.float() / 255, atol=1e-4, rtol=0)


def test_equal_images_get_different_views() -> None:
    images = ramps(1).expand(50, 3, 64, 64)
    views = random_views(images, ViewRecipe(), seeded())
    distances = torch.cdist(views.flatten(1), views.flatten(1)) + 1e9 * torch.eye(50)
    assert distances.min() > 0.1


def test_the_generator_decides(digits: Tensor) -> None:
    torch.manual_seed(1)
    first = random_views(digits, ViewRecipe(), seeded(3))
    torch.manual_seed(2)
    assert torch.equal(random_views(digits, ViewRecipe(), seeded(3)), first)
    assert not torch.equal(random_views(digits, ViewRecipe(), seeded(4)), first)
    generator = seeded(3)
    random_views(digits, ViewRecipe(), generator)
    assert not torch.equal(random_views(digits, ViewRecipe(), generator), first)


@pytest.mark.parametrize("batch_size", [1, 7, 50])
def test_a_view_does_not_depend_on_how_images_are_batched(digits: Tensor, batch_size: int) -> None:
    whole = random_views(digits, ViewRecipe(), seeded())
    generator = seeded()
    parts = [
        random_views(part, ViewRecipe(), generator) for part in torch.split(digits, batch_size)
    ]
    assert_close(torch.cat(parts), whole, atol=1e-6, rtol=0)


def test_the_images_are_left_as_they_were(photos: Tensor) -> None:
    before = photos.clone()
    views = random_views(photos, ViewRecipe(), seeded())
    assert views.dtype == torch.float32
    assert torch.equal(photos, before)


def test_crops_are_torchvisions(photos: Tensor) -> None:
    boxes = boxes_of(random_views(ramps(len(photos)), CROPS, seeded()))
    views = random_views(photos, CROPS, seeded())  # the same draws on real images
    theirs = []
    for index, photo in enumerate(photos):
        box = [
            round(getattr(boxes, side)[index].item()) for side in ("top", "left", "height", "width")
        ]
        crop = resized_crop(photo / 255, *box, [64, 64], InterpolationMode.BILINEAR)
        theirs.append(crop.flip(-1) if boxes.flipped[index] else crop)
    # Torchvision crops at whole pixels, so half a pixel of difference remains.
    difference = (views - torch.stack(theirs)).abs().flatten(1).mean(dim=1)
    assert difference.mean() < 0.02
    assert difference.median() < 0.01


def test_crops_stay_inside_the_image() -> None:
    boxes = boxes_of(random_views(ramps(300), CROPS, seeded()))
    assert min(boxes.left.min(), boxes.top.min()) > -0.01
    assert max((boxes.left + boxes.width).max(), (boxes.top + boxes.height).max()) < 64.01


def test_every_place_inside_the_image_is_as_likely() -> None:
    boxes = boxes_of(random_views(ramps(1000), CROPS, seeded()))
    levels = torch.linspace(0, 1, 11)
    for start, length in ((boxes.left, boxes.width), (boxes.top, boxes.height)):
        place = (start / (64 - length))[length < 56]
        assert_close(place.quantile(levels), levels, atol=0.05, rtol=0)


@pytest.mark.parametrize("min_scale", [0.08, 0.2, 0.6, 0.9, 1.0])
def test_crops_are_as_large_and_as_long_as_torchvisions(min_scale: float) -> None:
    recipe = ViewRecipe(min_scale=min_scale, cj_prob=0.0, random_gray_scale=0.0)
    boxes = boxes_of(random_views(ramps(1500), recipe, seeded()))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        large = torch.empty(1, 640, 640)  # so that whole pixels matter less
        theirs = torch.tensor(
            [
                RandomResizedCrop.get_params(large, [min_scale, 1.0], [3 / 4, 4 / 3])
                for _ in range(1500)
            ]
        )
    area = boxes.width * boxes.height / 64**2
    their_area = theirs[:, 2] * theirs[:, 3] / 640**2
    assert area.min() >= min_scale - 0.001
    longer = (boxes.width / boxes.height).log()
    their_longer = (theirs[:, 3] / theirs[:, 2]).log()
    levels = torch.linspace(0.05, 0.95, 10)
    assert_close(area.quantile(levels), their_area.quantile(levels), atol=0.04, rtol=0)
    assert_close(longer.quantile(levels), their_longer.quantile(levels), atol=0.03, rtol=0)


@pytest.mark.parametrize("probability", [0.0, 0.3, 1.0])
def test_flips_come_with_their_probability(probability: float) -> None:
    recipe = ViewRecipe(hf_prob=probability, cj_prob=0.0, random_gray_scale=0.0)
    share = boxes_of(random_views(ramps(1000), recipe, seeded())).flipped.float().mean()
    assert abs(share - probability) < (0.05 if 0 < probability < 1 else 1e-9)


@pytest.mark.parametrize("strength", [0.5, 2.0])
def test_pixels_stay_between_black_and_white(
    digits: Tensor, photos: Tensor, strength: float
) -> None:
    for images in (digits, photos):
        views = random_views(images, ViewRecipe(cj_prob=1.0, cj_strength=strength), seeded())
        assert views.shape == images.shape
        assert views.min() >= 0
        assert views.max() <= 1
        assert views.std() > 0.05


def saturation(views: Tensor) -> Tensor:
    return (views.amax(dim=1) - views.amin(dim=1)).flatten(1).mean(dim=1)


@pytest.mark.parametrize("probability", [0.0, 0.4, 1.0])
def test_grey_views_have_equal_channels(photos: Tensor, probability: float) -> None:
    recipe = ViewRecipe(random_gray_scale=probability, cj_prob=0.0)
    colourful = photos[saturation(photos / 255) > 0.1].repeat(20, 1, 1, 1)
    views = random_views(colourful, recipe, seeded())
    grey = saturation(views) < 1e-4
    assert abs(grey.float().mean() - probability) < (0.1 if 0 < probability < 1 else 1e-9)


def test_jitter_comes_with_its_probability(photos: Tensor) -> None:
    recipe = ViewRecipe(min_scale=1.0, hf_prob=0.0, cj_prob=0.3, random_gray_scale=0.0)
    images = photos.repeat(20, 1, 1, 1)
    change = (random_views(images, recipe, seeded()) - images / 255).abs().flatten(1).mean(dim=1)
    assert abs((change > 1e-3).float().mean() - 0.3) < 0.05


def only(**jitter: float) -> ViewRecipe:
    """All of one jitter, with a factor between 1 - x and 1 + x or an angle, and no other."""
    off: dict[str, Any] = {"cj_bright": 0.0, "cj_contrast": 0.0, "cj_sat": 0.0, "cj_hue": 0.0}
    fixed = {"min_scale": 1.0, "hf_prob": 0.0, "random_gray_scale": 0.0, "cj_prob": 1.0}
    return ViewRecipe(cj_strength=1.0, **{**fixed, **off, **jitter})


def brightness(views: Tensor) -> Tensor:
    return views.mean(dim=(1, 2, 3))


def contrast(views: Tensor) -> Tensor:
    return views.std(dim=(1, 2, 3))


@pytest.mark.parametrize(
    ("jitter", "measure"),
    [("cj_bright", brightness), ("cj_contrast", contrast), ("cj_sat", saturation)],
)
def test_each_jitter_scales_its_own_property_evenly(
    jitter: str, measure: Callable[[Tensor], Tensor]
) -> None:
    # Medium colours: nothing is clamped.
    images = torch.randint(100, 156, (1000, 3, 8, 8), dtype=torch.uint8, generator=seeded(1))
    views = random_views(images, only(**{jitter: 0.5}), seeded())
    factor = measure(views) / measure(images / 255)
    assert_close(
        factor.quantile(torch.tensor([0.0, 0.25, 0.5, 0.75, 1.0])),
        torch.tensor([0.5, 0.75, 1.0, 1.25, 1.5]),
        atol=0.07,
        rtol=0,
    )


def test_hue_turns_the_colours_and_keeps_their_light_and_strength() -> None:
    orange = torch.tensor([170, 120, 100], dtype=torch.uint8).view(1, 3, 1, 1)
    views = random_views(orange.expand(500, 3, 4, 4), only(cj_hue=0.2), seeded())[..., 0, 0]
    yiq = torch.tensor([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
    before, after = yiq @ (orange.flatten() / 255), views @ yiq.T
    assert_close(after[:, 0], before[0].expand(500), atol=1e-3, rtol=0)
    strength = after[:, 1:].norm(dim=1)
    assert_close(strength, before[1:].norm().expand(500), atol=1e-3, rtol=0)
    angle = torch.atan2(after[:, 2], after[:, 1]) - torch.atan2(before[2], before[1])
    turn = (angle / (2 * math.pi) + 0.5) % 1 - 0.5
    levels = torch.linspace(0, 1, 11)
    assert_close(turn.quantile(levels), levels * 0.4 - 0.2, atol=0.03, rtol=0)


def test_switching_a_step_off_leaves_the_other_draws_as_they_are(photos: Tensor) -> None:
    everything = ViewRecipe(gaussian_blur=0.5, solarization_prob=0.3)
    views = random_views(photos, everything, seeded())
    unblurred = replace(everything, gaussian_blur=0.0)
    for recipe in (unblurred, replace(everything, solarization_prob=0.0)):
        without = random_views(photos, recipe, seeded())
        same = [torch.equal(a, b) for a, b in zip(views, without, strict=True)]
        assert 0.3 < sum(same) / len(same) < 0.9


def test_large_batches_are_the_same_in_parts(photos: Tensor) -> None:
    recipe = ViewRecipe(gaussian_blur=0.5, solarization_prob=0.3, size=40)
    images = photos.repeat(3, 1, 1, 1)  # more than is computed at a time
    whole, generator = random_views(images, recipe, seeded()), seeded()
    parts = [random_views(part, recipe, generator) for part in torch.split(images, 50)]
    assert_close(torch.cat(parts), whole, atol=1e-5, rtol=0)


def test_views_may_be_normalised_at_once(photos: Tensor) -> None:
    normalisation = Normalisation((0.4, 0.5, 0.6), (0.2, 0.25, 0.3))
    views = random_views(photos, ViewRecipe(), seeded(), normalisation=normalisation)
    afterwards = normalisation(random_views(photos, ViewRecipe(), seeded()))
    assert_close(views, afterwards)
    for found in (views, afterwards):
        assert found.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("size", [5, 16, 30])
def test_views_may_have_another_size(digits: Tensor, photos: Tensor, size: int) -> None:
    for images in (digits, photos):
        views = random_views(images, ViewRecipe(size=size, max_scale=0.4), seeded())
        assert views.shape == (*images.shape[:2], size, size)
        assert (views.min() >= 0) & (views.max() <= 1)
