"""The one place where embeddings are checked before they are measured."""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from objectives.errors import EmbeddingError, InvalidArgumentError

ArrayLike: TypeAlias = Tensor | npt.NDArray[Any]

CHECKED_AT_ONCE = 2**20
FLOATING = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def check_embeddings(
    embeddings: ArrayLike, *, name: str = "embeddings", finite: bool = True
) -> Tensor:
    """Check a matrix of embeddings, one row a sample.

    Args:
        embeddings: Shape (n_samples, dim), torch tensor or numpy array, float16, bfloat16, float32
            or float64, on any device, contiguous or not. Never changed.
        name: The argument's name, for the message.
        finite: Whether values that are not finite are refused too; see `count_not_finite`.

    Returns:
        The same values as a detached tensor, in their own dtype and on their own device.

    Raises:
        EmbeddingError: Not an array, not floating, not 2-D, empty, or with non-finite values.

    Examples:
        >>> check_embeddings(torch.eye(3)).shape
        torch.Size([3, 3])
    """
    return _check(embeddings, name, ("n_samples", "dim"), finite=finite)


def check_views(views: ArrayLike, *, name: str = "views", fewest_images: int = 2) -> Tensor:
    """Check embeddings of several views of each image, grouped by image.

    Args:
        views: Shape (n_images, n_views, dim), dtypes and devices as in `check_embeddings`.
            `views[i]` holds the views of image i and of no other image.
        name: The argument's name, for the message.
        fewest_images: 1 for a batch of many, else 2.

    Returns:
        The same values as a detached tensor, in their own dtype and on their own device.

    Raises:
        EmbeddingError: As in `check_embeddings`, for three dimensions; or too few images, or fewer
            than two views of each.

    Examples:
        >>> check_views(torch.zeros(4, 2, 3)).shape
        torch.Size([4, 2, 3])
    """
    if getattr(views, "ndim", None) == 2:
        raise EmbeddingError(
            f"{name}: got a 2-D array of shape {tuple(views.shape)}, wanted "
            "(n_images, n_views, dim); a flat array does not say which rows are views of the same "
            "image, and a wrong grouping makes the value look better, not worse. Stack the views "
            "image by image: torch.stack([first_views, second_views, ...], dim=1)."
        )
    checked = _check(views, name, ("n_images", "n_views", "dim"))
    n_images, n_views, _ = checked.shape
    if n_images < fewest_images or n_views < 2:
        raise EmbeddingError(
            f"{name}: got {n_images} image(s) with {n_views} view(s) each, wanted at least "
            f"{fewest_images} image(s) with 2 views each; the variance between images and that "
            "within an image need two points each."
        )
    return checked


def count_not_finite(values: Tensor) -> int:
    """Count the rows (last axis) that hold NaN or an infinity.

    Examples:
        >>> count_not_finite(torch.tensor([[1.0, 2.0], [float("nan"), 0.0]]))
        1
    """
    # NaN and infinities survive a sum, and one pass without a copy is most of the answer.
    if bool(torch.isfinite(values.sum())):
        return 0
    # In chunks: torch's test makes copies several times as large as what it tests.
    at_once = max(1, CHECKED_AT_ONCE // values[0].numel())
    chunks = torch.split(values, at_once)
    return sum(int((~torch.isfinite(chunk)).any(dim=-1).sum()) for chunk in chunks)


def to_float64(values: Tensor) -> Tensor:
    """Return the values in float64; on the CPU where the device (MPS) has no float64.

    Examples:
        >>> to_float64(torch.ones(1, dtype=torch.float16)).dtype
        torch.float64
    """
    if values.device.type == "mps":  # pragma: no GPU
        values = values.cpu()
    return values.to(torch.float64)


def check_non_negative(value: float, *, name: str) -> None:
    """Raise unless a regularising constant is a finite number of at least 0.

    Raises:
        InvalidArgumentError: Negative, infinite or not a number.

    Examples:
        >>> check_non_negative(1e-7, name="epsilon")
    """
    if not 0.0 <= value < float("inf"):
        raise InvalidArgumentError(
            f"{name}: got {value!r}, wanted a finite number of at least 0; pass 0 to leave it out."
        )


def _check(values: ArrayLike, name: str, axes: tuple[str, ...], *, finite: bool = True) -> Tensor:
    wanted = f"({', '.join(axes)})"
    tensor = _as_tensor(values, name, wanted)
    shape = tuple(tensor.shape)
    if len(shape) != len(axes):
        raise EmbeddingError(
            f"{name}: got a {len(shape)}-D array of shape {shape}, wanted {len(axes)}-D {wanted}; "
            "pool or flatten feature maps to one vector a sample first."
        )
    if tensor.numel() == 0:
        raise EmbeddingError(
            f"{name}: got the empty shape {shape}, wanted {wanted} with every size at least 1; "
            "check that the loader yielded batches."
        )
    if finite and (n_bad := count_not_finite(tensor)):
        n_rows = tensor.numel() // shape[-1]
        raise EmbeddingError(
            f"{name}: got {n_bad} of {n_rows} rows with NaN or infinite values, wanted all finite; "
            "the run has diverged or overflowed its dtype: treat it as failed, do not drop rows."
        )
    return tensor


def _as_tensor(values: ArrayLike, name: str, wanted: str) -> Tensor:
    if isinstance(values, np.ndarray):
        _check_dtype(values.dtype in (np.float16, np.float32, np.float64), values.dtype, name)
        # A copy: numpy arrays may be read-only or negatively strided, which torch does not share.
        return torch.from_numpy(np.array(values, order="C"))
    if not isinstance(values, Tensor):
        raise EmbeddingError(
            f"{name}: got a {type(values).__name__}, wanted a torch tensor or numpy array of shape "
            f"{wanted}; convert it with torch.as_tensor."
        )
    _check_dtype(values.dtype in FLOATING, values.dtype, name)
    return values.detach()


def _check_dtype(accepted: bool, dtype: object, name: str) -> None:
    if not accepted:
        raise EmbeddingError(
            f"{name}: got dtype {dtype}, wanted float16, bfloat16, float32 or float64; if these "
            "are embeddings convert them with .float(), if they are labels or pixels pass the "
            "embeddings instead."
        )
