"""The digest of pixels, the same for images in memory and in a cache file."""

import hashlib


def start_pixel_digest(shape: tuple[int, ...]) -> "hashlib._Hash":
    """Begin a digest; feed it the images' bytes in order.

    Args:
        shape: (n_images, channels, size, size). It is part of the data: 4x16 and 8x8 pixels may
            have the same bytes.

    Returns:
        A SHA-256 that has the shape behind it.
    """
    return hashlib.sha256(repr(tuple(shape)).encode())
