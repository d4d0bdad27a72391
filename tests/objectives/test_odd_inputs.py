"""Odd inputs to every public function of embeddings or views: the right value, or a clear error.

A new function is one line in `CASES`.
"""

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from objectives import (
    AlphaFit,
    CollapseReport,
    EmbeddingError,
    EmbeddingStatistics,
    SecondMoments,
    ViewMoments,
    alignment,
    alpha_req,
    collapse_report,
    covariance_eigenvalues,
    covariance_rank,
    distance_from_initialisation,
    fit_power_law,
    idest,
    lidar,
    lidar_eigenvalues,
    lidar_noise_corrected,
    nesum,
    participation_ratio,
    rankme,
    self_cluster,
    singular_values,
    stable_rank,
    uniformity,
    view_retrieval,
)
from tests.objectives.builders import gaussian, signal_views

ROWS = gaussian(60, 12) * torch.linspace(0.3, 2.0, 12).double() + 0.5
VIEWS = signal_views(30, 4, 6, n_signal=3, ratio=2.0) + 0.5
OTHER = gaussian(60, 5, seed=3)

ERROR = None
"""Expected where nothing can be measured: an `EmbeddingError`."""


@dataclass(frozen=True)
class Case:
    """A function of one array, and what it makes of one row and of constant rows (of ones).

    One that divides the scale out may have a value where squares are beyond float64.
    """

    name: str
    function: Callable[[Any], object]
    data: Tensor
    one: list[float] | None = ERROR
    constant: list[float] | None = ERROR
    scale_free: bool = False


def moments(rows: Any) -> list[object]:
    seen = SecondMoments()
    seen.update(rows)
    return [seen.gram(), seen.total_variance, seen.spread]


def view_moments(views: Any) -> list[object]:
    seen = ViewMoments()
    seen.update(views)
    return [seen.between(), seen.within()]


def flat_view_moments(views: Any) -> list[object]:
    seen = ViewMoments(n_views=4)
    n_rows = len(views) if getattr(views, "ndim", 0) else 1
    seen.update(views, image_ids=np.arange(n_rows) // 4)
    return [seen.between(), seen.within()]


NAN = math.nan
ZEROS = [0.0] * 12
CONSTANT = [0.0, 0.0, 12.0, 1.0]  # spread, total variance, mean square norm, rank

CASES = [
    Case("rankme", rankme, ROWS, one=[1.0], constant=[1.0]),
    Case("alpha_req", alpha_req, ROWS, constant=[NAN, NAN]),
    Case("lidar", lidar, VIEWS, constant=[NAN]),
    Case("lidar_eigenvalues", lidar_eigenvalues, VIEWS, constant=[0.0] * 6),
    Case("lidar_noise_corrected", lidar_noise_corrected, VIEWS, constant=[NAN]),
    Case("collapse_report", collapse_report, ROWS, constant=CONSTANT),
    Case("EmbeddingStatistics", EmbeddingStatistics.of, ROWS, constant=CONSTANT),
    Case("singular_values", singular_values, ROWS, [12**0.5], [720**0.5, *ZEROS[1:]]),
    Case("covariance_eigenvalues", covariance_eigenvalues, ROWS, constant=ZEROS),
    Case("SecondMoments", moments, ROWS, [*[1.0] * 144, 0.0, 0.0], [*[60.0] * 144, 0.0, 0.0]),
    Case("ViewMoments", view_moments, VIEWS, [0.0] * 72, [0.0] * 72),
    Case("ViewMoments, flat", flat_view_moments, VIEWS.flatten(end_dim=1), ERROR, [0.0] * 72),
    Case("alignment", alignment, VIEWS, constant=[0.0], scale_free=True),
    Case("covariance_rank", covariance_rank, ROWS, constant=[NAN]),
    Case("idest", lambda rows: idest(rows).dimension, ROWS, constant=[NAN]),
    Case("nesum", nesum, ROWS, constant=[NAN]),
    Case("participation_ratio", participation_ratio, ROWS, constant=[NAN]),
    Case("self_cluster", self_cluster, ROWS, constant=[1.0], scale_free=True),
    Case("stable_rank", stable_rank, ROWS, one=[1.0], constant=[1.0]),
    Case("uniformity", uniformity, ROWS, constant=[0.0], scale_free=True),
    Case("view_retrieval", view_retrieval, VIEWS, constant=[1 / 30]),
    Case("distance", lambda rows: distance_from_initialisation(rows, OTHER), ROWS, scale_free=True),
    Case("initial", lambda rows: distance_from_initialisation(OTHER, rows), ROWS, scale_free=True),
]


def every_case(*odd: str) -> pytest.MarkDecorator:
    """All cases with all of these oddities."""
    return pytest.mark.parametrize(
        ("case", "what"),
        [pytest.param(c, what, id=f"{c.name}-{what}") for c in CASES for what in odd],
    )


def numbers(result: object) -> list[float]:
    """Whatever a function returns, as a list of floats."""
    if isinstance(result, Tensor):
        return result.flatten().tolist()
    if isinstance(result, list):
        return [number for part in result for number in numbers(part)]
    if isinstance(result, AlphaFit):
        return [result.alpha, result.r_squared]
    if isinstance(result, CollapseReport):
        return list(result.evidence.values())
    if isinstance(result, EmbeddingStatistics):
        return list(vars(result).values())
    assert isinstance(result, float)
    return [result]


def measured(case: Case, values: object) -> list[float]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return numbers(case.function(values))


def assert_error(case: Case, values: object, message: str | None = None) -> None:
    with pytest.raises(EmbeddingError, match=message) as raised:
        measured(case, values)
    assert str(raised.value).split(":")[0].split(",")[0].isidentifier(), "no argument is named"


def assert_value(case: Case, values: object, like: object, rel: float = 1e-9) -> None:
    expected = measured(case, like)
    largest = max(abs(number) for number in expected)
    assert measured(case, values) == pytest.approx(expected, rel=rel, abs=rel * largest)


# The right value


LAYOUTS: dict[str, Callable[[Tensor], object]] = {
    "transposed": lambda x: x.transpose(0, -1).contiguous().transpose(0, -1),
    "strided": lambda x: torch.stack([x, -x], dim=-1)[..., 0],
    "rows strided": lambda x: torch.stack([x, -x], dim=1)[:, 0],
    "offset": lambda x: torch.cat([x[:1], x])[1:],
    "gradient": lambda x: x.clone().requires_grad_(),
    "in a graph": lambda x: x.clone().requires_grad_() * 1.0,
    "parameter": lambda x: torch.nn.Parameter(x.clone()),
    "numpy": lambda x: x.numpy().copy(),
    "read-only": lambda x: np.frombuffer(x.numpy().tobytes()).reshape(x.shape),
    "reversed": lambda x: x.numpy()[::-1, ..., ::-1].copy()[::-1, ..., ::-1],
    "column-major": lambda x: np.asfortranarray(x.numpy()),
}


@every_case(*LAYOUTS)
def test_any_layout_and_container(case: Case, what: str) -> None:
    assert_value(case, LAYOUTS[what](case.data), case.data)


@every_case("float16", "bfloat16", "float32")
def test_any_precision_is_measured_in_float64(case: Case, what: str) -> None:
    low = case.data.to(getattr(torch, what))
    assert_value(case, low, low.double(), rel=1e-8)


@every_case("float16", "float32", "float64", "transposed", "strided", "gradient")
def test_nothing_is_written_to_the_input(case: Case, what: str) -> None:
    values = case.data.clone()
    values = LAYOUTS[what](values) if what in LAYOUTS else values.to(getattr(torch, what))  # type: ignore[assignment]
    before, strides = values.detach().clone(), values.stride()
    measured(case, values)
    assert torch.equal(values.detach(), before)
    assert values.stride() == strides
    assert values.grad is None


@every_case("one row")
def test_one_row(case: Case, what: str) -> None:
    one = torch.ones_like(case.data[:1])
    if case.one is ERROR:
        assert_error(case, one)
    else:
        assert measured(case, one) == pytest.approx(case.one, rel=1e-4, abs=1e-12)


@every_case("float32", "float64")
def test_constant_rows(case: Case, what: str) -> None:
    constant = torch.ones_like(case.data).to(getattr(torch, what))
    if case.constant is ERROR:
        assert_error(case, constant)
    else:
        found = measured(case, constant)
        assert found == pytest.approx(case.constant, rel=1e-4, abs=1e-12, nan_ok=True)


@every_case("all zero")
def test_all_zero(case: Case, what: str) -> None:
    """A value (1/30 is chance), or an error of ours: never a division by zero."""
    try:
        found = measured(case, torch.zeros_like(case.data))
    except EmbeddingError:
        return
    assert all(math.isnan(number) or number in (0.0, 1 / 30) for number in found)


def test_eigenvalues_of_numpy_come_read_only_and_ascending() -> None:
    """As `np.linalg.eigvalsh` gives them, or reversed by a negative stride."""
    ascending = np.linalg.eigvalsh(np.cov(ROWS.numpy(), rowvar=False, bias=True))
    ascending.setflags(write=False)
    expected = alpha_req(ROWS).alpha
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for spectrum in (ascending, ascending[::-1]):
            assert fit_power_law(spectrum).alpha == pytest.approx(expected, rel=1e-9)


# The clear error


@every_case("nan", "inf", "-inf")
def test_values_that_are_not_finite(case: Case, what: str) -> None:
    for row, dtype in ((0, torch.float64), (17, torch.float32), (-1, torch.float16)):
        broken = case.data.to(dtype, copy=True)
        broken[row, ..., 2] = float(what)
        if case.name == "collapse_report":
            assert measured(case, broken) == [1.0]  # n_not_finite, the verdict that it is for
        else:
            assert_error(case, broken, message="not finite|NaN or infinite")


@every_case("cancelling")
def test_infinities_that_would_cancel_in_a_sum(case: Case, what: str) -> None:
    broken = case.data.clone()
    broken[0, ..., 0], broken[1, ..., 0] = math.inf, -math.inf
    if case.name == "collapse_report":
        assert measured(case, broken) == [2.0]
    else:
        assert_error(case, broken, message="not finite|NaN or infinite")


@every_case("int64", "uint8", "bool", "complex64")
def test_other_dtypes(case: Case, what: str) -> None:
    values = case.data.abs().to(getattr(torch, what))
    assert_error(case, values, message=r"got (dtype )?torch\.")


@every_case("numpy integers", "swapped bytes")
def test_other_dtypes_of_numpy(case: Case, what: str) -> None:
    swapped = np.dtype(np.float64).newbyteorder()
    values = case.data.numpy().astype(np.int32 if what == "numpy integers" else swapped)
    assert_error(case, values, message="got dtype")


@every_case("vector", "number", "one axis more", "two axes more")
def test_a_wrong_number_of_axes(case: Case, what: str) -> None:
    odd = {
        "vector": case.data.flatten(),
        "number": case.data.sum(),
        "one axis more": case.data[None],
        "two axes more": case.data[None, None],
    }
    assert_error(case, odd[what], message="wanted")


@every_case("flat")
def test_views_that_are_not_grouped_and_groups_that_are_no_rows(case: Case, what: str) -> None:
    odd = case.data.flatten(end_dim=1) if case.data.ndim == 3 else case.data[:, None]
    assert_error(case, odd, message="wanted")


@every_case("no rows", "no dims")
def test_empty(case: Case, what: str) -> None:
    assert_error(case, case.data[:0] if what == "no rows" else case.data[..., :0], message="wanted")


@every_case("list", "None")
def test_something_else(case: Case, what: str) -> None:
    values = case.data.tolist() if what == "list" else None
    assert_error(case, values, message=f"got a {'list' if what == 'list' else 'NoneType'}, wanted")


@every_case("1e160", "1.7e308")
def test_squares_beyond_float64(case: Case, what: str) -> None:
    """An error, or a finite number where the scale is divided out: never nan without a word."""
    signs = torch.where(case.data > case.data.mean(), 1.0, -1.0).double()
    try:
        found = measured(case, float(what) * signs)
    except EmbeddingError:
        return
    assert case.scale_free
    assert all(math.isfinite(number) for number in found)
