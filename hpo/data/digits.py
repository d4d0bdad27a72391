"""The 1797 handwritten digits that come with scikit-learn: no file, no download."""

import numpy as np

from hpo.data.arrays import ArrayImages

AUTOMATIC_SIZE = 16
_LARGEST_VALUE = 16


def read_digits(*, with_labels: bool) -> ArrayImages:
    """Read the digits, 8 x 8 pixels with values 0..16, scaled to 0..255.

    Args:
        with_labels: whether to read which digit it is.

    Returns:
        1797 grey images of 8 x 8 pixels in 10 classes.
    """
    from sklearn.datasets import load_digits

    digits = load_digits()
    pixels = np.round(digits.images * (255 / _LARGEST_VALUE)).astype(np.uint8)[..., np.newaxis]
    if not with_labels:
        return ArrayImages(pixels, None, ())
    names = tuple(str(name) for name in digits.target_names)
    return ArrayImages(pixels, digits.target.astype(np.int64), names)
