"""How many images, how large, and whether they fit: decided before anything is decoded."""

import torch

from hpo.errors import ConfigError, DataError

# Every trial on a machine maps the same images, and a GPU trial keeps them on the device.
MEMORY_LIMIT_BYTES = 8 * 2**30
LARGEST_KEPT_SIZE = 40
LARGE_IMAGE_SIZE = 64


def automatic_size(native_size: int) -> int:
    """Image size for users who named none: small images keep theirs, larger ones become 64.

    Args:
        native_size: shorter side in pixels, at least 1.

    Returns:
        Side in pixels, a multiple of 8 (the networks halve it up to three times).

    >>> [automatic_size(native) for native in (28, 32, 40, 41, 480)]
    [32, 32, 40, 64, 64]
    """
    if native_size > LARGEST_KEPT_SIZE:
        return LARGE_IMAGE_SIZE
    return -(-native_size // 8) * 8


def check_memory(n_images: int, channels: int, image_size: int) -> None:
    """Refuse a set that would not fit, before it is decoded.

    Args:
        n_images: number of images.
        channels: 1 or 3.
        image_size: side in pixels.

    Raises:
        DataError: `n_images * channels * image_size**2` bytes exceed `MEMORY_LIMIT_BYTES`.
    """
    bytes_each = channels * image_size**2
    wanted = n_images * bytes_each
    if wanted <= MEMORY_LIMIT_BYTES:
        return
    fitting_images = MEMORY_LIMIT_BYTES // bytes_each
    fitting_size = int((MEMORY_LIMIT_BYTES / (n_images * channels)) ** 0.5)
    ways = [f"--max-images {fitting_images}"] if fitting_images else []
    ways += [f"--image-size {fitting_size}"] if fitting_size else []
    raise DataError(
        f"{n_images} images of {channels} x {image_size} x {image_size} bytes are "
        f"{wanted / 2**30:.1f} GiB; the limit is {MEMORY_LIMIT_BYTES / 2**30:.0f} GiB. "
        f"Use at most {' or '.join(ways)}."
    )


def choose_subset(n_images: int, max_images: int | None, seed: int) -> list[int]:
    """Choose which images to keep; the same arguments choose the same images.

    Args:
        n_images: how many there are.
        max_images: how many to keep at most; None keeps all.
        seed: any integer.

    Returns:
        Positions in ascending order, so that the subset keeps the order of the whole.

    Raises:
        ConfigError: `max_images` is below 1.

    >>> len(choose_subset(100, 7, seed=0))
    7
    """
    if max_images is not None and max_images < 1:
        raise ConfigError(f"max_images: got {max_images}, wanted at least 1, or None for all.")
    if max_images is None or max_images >= n_images:
        return list(range(n_images))
    order = torch.randperm(n_images, generator=torch.Generator().manual_seed(seed))
    return sorted(order[:max_images].tolist())
