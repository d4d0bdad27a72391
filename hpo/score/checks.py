"""Whether an array can be what it was taken for, judged by its header, before it is read."""

from __future__ import annotations

from hpo.errors import DataError
from hpo.score.arrays import ArrayFile, ArrayHeader

FLOATING = ("float16", "bfloat16", "float32", "float64")
SHAPES = {2: "(n_samples, dim)", 3: "(n_images, n_views, dim)"}


def check_values(file: ArrayFile, name: str, *, ranks: tuple[int, ...] = (2, 3)) -> None:
    """Check that an array can be embeddings or views.

    Args:
        file: that holds it.
        name: of the array.
        ranks: how many dimensions it may have.

    Raises:
        DataError: not floating, of another rank, empty, or a single view of each image.
    """
    header = file.headers[name]
    hint = _hint(header, ranks)
    if hint:
        shapes = " or ".join(SHAPES[rank] for rank in ranks)
        raise DataError(
            f"{file.place(name)}: got {header}, wanted float16, bfloat16, float32 or float64 of "
            f"shape {shapes}. {hint}"
        )


def check_ids(file: ArrayFile, name: str) -> None:
    """Check that an array can be image ids: integers in one dimension.

    Raises:
        DataError: it cannot.
    """
    header = file.headers[name]
    if len(header.shape) != 1 or not header.dtype.startswith(("int", "uint")):
        raise DataError(
            f"{file.place(name)}: got {header}, wanted image ids as integers of shape (n_rows,), "
            "equal for the views of one image; number the images, for example with "
            "numpy.unique(names, return_inverse=True)[1]."
        )


def _hint(header: ArrayHeader, ranks: tuple[int, ...]) -> str:
    """What to do about the array, or nothing if it will do."""
    if header.dtype not in FLOATING:
        return _dtype_hint(header)
    if len(header.shape) not in ranks:
        return _rank_hint(header)
    if 0 in header.shape:
        return "It is empty: check that the loader yielded batches."
    if len(header.shape) == 3 and header.shape[1] == 1:
        return "One view of each image is none to compare: save array[:, 0], one row an image."
    return ""


def _dtype_hint(header: ArrayHeader) -> str:
    if header.dtype == "object":
        return (
            "It holds pickled Python objects, which are not opened since that would run code out "
            "of the file: where you trust it, load it with allow_pickle=True, stack it into one "
            "array of numbers and save that."
        )
    if header.dtype.startswith("void"):
        return "numpy has no bfloat16 and no records of embeddings: save as float32, or as .pt."
    if header.dtype.startswith(("int", "uint", "bool")):
        return (
            "Labels, ids or pixels are no embeddings: name another array with --key, or save what "
            "the model returns (integers that really are embeddings: as float32)."
        )
    return "Save it dense and as float32."


def _rank_hint(header: ArrayHeader) -> str:
    if len(header.shape) == 3:
        return "Three dimensions are views: give the array as --key alone."
    if len(header.shape) == 2:
        return (
            "Two dimensions do not say which rows are views of one image: add --ids-key, or save "
            "the views as numpy.stack([first_views, second_views], axis=1)."
        )
    if len(header.shape) < 2:
        return "One vector is no set of samples: stack the embeddings of many images."
    return "Pool feature maps to one vector a sample: features.mean(axis=(-2, -1))."
