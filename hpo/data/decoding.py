"""One image file to one square of uint8 pixels, or the reason why not.

How each kind of picture is read:

* transparent pictures are laid on white: logos and drawings are dark on nothing, and would vanish
  on black;
* 16-bit grey is divided by 256, so that the full range 0..65535 becomes 0..255 (a 12-bit scanner's
  picture is dark, but equally dark in every file);
* CMYK, palettes and 1-bit pictures become RGB or grey, and a picture whose three channels are equal
  everywhere counts as grey;
* the EXIF orientation is applied; of several frames the first is read.
"""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from numpy.typing import NDArray

from hpo.data.resizing import to_square
from hpo.errors import DataError

if TYPE_CHECKING:
    from PIL import Image

# Only these decoders run, whatever the bytes say: Pillow would otherwise hand a file named .png
# that holds PostScript to Ghostscript.
_FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP")
_SIXTEEN_BIT_MODES = ("I", "I;16", "I;16L", "I;16B", "I;16N")
_ALPHA_MODES = ("LA", "La", "PA", "RGBA", "RGBa")
_GREY_MODES = ("1", "L", "LA", "La", "F", *_SIXTEEN_BIT_MODES)


@dataclass(frozen=True)
class Decoded:
    """A picture that could be read.

    Args:
        pixels: `(1 or 3, size, size)` uint8.
        native_size: shorter side before resizing, in pixels.
    """

    pixels: NDArray[np.uint8]
    native_size: int


@dataclass(frozen=True)
class Header:
    """What a picture's header says.

    Args:
        shorter_side: in pixels, before resizing.
        may_be_coloured: whether its pixels have three channels; they may still all be equal.
    """

    shorter_side: int
    may_be_coloured: bool


@dataclass(frozen=True)
class Unreadable:
    """A picture that could not be read, and why."""

    reason: str


@contextmanager
def pillow_ready() -> Iterator[None]:
    """Make Pillow fit for use in threads; enter it in the main thread, around the pool.

    Its decoders register themselves on first use, and two threads doing so at once can miss one.
    Warning filters belong to the whole process, so they cannot be set in each thread: a picture
    over Pillow's pixel limit becomes an error (counted as unreadable), and remarks about damaged
    metadata are dropped, since the pixels were read.
    """
    from PIL import Image

    Image.init()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def decode(path: Path, image_size: int) -> Decoded | Unreadable:
    """Read one picture and make it square.

    Args:
        path: a PNG, JPEG, WebP, TIFF or BMP file.
        image_size: side of the result in pixels.

    Returns:
        Its pixels, with one channel where the picture is grey; or why it cannot be read.
    """
    try:
        image, native_size = _open_upright(path, image_size)
    except MemoryError:
        raise
    except Exception as error:  # damaged bytes make Pillow's decoders raise nearly anything
        return Unreadable(_reason(error))
    pixels = to_square(image, image_size)
    if len(pixels) == 3 and _is_grey(pixels):
        pixels = pixels[:1]
    return Decoded(pixels, native_size)


def read_header(source: Path | BinaryIO) -> Header | None:
    """Read the size and the kind of one picture from its header, without decoding it.

    Args:
        source: a PNG, JPEG, WebP, TIFF or BMP file, or one that is open at its beginning.

    Returns:
        What it says; None when even the header cannot be read (`decode` says why).
    """
    from PIL import Image

    try:
        with Image.open(source, formats=_FORMATS) as image:
            return Header(min(image.size), image.mode not in _GREY_MODES)
    except MemoryError:
        raise
    except Exception:  # as in decode, which will report it
        return None


def gone_bad(path: Path, reason: str) -> str:
    """Say that a picture cannot be read although the study counts on it."""
    return (
        f"{path} cannot be read: {reason}. The study counts on this picture, so none is put in its "
        "place: restore it and run the same command again, or remove it and start a new study."
    )


def open_picture(
    path: Path, channels: int, explain: Callable[[Path, str], str] = gone_bad
) -> "Image.Image":
    """Read one picture at its native size, upright.

    Args:
        path: a PNG, JPEG, WebP, TIFF or BMP file.
        channels: those of the set it belongs to; 1 gives mode L, 3 gives RGB.
        explain: from the path and the reason to the message, where it cannot be read.

    Raises:
        DataError: it cannot be read.
    """
    with pillow_ready():
        try:
            image, _ = _open_upright(path, None)
        except MemoryError:
            raise
        except Exception as error:  # as in decode
            raise DataError(explain(path, _reason(error))) from error
        return image.convert("L" if channels == 1 else "RGB")


def _open_upright(path: Path, image_size: int | None) -> tuple["Image.Image", int]:
    from PIL import Image, ImageOps

    with Image.open(path, formats=_FORMATS) as image:
        native_size = min(image.size)
        # A large JPEG is decoded at 1/2, 1/4 or 1/8, still at least twice the wanted size: several
        # times faster, and what Pillow's own thumbnails do.
        if image_size is not None:
            image.draft(None, (2 * image_size, 2 * image_size))
        ImageOps.exif_transpose(image, in_place=True)
        return _to_grey_or_rgb(image), native_size


def _to_grey_or_rgb(image: "Image.Image") -> "Image.Image":
    if image.mode in _SIXTEEN_BIT_MODES:
        return _from_sixteen_bits(image)
    if image.mode == "F":
        raise ValueError("floating-point pixels have no agreed range; save it with 8 or 16 bits")
    if image.mode in _ALPHA_MODES or "transparency" in image.info:
        return _on_white(image)
    return image.convert("L" if image.mode in ("1", "L") else "RGB")


def _from_sixteen_bits(image: "Image.Image") -> "Image.Image":
    from PIL import Image

    values = np.asarray(image)
    low, high = int(values.min()), int(values.max())
    if low < 0 or high > 65535:
        raise ValueError(f"grey values from {low} to {high}, wanted 0 to 65535 (16 bits)")
    return Image.fromarray((values >> 8).astype(np.uint8))


def _on_white(image: "Image.Image") -> "Image.Image":
    from PIL import Image

    paper = Image.new("RGBA", image.size, "white")
    paper.alpha_composite(image.convert("RGBA"))
    return paper.convert("RGB")


def _is_grey(pixels: NDArray[np.uint8]) -> bool:
    red, green, blue = pixels
    return bool(np.array_equal(red, green) and np.array_equal(green, blue))


def _reason(error: Exception) -> str:
    from PIL import UnidentifiedImageError

    if isinstance(error, UnidentifiedImageError):
        # Pillow's message repeats the path, which stands before the reason already.
        return "not a PNG, JPEG, WebP, TIFF or BMP picture"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
