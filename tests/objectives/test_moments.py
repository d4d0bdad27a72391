"""One pass over embeddings against numpy on all of them at once (`numpy.linalg.svd`, `cov`)."""

import copy
import pickle
from collections.abc import Callable
from contextlib import AbstractContextManager
from unittest import mock

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from objectives import (
    EmbeddingError,
    EmbeddingStatistics,
    SecondMoments,
    alpha_req,
    collapse_report,
    covariance_eigenvalues,
    rankme,
    singular_values,
)
from objectives import moments as module
from objectives.moments import moments_of
from objectives.scatter import ROWS_AT_ONCE
from tests.objectives.builders import QUICK, gaussian, near_collapse, numpy64, rotation

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
ARRAYS = [(40, 8), (8, 40), (12, 12), (1, 5), (5, 1), (1, 1), (2, 2)]

READINGS: dict[str, Callable[[SecondMoments], object]] = {
    "gram": SecondMoments.gram,
    "covariance": SecondMoments.covariance,
    "upper scatter": SecondMoments.upper_scatter,
    "mean": lambda moments: moments.mean,
    "total variance": lambda moments: moments.total_variance,
    "mean square norm": lambda moments: moments.mean_square_norm,
    "spread": lambda moments: moments.spread,
    "singular values": SecondMoments.singular_values,
    "centred singular values": lambda moments: moments.singular_values(centred=True),
    "pickle": pickle.dumps,
}


def accumulated(*batches: Tensor) -> SecondMoments:
    moments = SecondMoments()
    for batch in batches:
        moments.update(batch)
    return moments


def rows_at_once(rows: int) -> AbstractContextManager[int]:
    """Few rows at once: the seams are then crossed by small matrices too."""
    return mock.patch.object(module, "ROWS_AT_ONCE", rows)


def close(found: Tensor, expected: NDArray[np.float64], relative: float) -> None:
    """Equal relative to the largest value: a spectrum's small end carries its absolute error."""
    assert found.dtype == torch.float64
    assert found.shape == expected.shape
    assert np.abs(found.cpu().numpy() - expected).max() <= relative * np.abs(expected).max()


def assert_moments(moments: SecondMoments, rows: NDArray[np.float64]) -> None:
    """Every reading against numpy on all rows at once."""
    n, dim = rows.shape
    assert (moments.count, moments.dim) == (n, dim)
    mean = rows.mean(axis=0)
    # Round-off in rows about a long mean: eps of the mean's length, squared with the spread.
    coarse = 1e-11 * (1.0 + float(np.abs(mean).max()))
    close(moments.mean, mean, 1e-12)
    close(moments.gram(), rows.T @ rows, 1e-12)
    sigma = np.linalg.svd(rows, compute_uv=False)
    close(moments.singular_values().square(), sigma**2, 1e-12)
    assert moments.mean_square_norm == pytest.approx((rows * rows).sum() / n, rel=1e-12)
    if n < 2:
        return
    covariance = np.atleast_2d(np.cov(rows, rowvar=False, bias=True))
    close(moments.covariance(), covariance, coarse)
    upper = moments.upper_scatter().triu()
    close(upper, np.triu(n * covariance), coarse)
    close(moments.covariance_eigenvalues(), np.linalg.eigvalsh(covariance)[::-1][: n - 1], coarse)
    sigma = np.linalg.svd(rows - mean, compute_uv=False)
    close(moments.singular_values(centred=True).square(), sigma**2, coarse)
    assert moments.total_variance == pytest.approx(np.trace(covariance), rel=coarse)
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    assert moments.spread == pytest.approx(np.std(unit, axis=0).mean() * dim**0.5, abs=1e-12)


@pytest.mark.parametrize("shape", ARRAYS)
@pytest.mark.parametrize("device", DEVICES)
def test_one_batch_against_numpy(shape: tuple[int, int], device: str) -> None:
    embeddings = gaussian(*shape) + 3.0
    moments = accumulated(embeddings.to(device))
    assert_moments(moments, numpy64(embeddings))
    assert moments.singular_values().device.type == device


def test_moments_at_the_closed_forms() -> None:
    moments = accumulated(torch.tensor([[2.0, 1.0], [0.0, 1.0]]), torch.tensor([[-2.0, 4.0]]))
    assert moments.mean.tolist() == [0.0, 2.0]
    assert moments.gram().tolist() == [[8.0, -6.0], [-6.0, 18.0]]
    close(moments.covariance(), np.array([[8.0, -6.0], [-6.0, 6.0]]) / 3, 1e-15)
    assert moments.total_variance == pytest.approx(14 / 3)
    assert moments.mean_square_norm == pytest.approx(26 / 3)


# Batches

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("update"), st.sampled_from([1, 2, 5, 15, 16, 17, 60])),
        st.tuples(st.just("merge"), st.sampled_from([1, 5, 15, 16, 40])),
        st.tuples(st.just("read"), st.sampled_from(sorted(READINGS))),
    ),
    min_size=1,
    max_size=8,
).filter(lambda steps: any(name != "read" for name, _ in steps))


@QUICK
@given(
    steps=STEPS,
    dim=st.integers(1, 40),
    offset=st.sampled_from([0.0, 1.0, 1e3]),
    seed=st.integers(0, 99),
)
def test_any_updates_merges_and_readings_in_between(
    steps: list[tuple[str, object]], dim: int, offset: float, seed: int
) -> None:
    """16 rows at once, so that wide, tall, waiting and summed all meet."""
    seen: list[Tensor] = []
    with rows_at_once(16):
        moments = SecondMoments()
        for number, (name, what) in enumerate(steps):
            if name == "read":
                if seen:
                    READINGS[str(what)](moments)
                continue
            rows = gaussian(int(str(what)), dim, seed=100 * seed + number) + offset
            seen.append(rows)
            if name == "update":
                moments.update(rows)
            else:
                moments.merge(accumulated(*rows.split(3)))
        assert_moments(moments, numpy64(torch.cat(seen)))


@QUICK
@given(
    sizes=st.lists(st.sampled_from([1, 30, 1023, 1024, 1025, 1500]), min_size=1, max_size=4),
    dim=st.integers(1, 40),
    offset=st.sampled_from([0.0, 1.0, 1e3]),
)
def test_small_and_large_batches_in_any_mixture(sizes: list[int], dim: int, offset: float) -> None:
    rows = gaussian(sum(sizes), dim) + offset
    assert_moments(accumulated(*rows.split(sizes)), numpy64(rows))


@pytest.mark.parametrize("sizes", [[1099], [1100], [1101], [700, 399, 1, 1, 1024], [1024, 76, 9]])
def test_more_dims_than_rows_at_once(sizes: list[int]) -> None:
    """Rows wait until there are as many as dims, and the smaller Gram matrix serves till then."""
    n, inside, axes = sum(sizes), numpy64(gaussian(sum(sizes), 3)), rotation(1100)[:3]
    moments = accumulated(*(torch.from_numpy(inside) @ axes + 2.0).split(sizes))
    expected = np.linalg.svd(inside - inside.mean(axis=0), compute_uv=False)
    found = moments.singular_values(centred=True)
    assert (moments.count, len(found)) == (n, min(n, 1100))
    close(found[:3], expected, 1e-11)
    assert not found[3:].any()
    assert int((moments.singular_values() > 0).sum()) == 4


def test_fewer_rows_than_dims_are_solved_by_the_smaller_gram_matrix() -> None:
    with rows_at_once(16), mock.patch.object(module, "both_eigenvalues") as of_dim_by_dim:
        moments = accumulated(*gaussian(39, 40).split(10))
        for read in ("singular values", "centred singular values", "total variance"):
            READINGS[read](moments)
    assert not of_dim_by_dim.called


def test_no_spectrum_is_cut_at_2048() -> None:
    """metrics.md 5.1 row 2: the peers' PCA keeps 2,048 components, and truncates wider layers."""
    wide = torch.eye(2060)
    assert rankme(wide, epsilon=0.0) == pytest.approx(2060.0, rel=1e-12)


@pytest.mark.parametrize("name", sorted(READINGS))
@pytest.mark.parametrize("shape", [(30, 6), (6, 30)])
def test_a_reading_changes_nothing(name: str, shape: tuple[int, int]) -> None:
    """The spectra are worked out in the unused triangle of what later batches are added to."""
    rows = gaussian(2 * shape[0], shape[1]) + 1.0
    moments, read = accumulated(rows[: shape[0]]), accumulated(rows[: shape[0]])
    for _ in range(2):
        READINGS[name](read)
    for one in (moments, read):
        one.update(rows[shape[0] :])
    for other in READINGS:
        if other not in ("pickle", "upper scatter"):
            first, second = READINGS[other](moments), READINGS[other](read)
            assert torch.allclose(
                torch.as_tensor(first), torch.as_tensor(second), rtol=1e-12, atol=1e-12
            ), other


def test_what_was_read_is_a_copy() -> None:
    for shape in ((30, 4), (4, 30)):
        rows = gaussian(*shape)
        moments = accumulated(rows)
        for name in ("gram", "covariance", "upper scatter", "mean", "singular values"):
            read = READINGS[name](moments)
            assert isinstance(read, Tensor)
            read.fill_(7.0)
        assert_moments(moments, numpy64(rows))


def test_a_spectrum_is_solved_for_once_and_again_after_more_rows() -> None:
    moments = accumulated(gaussian(30, 4))
    with mock.patch.object(module, "both_eigenvalues", wraps=module.both_eigenvalues) as solver:
        rankme(moments)
        alpha_req(moments)
        collapse_report(moments)
        assert solver.call_count == 1
        before = moments.singular_values()
        moments.update(gaussian(30, 4, seed=1))
        assert not torch.equal(moments.singular_values(), before)
        moments.merge(accumulated(gaussian(30, 4, seed=2)))
        moments.singular_values(centred=True)
        assert solver.call_count == 3


def test_memory_does_not_grow_with_the_rows() -> None:
    """dim² and a few dim, and fewer than 1,024 rows that wait for a worthwhile rank-k update."""
    moments = SecondMoments()
    for seed in range(100):
        moments.update(gaussian(50, 4, seed=seed))
        assert moments.count == 50 * (seed + 1)
        assert len(pickle.dumps(moments)) < ROWS_AT_ONCE * 4 * 8 + 20_000


def test_rows_wait_in_their_own_precision() -> None:
    halves = accumulated(gaussian(1000, 64).half())
    assert len(pickle.dumps(halves)) < 1000 * 64 * 2 + 50_000


@pytest.mark.parametrize("n", [5, 1500])
def test_batches_are_not_mutated_and_not_kept(n: int) -> None:
    batch = gaussian(n, 7).float()
    before = batch.clone()
    moments = accumulated(batch)
    gram = moments.gram()
    assert torch.equal(batch, before)
    batch.zero_()
    assert torch.equal(moments.gram(), gram)
    moments.update(before)
    assert torch.allclose(moments.gram(), 2 * gram)


# Merging


def parts() -> dict[str, Tensor]:
    return {
        "wide": gaussian(5, 12, seed=1) + 2.0,
        "wide too": gaussian(9, 12, seed=2),
        "tall": gaussian(30, 12, seed=3) - 1.0,
        "summed": gaussian(1100, 12, seed=4) + 5.0,
        "one": gaussian(1, 12, seed=5),
    }


@pytest.mark.parametrize("second", sorted(parts()))
@pytest.mark.parametrize("first", sorted(parts()))
@pytest.mark.parametrize("read", [False, True])
def test_merging_any_two(first: str, second: str, read: bool) -> None:
    one, other = parts()[first], parts()[second]
    left, right = accumulated(one), accumulated(other)
    if read:
        for name in READINGS:
            READINGS[name](left)
            READINGS[name](right)
    left.merge(right)
    assert_moments(left, numpy64(torch.cat([one, other])))
    assert_moments(right, numpy64(other))
    left.update(one)
    assert_moments(right, numpy64(other))


@QUICK
@given(order=st.permutations(sorted(parts())))
def test_merging_in_any_order(order: list[str]) -> None:
    merged = SecondMoments()
    for name in order:
        merged.merge(accumulated(parts()[name]))
    assert_moments(merged, numpy64(torch.cat(list(parts().values()))))


@pytest.mark.parametrize("name", sorted(parts()))
def test_merging_with_itself_doubles_it(name: str) -> None:
    rows = parts()[name]
    moments = accumulated(rows)
    moments.merge(moments)
    assert_moments(moments, numpy64(torch.cat([rows, rows])))


@pytest.mark.parametrize("name", sorted(parts()))
def test_merging_with_nothing_and_into_nothing(name: str) -> None:
    seen, empty = accumulated(parts()[name]), SecondMoments()
    seen.merge(empty)
    assert_moments(seen, numpy64(parts()[name]))
    assert (empty.count, empty.dim, empty.dtype) == (0, 0, None)
    empty.merge(seen)
    assert empty.dtype == torch.float64
    empty.update(gaussian(2, 12))
    assert_moments(seen, numpy64(parts()[name]))  # or the two would share memory


# Numbers that other formulas lose


@pytest.mark.parametrize("t", [0.1, 1e-3, 1e-6])
def test_a_tiny_spread_about_a_long_mean_keeps_its_digits(t: float) -> None:
    """Σ z zᵀ − n·mean meanᵀ would be round-off at t = 1e-6: centring must come first."""
    embeddings = near_collapse(t, 500, 64)
    rows = numpy64(embeddings)
    expected = np.linalg.svd(rows - rows.mean(axis=0), compute_uv=False)
    for moments in (accumulated(embeddings), accumulated(*embeddings.split(37))):
        close(moments.singular_values(centred=True), expected, 1e-7)
    halves = accumulated(embeddings[:250])
    halves.merge(accumulated(embeddings[250:]))
    close(halves.singular_values(centred=True), expected, 1e-7)
    assert halves.total_variance == pytest.approx(float((expected**2).sum() / 500), rel=1e-7)


@pytest.mark.parametrize("shape", [(30, 4), (4, 30), (2000, 4)])
def test_equal_rows_have_no_centred_spectrum_at_all(shape: tuple[int, int]) -> None:
    embeddings = (gaussian(1, shape[1]) * 0.1).expand(shape)
    for moments in (accumulated(embeddings), accumulated(*torch.split(embeddings, 3))):
        assert not moments.singular_values(centred=True).any()
        assert not moments.covariance_eigenvalues().any()
        assert rankme(moments, epsilon=0.0) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("shape", [(700, 6), (1500, 6), (6, 30)])
def test_every_dtype_is_summed_in_float64(dtype: torch.dtype, shape: tuple[int, int]) -> None:
    rows = (gaussian(*shape) + 3.0).to(dtype)
    moments = accumulated(*rows.split(400))
    assert moments.dtype == dtype
    assert_moments(moments, numpy64(rows))


def test_dtypes_may_change_from_batch_to_batch() -> None:
    rows = gaussian(40, 5)
    moments = accumulated(rows[:9].float(), rows[9:20].half(), rows[20:])
    expected = torch.cat([rows[:9].float().double(), rows[9:20].half().double(), rows[20:]])
    assert moments.dtype == torch.float32
    assert_moments(moments, numpy64(expected))


@pytest.mark.parametrize("shape", [(6, 3), (3, 6), (1500, 3)])
@pytest.mark.parametrize("value", [1e160, 1e200, 1.7e308])
def test_overflow_is_an_error_and_not_a_number(shape: tuple[int, int], value: float) -> None:
    signs = torch.where(gaussian(*shape) > 0, 1.0, -1.0).double()
    moments = accumulated(value * signs)
    readings = ["singular values", "centred singular values", "total variance", "mean square norm"]
    for name in readings:
        with pytest.raises(EmbeddingError, match="overflow float64"):
            READINGS[name](moments)
    for measure in (rankme, alpha_req, collapse_report):
        with pytest.raises(EmbeddingError, match="overflow float64"):
            measure(value * signs)


def test_a_mean_beyond_float64_is_an_error_too() -> None:
    """Equal rows: the scatter is 0, and only the mean's square overflows."""
    moments = accumulated(torch.full((5, 2), 1e200, dtype=torch.float64))
    for name in ("singular values", "mean square norm"):
        with pytest.raises(EmbeddingError, match="overflow float64"):
            READINGS[name](moments)


# Measures


@QUICK
@given(
    sizes=st.lists(st.sampled_from([1, 7, 30, 1024]), min_size=2, max_size=4),
    dim=st.integers(2, 40),
    offset=st.sampled_from([0.0, 1.0]),
)
def test_measures_of_moments_are_those_of_the_array(
    sizes: list[int], dim: int, offset: float
) -> None:
    rows = gaussian(sum(sizes), dim) + offset
    at_once, streamed = accumulated(rows), accumulated(*rows.split(sizes))
    assert rankme(at_once) == rankme(rows)
    assert rankme(streamed) == pytest.approx(rankme(rows), rel=1e-12)
    whole, part = alpha_req(rows, last_rank=20), alpha_req(streamed, last_rank=20)
    assert alpha_req(at_once, last_rank=20) == whole
    assert (part.alpha, part.r_squared) == pytest.approx(
        (whole.alpha, whole.r_squared), rel=1e-8, nan_ok=True
    )
    assert collapse_report(at_once) == collapse_report(rows)
    expected, found = collapse_report(rows), collapse_report(streamed)
    assert found.kind == expected.kind
    assert found.evidence == pytest.approx(expected.evidence, rel=1e-12, abs=1e-14)
    assert torch.equal(covariance_eigenvalues(at_once), covariance_eigenvalues(rows))
    assert torch.equal(singular_values(at_once, centred=True), singular_values(rows, centred=True))
    assert EmbeddingStatistics.of(at_once) == EmbeddingStatistics.of(rows)


def test_moments_of_an_accumulator_is_itself() -> None:
    moments = accumulated(gaussian(4, 2))
    assert moments_of(moments) is moments
    assert moments_of(gaussian(4, 2).numpy()).count == 4


@QUICK
@given(n=st.integers(2, 30), dim=st.integers(1, 30), seed=st.integers(0, 99))
def test_turning_and_reordering_change_no_spectrum(n: int, dim: int, seed: int) -> None:
    rows = gaussian(n, dim, seed=seed) + 1.0
    turned = accumulated(rows.flip(0) @ rotation(dim))
    close(
        turned.singular_values().square(), numpy64(accumulated(rows).singular_values() ** 2), 1e-11
    )
    left, right = turned.covariance_eigenvalues(), accumulated(rows).covariance_eigenvalues()
    close(left, numpy64(right), 1e-11)


# Life and errors


def test_reset_forgets_everything() -> None:
    moments = accumulated(gaussian(2000, 3), gaussian(5, 3))
    moments.singular_values()
    moments.reset()
    assert (moments.count, moments.dim, moments.dtype) == (0, 0, None)
    rows = gaussian(9, 4)
    moments.update(rows)
    assert_moments(moments, numpy64(rows))


@pytest.mark.parametrize("name", sorted(parts()))
@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_go_their_own_way(
    name: str, copied: Callable[[SecondMoments], SecondMoments]
) -> None:
    rows = parts()[name]
    moments = accumulated(rows)
    moments.singular_values()
    twin = copied(moments)
    twin.update(rows)
    assert_moments(moments, numpy64(rows))
    assert_moments(twin, numpy64(torch.cat([rows, rows])))


def test_another_dim_is_refused_and_leaves_no_trace() -> None:
    rows = gaussian(5, 3)
    moments = accumulated(rows)
    with pytest.raises(EmbeddingError, match=r"batch: got dim 4, wanted dim 3 .* per layer"):
        moments.update(gaussian(5, 4))
    with pytest.raises(EmbeddingError, match="got dim 2, wanted dim 3"):
        moments.merge(accumulated(gaussian(5, 2)))
    with pytest.raises(EmbeddingError, match="batch: got 1 of 2 rows with NaN"):
        moments.update(torch.tensor([[1.0, 2.0, float("nan")], [1.0, 2.0, 3.0]]))
    assert_moments(moments, numpy64(rows))


@pytest.mark.parametrize("name", sorted(set(READINGS) - {"pickle"}))
def test_nothing_seen_is_an_error(name: str) -> None:
    empty = SecondMoments()
    assert (empty.count, empty.dim, empty.dtype) == (0, 0, None)
    with pytest.raises(EmbeddingError, match=r"got 0 sample\(s\), wanted at least 1"):
        READINGS[name](empty)


@pytest.mark.parametrize("dim", [1, 4])
def test_one_sample_has_no_covariance_eigenvalues(dim: int) -> None:
    with pytest.raises(EmbeddingError, match=r"got 1 sample\(s\), wanted at least 2"):
        accumulated(gaussian(1, dim)).covariance_eigenvalues()
