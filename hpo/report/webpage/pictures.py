"""Images as data URIs: small enough for dozens of them on a page."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

from hpo.data.store import as_picture

if TYPE_CHECKING:
    from torch import Tensor

LARGEST_SIDE = 96
_PNG_UP_TO = 32  # pixels a side; below it, PNG is smaller than any file with lossy blocks


def data_uri(pixels: Tensor) -> str:
    """Encode an image: PNG where it is tiny, WebP of at most `LARGEST_SIDE` pixels otherwise.

    Args:
        pixels: uint8 (1 or 3, height, width).

    >>> import torch
    >>> data_uri(torch.zeros(1, 8, 8, dtype=torch.uint8))[:22]
    'data:image/png;base64,'
    """
    from PIL import Image

    picture = as_picture(pixels)
    picture.thumbnail((LARGEST_SIDE, LARGEST_SIDE), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    form = "png" if max(picture.size) <= _PNG_UP_TO else "webp"
    if form == "png":
        picture.save(file, "PNG", optimize=True)
    else:
        picture.save(file, "WEBP", quality=80)
    return f"data:image/{form};base64,{base64.b64encode(file.getvalue()).decode('ascii')}"
