"""What every measure promises about its input, in one place."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from objectives import EmbeddingError, ObjectivesError, alpha_req, lidar, rankme
from objectives.embeddings import check_embeddings, check_views
from tests.objectives.builders import gaussian

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def alpha(embeddings: Tensor) -> float:
    return alpha_req(embeddings).alpha


def decaying(*shape: int) -> Tensor:
    return gaussian(*shape) * torch.arange(1, shape[-1] + 1, dtype=torch.float64) ** -0.5


MEASURED: list[tuple[Callable[[Tensor], float], Tensor]] = [
    (rankme, decaying(120, 24)),
    (alpha, decaying(120, 24)),
    (lidar, decaying(60, 1, 24) + 0.5 * gaussian(60, 4, 24, seed=1)),
]
measured = pytest.mark.parametrize(
    ("measure", "data"), MEASURED, ids=["rankme", "alpha_req", "lidar"]
)


@measured
def test_float32_input_equals_its_float64_copy(
    measure: Callable[[Tensor], float], data: Tensor
) -> None:
    assert measure(data.float()) == measure(data.float().double())
    assert measure(data.float()) == pytest.approx(measure(data), rel=1e-4)


@measured
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float16, 1e-3), (torch.bfloat16, 1e-2)], ids=str
)
def test_half_precision_input_is_measured_in_float64(
    measure: Callable[[Tensor], float], data: Tensor, dtype: torch.dtype, tolerance: float
) -> None:
    assert measure(data.to(dtype)) == measure(data.to(dtype).double())
    assert measure(data.to(dtype)) == pytest.approx(measure(data), rel=tolerance)


@measured
def test_input_is_never_mutated(measure: Callable[[Tensor], float], data: Tensor) -> None:
    for values in (data.clone(), data.float()):
        before = values.clone()
        measure(values)
        assert torch.equal(values, before)
        assert values.dtype == before.dtype


@measured
def test_repeated_calls_agree_exactly(measure: Callable[[Tensor], float], data: Tensor) -> None:
    assert measure(data) == measure(data)


@measured
def test_non_contiguous_input_is_fine(measure: Callable[[Tensor], float], data: Tensor) -> None:
    strided = torch.stack([data, gaussian(*data.shape, seed=9)], dim=-1)[..., 0]
    assert not strided.is_contiguous()
    assert measure(strided) == pytest.approx(measure(data), rel=1e-12)


@measured
def test_input_with_a_gradient_is_detached(
    measure: Callable[[Tensor], float], data: Tensor
) -> None:
    leaf = data.clone().requires_grad_()
    assert measure(leaf) == measure(data)
    assert leaf.grad is None


@measured
@pytest.mark.parametrize("device", DEVICES)
def test_any_device(measure: Callable[[Tensor], float], data: Tensor, device: str) -> None:
    assert measure(data.to(device)) == pytest.approx(measure(data), rel=1e-9)


@measured
def test_numpy_input_read_only_or_reversed(measure: Callable[..., float], data: Tensor) -> None:
    array = data.numpy().copy()
    array.setflags(write=False)
    assert measure(array) == measure(data)
    assert measure(array[::-1]) == pytest.approx(measure(data), rel=1e-10)


@measured
@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_non_finite_values_raise_with_the_count(
    measure: Callable[[Tensor], float], data: Tensor, bad: float
) -> None:
    broken = data.clone()
    broken[0, ..., 0] = bad
    broken[3, ..., 2] = bad
    rows = data[..., 0].numel()
    n_bad = 2 * rows // data.shape[0]
    with pytest.raises(EmbeddingError, match=rf"got {n_bad} of {rows} rows with NaN or infinite"):
        measure(broken)


@measured
def test_integer_input_raises(measure: Callable[[Tensor], float], data: Tensor) -> None:
    with pytest.raises(EmbeddingError, match=r"got dtype torch.int64, wanted float16"):
        measure(data.long())
    with pytest.raises(EmbeddingError, match=r"got dtype int64, wanted float16"):
        measure(data.long().numpy())  # type: ignore[arg-type]


def test_complex_and_bool_raise() -> None:
    for dtype in (torch.complex64, torch.bool):
        with pytest.raises(EmbeddingError, match="got dtype"):
            check_embeddings(torch.ones(3, 3, dtype=dtype))


@pytest.mark.parametrize("shape", [(5,), (5, 4, 3, 2), (5, 4, 3)])
def test_wrong_rank_raises(shape: tuple[int, ...]) -> None:
    message = rf"embeddings: got a {len(shape)}-D array .* wanted 2-D \(n_samples, dim\)"
    with pytest.raises(EmbeddingError, match=message):
        check_embeddings(torch.ones(shape))


@pytest.mark.parametrize("shape", [(0, 4), (4, 0)])
def test_empty_raises(shape: tuple[int, int]) -> None:
    with pytest.raises(EmbeddingError, match=r"got the empty shape .* at least 1"):
        check_embeddings(torch.ones(shape))


def test_something_else_raises() -> None:
    with pytest.raises(EmbeddingError, match="got a list, wanted a torch tensor or numpy array"):
        check_embeddings([[1.0, 2.0]])  # type: ignore[arg-type]


def test_the_argument_is_named() -> None:
    with pytest.raises(EmbeddingError, match=r"^projections: "):
        check_embeddings(torch.ones(3), name="projections")


def test_errors_are_value_errors_too() -> None:
    assert issubclass(EmbeddingError, ValueError)
    assert issubclass(EmbeddingError, ObjectivesError)


def test_checked_values_keep_dtype_and_are_the_same_memory() -> None:
    embeddings = torch.ones(3, 2, dtype=torch.bfloat16)
    checked = check_embeddings(embeddings)
    assert checked.dtype == torch.bfloat16
    assert checked.data_ptr() == embeddings.data_ptr()


def test_flat_views_are_refused_with_the_reason() -> None:
    for flat in (torch.ones(6, 2), np.ones((6, 2))):
        with pytest.raises(EmbeddingError, match=r"2-D .* wrong grouping .* better, not worse"):
            check_views(flat)


@pytest.mark.parametrize("shape", [(1, 4, 3), (4, 1, 3), (1, 1, 3)])
def test_too_few_images_or_views_are_refused(shape: tuple[int, int, int]) -> None:
    message = rf"got {shape[0]} image\(s\) with {shape[1]} view\(s\) each, wanted at least 2"
    with pytest.raises(EmbeddingError, match=message):
        check_views(torch.ones(shape))
