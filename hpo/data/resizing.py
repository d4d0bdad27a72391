"""One way to make any image square, used for files and arrays alike.

Pillow's resize works in integers, so the same pixels give the same bytes on every machine. The
fingerprint of a study relies on this: torch's resize may differ in the last bit between processors.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

if TYPE_CHECKING:
    from PIL import Image

PROGRESS_EVERY = 256


def to_square(image: "Image.Image", image_size: int) -> NDArray[np.uint8]:
    """Scale the shorter side to `image_size` (antialiased bilinear) and cut out the centre square.

    Args:
        image: mode L or RGB, any size.
        image_size: side of the result in pixels.

    Returns:
        `(channels, image_size, image_size)` uint8, channels 1 for L and 3 for RGB.
    """
    from PIL import Image

    width, height = image.size
    side = min(width, height)
    # Whole pixels, so that an image that needs cutting but no scaling is not blurred by half a one.
    left, top = (width - side) // 2, (height - side) // 2
    # Scaling only the centre square spares the pixels of a panorama that the crop would drop.
    square = image.resize(
        (image_size, image_size),
        resample=Image.Resampling.BILINEAR,
        box=(left, top, left + side, top + side),
    )
    pixels = np.asarray(square, dtype=np.uint8)
    return pixels[np.newaxis] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


def square_of(pixels: NDArray[np.uint8], image_size: int) -> NDArray[np.uint8]:
    """Make one image of an array square.

    Args:
        pixels: `(height, width, channels)` uint8, channels 1 or 3.
        image_size: side of the result in pixels.

    Returns:
        `(channels, image_size, image_size)` uint8.
    """
    from PIL import Image

    height, width, channels = pixels.shape
    if height == width == image_size:
        return pixels.transpose(2, 0, 1)
    plane = pixels[:, :, 0] if channels == 1 else pixels
    return to_square(Image.fromarray(np.ascontiguousarray(plane)), image_size)


def resize_all(
    images: NDArray[np.uint8], image_size: int, progress: Callable[[int, int], None] | None
) -> Tensor:
    """Make every image of an array square.

    Args:
        images: `(n_images, height, width, channels)` uint8, channels 1 or 3.
        image_size: side of the result in pixels.
        progress: called with (images done, images in all) every few hundred images.

    Returns:
        `(n_images, channels, image_size, image_size)` uint8; never shares memory with `images`.
    """
    n_images, height, width, channels = images.shape
    if height == width == image_size:
        squares = np.array(images.transpose(0, 3, 1, 2), order="C")
    else:
        squares = np.empty((n_images, channels, image_size, image_size), dtype=np.uint8)
        for index in range(n_images):
            squares[index] = square_of(images[index], image_size)
            if progress is not None and index % PROGRESS_EVERY == PROGRESS_EVERY - 1:
                progress(index + 1, n_images)
    if progress is not None:
        progress(n_images, n_images)
    return torch.from_numpy(squares)
