"""The blur is a Gaussian's: torchvision's to rounding, and Pillow's to what Pillow approximates."""

import pytest
import torch
from lightly.transforms.gaussian_blur import GaussianBlur
from PIL import Image
from torch import Tensor
from torch.nn.functional import pad
from torch.testing import assert_close
from torchvision.transforms.functional import gaussian_blur as torchvision_blur

from hpo.views import ViewRecipe
from hpo.views.gaussian_blur import blur_some, gaussian_blur

SIGMAS = (0.1, 0.5, 1.0, 2.0)


@pytest.mark.parametrize("sigma", SIGMAS)
def test_it_is_torchvisions_where_the_last_pixel_goes_on(photos: Tensor, sigma: float) -> None:
    views = photos[:, :, :, :48] / 255  # not square
    found = gaussian_blur(views, torch.full((len(views),), sigma), max_sigma=2.0)
    wider = pad(views, (8, 8, 8, 8), mode="replicate")
    theirs = torchvision_blur(wider, [17, 17], [sigma, sigma])
    assert_close(found, theirs[:, :, 8:-8, 8:-8], atol=1e-5, rtol=0)


@pytest.mark.parametrize("sigma", SIGMAS)
def test_it_is_lightlys(photos: Tensor, sigma: float) -> None:
    found = gaussian_blur(photos / 255, torch.full((len(photos),), sigma), max_sigma=2.0)
    blur = GaussianBlur(prob=1.0, sigmas=(sigma, sigma))
    for view, photo in zip(found, photos, strict=True):
        theirs = blur(Image.fromarray(photo.permute(1, 2, 0).numpy()))
        assert isinstance(theirs, Image.Image)
        pixels = torch.frombuffer(bytearray(theirs.tobytes()), dtype=torch.uint8)
        difference = (view.permute(1, 2, 0) * 255 - pixels.view(64, 64, 3)).abs()
        # Theirs is three box filters, rounded to whole numbers after each.
        assert difference.mean() < 1.0
        assert difference[8:-8, 8:-8].max() < 10
        assert difference.max() < 28  # in a corner: each of the three goes beyond the edge anew


def test_each_view_has_its_own_width(photos: Tensor) -> None:
    sigma = torch.linspace(0, 2, len(photos))
    together = gaussian_blur(photos / 255, sigma, max_sigma=2.0)
    for index in (0, 17, 39):
        one = slice(index, index + 1)
        alone = gaussian_blur(photos[one] / 255, sigma[one], max_sigma=2.0)
        assert_close(together[one], alone, atol=1e-6, rtol=0)
    assert_close(together[0], photos[0] / 255, atol=1e-6, rtol=0)  # a width of 0


def test_it_keeps_a_flat_view_and_a_tiny_one() -> None:
    flat = torch.full((2, 1, 5, 5), 0.3)
    assert_close(gaussian_blur(flat, torch.tensor([0.5, 2.0]), max_sigma=2.0), flat)
    dot = torch.tensor([[[[0.7]]]])
    assert_close(gaussian_blur(dot, torch.tensor([2.0]), max_sigma=2.0), dot)


def test_some_views_are_blurred_by_widths_in_the_range(photos: Tensor) -> None:
    views = photos.repeat(20, 1, 1, 1) / 255
    recipe = ViewRecipe(gaussian_blur=0.3, min_sigma=0.8, max_sigma=1.2)
    draws = torch.rand(len(views), 2, generator=torch.Generator().manual_seed(0))
    found = blur_some(views.clone(), recipe, draws)
    changed = (found - views).abs().flatten(1).amax(1) > 1e-4
    assert torch.equal(changed, draws[:, 0] < 0.3)
    sigma = draws[:, 1] * 0.4 + 0.8
    expected = gaussian_blur(views, sigma, max_sigma=1.2)
    assert_close(found[changed], expected[changed], atol=1e-6, rtol=0)


def test_switched_off_or_with_none_chosen_it_changes_nothing(photos: Tensor) -> None:
    views = photos[:3] / 255
    assert blur_some(views, ViewRecipe(gaussian_blur=0.0), torch.zeros(3, 2)) is views
    rare = blur_some(views.clone(), ViewRecipe(gaussian_blur=0.1), torch.full((3, 2), 0.5))
    assert torch.equal(rare, views)
