"""Views: one random crop, flip, jitter, grey, blur and solarisation an image, a batch at once.

Same argument names, meaning and order as in Lightly's transforms, in a few batched tensor
operations instead of a PIL pipeline per image, so that the processor is left to the training.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from hpo.views.colour_jitter import N_COLOUR_DRAWS, jitter_colours
from hpo.views.crops import N_CROP_DRAWS, crop_and_resize, draw_crops
from hpo.views.gaussian_blur import N_BLUR_DRAWS, blur_some
from hpo.views.recipe import ViewRecipe
from hpo.views.solarisation import solarise_some

if TYPE_CHECKING:
    from hpo.embedding import Normalisation

_PARTS = [N_CROP_DRAWS, N_COLOUR_DRAWS, N_BLUR_DRAWS, 1]
_PIXELS_AT_A_TIME = 2**19  # 2 MiB of float32: what a core's cache holds between two operations


def random_views(
    images: Tensor,
    recipe: ViewRecipe,
    generator: torch.Generator,
    *,
    ratio: float = 4 / 3,
    normalisation: Normalisation | None = None,
) -> Tensor:
    """Draw one view of every image.

    Args:
        images: uint8, shape (n, channels, size, size), channels 1 or 3.
        recipe: what to draw.
        generator: source of all randomness; must live on the images' device. On the CPU a view
            depends on the image's place alone, not on how the images are batched.
        ratio: crops have an aspect ratio between 1 / ratio and ratio.
        normalisation: of the views; None leaves them in [0, 1].

    Returns:
        float32, shape (n, channels, view size, view size), channels last in memory.

    >>> flat = torch.full((2, 1, 8, 8), 51, dtype=torch.uint8)
    >>> same = ViewRecipe(cj_prob=0.0, random_gray_scale=0.0)
    >>> round(random_views(flat, same, torch.Generator().manual_seed(0)).mean().item(), 4)
    0.2
    """
    n, channels, height, width = images.shape
    # One row an image: drawing column by column would make a view depend on the batch's size. All
    # of a row, whatever the recipe: what is switched off does not change the other draws.
    draws = torch.rand((n, sum(_PARTS)), generator=generator, device=images.device)
    views = torch.empty(
        (n, channels, recipe.size or height, recipe.size or width),
        device=images.device,
        memory_format=torch.channels_last,
    )
    n_at_a_time = max(1, _PIXELS_AT_A_TIME // max(images[:1].numel(), views[:1].numel()))
    if images.is_cuda:  # pragma: no GPU
        n_at_a_time = n
    for start in range(0, n, n_at_a_time):
        part = slice(start, start + n_at_a_time)
        drawn = _draw(images[part], recipe, draws[part], ratio, views.shape[2:])
        views[part] = drawn if normalisation is None else normalisation.apply_(drawn)
    return views


def _draw(
    images: Tensor, recipe: ViewRecipe, draws: Tensor, ratio: float, size: torch.Size
) -> Tensor:
    of_crop, of_colour, of_blur, of_solarisation = torch.split(draws, _PARTS, dim=1)
    crops = draw_crops(of_crop, recipe, ratio, height=images.shape[2], width=images.shape[3])
    views = crop_and_resize(images, crops, height=size[0], width=size[1]).div_(255.0)
    views = jitter_colours(views, recipe, of_colour)
    views = blur_some(views, recipe, of_blur)
    return solarise_some(views, recipe.solarization_prob, of_solarisation[:, 0])
