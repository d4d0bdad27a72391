"""One pass over views against numpy's sums over all of them; any grouping, order and batching."""

import pickle
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from objectives import EmbeddingError, InvalidArgumentError, ViewMoments, lidar
from objectives.scatter import ROWS_AT_ONCE
from objectives.view_moments import view_moments_of
from tests.objectives.builders import QUICK, gaussian, generator, numpy64, signal_views

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def views_of(n_images: int, n_views: int, dim: int, *, offset: float = 2.0) -> Tensor:
    return signal_views(n_images, n_views, dim, n_signal=dim, ratio=3.0) + offset


def grouped(*batches: Tensor) -> ViewMoments:
    moments = ViewMoments()
    for batch in batches:
        moments.update(batch)
    return moments


def flat(views: Tensor, order: Tensor, sizes: int | list[int]) -> ViewMoments:
    """The views one below the other in that order, in batches, with the image of each."""
    moments = ViewMoments(n_views=views.shape[1])
    rows = views.flatten(end_dim=1)[order]
    images = torch.arange(len(views)).repeat_interleave(views.shape[1])[order]
    for batch, ids in zip(rows.split(sizes), images.split(sizes), strict=True):
        moments.update(batch, image_ids=ids)
    return moments


def reference(views: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both scatters by loops over images and views."""
    means = [group.sum(axis=0) / len(group) for group in views]
    mean = sum(means) / len(means)
    between = sum(np.outer(m - mean, m - mean) for m in means)
    within = sum(
        np.outer(e - m, e - m) for group, m in zip(views, means, strict=True) for e in group
    )
    return np.atleast_2d(between), np.atleast_2d(within)


def assert_views(moments: ViewMoments, views: Tensor, *, relative: float = 1e-10) -> None:
    n_images, n_views, dim = views.shape
    assert (moments.n_images, moments.n_views, moments.dim) == (n_images, n_views, dim)
    between, within = reference(numpy64(views))
    pairs = [(moments.between(), between), (moments.within(), within)]
    if n_images > 1:
        uppers = moments.upper()
        pairs += [(uppers[0].triu(), np.triu(between)), (uppers[1].triu(), np.triu(within))]
    for found, expected in pairs:
        assert found.dtype == torch.float64
        largest = max(np.abs(expected).max(), 1e-20)
        np.testing.assert_allclose(found.cpu().numpy(), expected, rtol=0, atol=relative * largest)
    np.testing.assert_allclose(moments.mean.cpu().numpy(), numpy64(views).mean((0, 1)), rtol=1e-11)


def orders(n_images: int, n_views: int, seed: int) -> Iterator[Tensor]:
    sample_major = torch.arange(n_images * n_views)
    yield sample_major
    yield sample_major.reshape(n_images, n_views).T.flatten()
    yield torch.randperm(n_images * n_views, generator=generator(seed))


def test_scatters_at_the_closed_form() -> None:
    moments = grouped(torch.tensor([[[1.0, 0.0], [3.0, 0.0]], [[6.0, 1.0], [6.0, -1.0]]]))
    assert moments.within().tolist() == [[2.0, 0.0], [0.0, 2.0]]
    assert moments.between().tolist() == [[8.0, 0.0], [0.0, 0.0]]
    assert moments.mean.tolist() == [4.0, 0.0]


@pytest.mark.parametrize("shape", [(30, 4, 6), (6, 3, 20), (2, 2, 1), (2, 30, 3), (1, 2, 3)])
@pytest.mark.parametrize("device", DEVICES)
def test_grouped_and_flat_against_numpy(shape: tuple[int, int, int], device: str) -> None:
    views = views_of(*shape)
    assert_views(grouped(views.to(device)), views)
    for order in orders(shape[0], shape[1], seed=0):
        assert_views(flat(views.to(device), order, 7), views)


@QUICK
@given(
    n_images=st.integers(1, 20),
    n_views=st.integers(2, 6),
    dim=st.integers(1, 12),
    offset=st.sampled_from([0.0, 1.0, 1e3]),
    batch=st.integers(1, 150),
    seed=st.integers(0, 99),
)
def test_any_order_and_batching(
    n_images: int, n_views: int, dim: int, offset: float, batch: int, seed: int
) -> None:
    views = views_of(n_images, n_views, dim, offset=offset)
    for order in orders(n_images, n_views, seed):
        assert_views(flat(views, order, batch), views)
    assert_views(grouped(*views.split(batch)), views)


@pytest.mark.parametrize(("n_images", "n_views"), [(ROWS_AT_ONCE // 4 + 3, 4), (3, 1100)])
def test_more_rows_than_are_summed_at_once(n_images: int, n_views: int) -> None:
    views = views_of(n_images, n_views, 3)
    assert_views(grouped(views), views)
    shuffled = torch.randperm(n_images * n_views, generator=generator(1))
    assert_views(flat(views, shuffled, 2000), views)


def test_grouped_and_flat_batches_may_mix() -> None:
    views = views_of(12, 3, 5)
    moments = ViewMoments(n_views=3)
    moments.update(views[:4])
    moments.update(views[4:8].flatten(end_dim=1), image_ids=np.repeat(np.arange(4), 3))
    moments.update(views[8:])
    assert_views(moments, views)


@pytest.mark.parametrize(
    "as_given",
    [
        lambda ids: ids.tolist(),
        lambda ids: tuple(ids.tolist()),
        lambda ids: ids,
        lambda ids: ids.int(),
        lambda ids: ids.to(torch.uint8),
        lambda ids: ids.numpy(),
        lambda ids: ids.numpy().astype(np.uint16),
        lambda ids: ids.numpy()[::-1][::-1],
    ],
)
def test_ids_are_any_integers(as_given) -> None:  # type: ignore[no-untyped-def]
    views = views_of(5, 2, 3)
    moments = ViewMoments(n_views=2)
    ids = torch.tensor([3, 0, 200, 7, 9]).repeat_interleave(2)
    moments.update(views.flatten(end_dim=1), image_ids=as_given(ids))
    assert_views(moments, views)


def test_ids_may_be_negative_and_huge() -> None:
    views = views_of(3, 2, 3)
    moments = ViewMoments(n_views=2)
    moments.update(views.flatten(end_dim=1), image_ids=[-5, -5, 2**62, 2**62, 0, 0])
    assert_views(moments, views)


@pytest.mark.parametrize("n_views", [2, 3, 7])
def test_identical_views_have_exactly_no_scatter_within(n_views: int) -> None:
    """float32 sums are exact in float64; flat views are never summed; else round-off is left."""
    image = 0.1 * gaussian(9, 1, 4)
    views = image.expand(9, n_views, 4)
    assert not grouped(views.float()).within().any()
    for order in orders(9, n_views, seed=0):
        assert not flat(views, order, 5).within().any()
    left = float(grouped(views).within().trace())
    assert left <= (1e-15 * float(image.norm())) ** 2 * n_views


# Dtypes, devices, memory


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_every_dtype_is_summed_in_float64(dtype: torch.dtype) -> None:
    views = (100 * views_of(40, 3, 5)).to(dtype)
    before = views.clone()
    assert grouped(views).dtype == dtype
    assert_views(grouped(views), views)
    assert_views(flat(views, torch.arange(120), 11), views)
    assert torch.equal(views, before)


def test_any_layout_in_memory() -> None:
    views = views_of(20, 4, 6)
    turned = views.permute(2, 0, 1).contiguous().permute(1, 2, 0)
    assert not turned.is_contiguous()
    assert_views(grouped(turned), views)
    read_only = numpy64(views)[::-1]
    read_only.setflags(write=False)
    moments = ViewMoments()
    moments.update(read_only)
    assert_views(moments, views)


@pytest.mark.parametrize("read", [False, True])
def test_lidar_and_every_reading_leave_it_as_it_was(read: bool) -> None:
    """LiDAR whitens in place; the accumulator's own scatter must not be what it writes to."""
    views = views_of(40, 4, 6)
    moments = grouped(views[:20])
    if read:
        values = {lidar(moments, delta=delta) for delta in (1e-4, 1e-4, 0.0, 0.0, 1e-4)}
        assert len(values) == 2
        assert_views(moments, views[:20])
        moments.between().fill_(7.0)
        moments.within().fill_(7.0)
        moments.mean.fill_(7.0)
        moments.upper()[0].fill_(7.0)
    moments.update(views[20:])
    assert_views(moments, views)
    assert lidar(moments) == pytest.approx(lidar(views), rel=1e-12)


def test_batches_are_not_kept() -> None:
    views = views_of(6, 2, 3)
    batch = views.clone()
    moments = grouped(batch)
    first = ViewMoments(n_views=2)
    first.update(batch[:, 0], image_ids=list(range(6)))
    batch.zero_()
    first.update(views[:, 1], image_ids=list(range(6)))
    assert_views(moments, views)
    assert_views(first, views)


def test_a_complete_image_is_forgotten_but_for_its_id() -> None:
    """Pickled, an accumulator is as large as what it holds on to."""
    dim, n = 200, 400
    views = gaussian(n, 2, dim).float()
    moments = ViewMoments(n_views=2)
    for image in range(n):
        moments.update(views[image], image_ids=[image, image])
    assert len(pickle.dumps(moments)) < 2 * dim * dim * 8 + n * dim * 8 + 50_000
    first = ViewMoments(n_views=2)
    first.update(views[:, 0], image_ids=np.arange(n))
    assert len(pickle.dumps(first)) > n * dim * 8
    first.update(views[: n - 1, 1], image_ids=np.arange(n - 1))
    # One image is open: its own row, and not those of all that came in the same batch.
    waiting = len(pickle.dumps(first._open))
    assert waiting < 3 * dim * 8


# Merging


@pytest.mark.parametrize("cut", [1, 7, 19])
def test_merging_disjoint_images(cut: int) -> None:
    views = views_of(20, 3, 5)
    for left, right in (
        (grouped(views[:cut]), grouped(views[cut:])),
        (with_ids(views, 0, cut), with_ids(views, cut, 20)),
        (with_ids(views, 0, cut), grouped(views[cut:])),
    ):
        left.merge(right)
        assert_views(left, views)
        assert_views(right, views[cut:])
        right.update(views[:cut])
        assert_views(left, views)


def with_ids(views: Tensor, first: int, last: int, *, of_each: int | None = None) -> ViewMoments:
    moments = ViewMoments(n_views=views.shape[1])
    for image in range(first, last):
        seen = views[image, :of_each]
        moments.update(seen, image_ids=[image] * len(seen))
    return moments


def test_merging_with_nothing_and_into_nothing() -> None:
    views = views_of(8, 3, 4).float()
    seen, empty = grouped(views), ViewMoments()
    seen.merge(empty)
    assert_views(seen, views)
    assert (empty.n_images, empty.n_views, empty.dim, empty.dtype) == (0, 0, 0, None)
    empty.merge(seen)
    assert_views(empty, views)
    assert empty.dtype == torch.float32
    empty.update(views)
    assert_views(seen, views)


def test_grouped_views_merge_with_themselves() -> None:
    views = views_of(8, 3, 4)
    moments = grouped(views)
    moments.merge(moments)
    assert_views(moments, torch.cat([views, views]))


def test_incomplete_images_are_completed_after_the_merge() -> None:
    views = views_of(9, 3, 4)
    left, right = with_ids(views, 0, 5, of_each=2), with_ids(views, 5, 9, of_each=1)
    left.merge(right)
    with pytest.raises(EmbeddingError, match=r"got 2 view\(s\) of image 0 \(9 image\(s\) in all"):
        left.within()
    left.update(views[:, 2], image_ids=list(range(9)))
    left.update(views[5:, 1], image_ids=list(range(5, 9)))
    assert_views(left, views)
    right.update(views[5:, 1:].flatten(end_dim=1), image_ids=np.repeat(np.arange(5, 9), 2))
    assert_views(right, views[5:])


@pytest.mark.parametrize("of_each", [1, 3])
@pytest.mark.parametrize("of_each_right", [1, 3])
def test_an_image_in_two_accumulators_is_refused(of_each: int, of_each_right: int) -> None:
    views = views_of(9, 3, 4)
    left = with_ids(views, 0, 5, of_each=of_each)
    right = with_ids(views, 3, 9, of_each=of_each_right)
    with pytest.raises(
        EmbeddingError, match=r"views of image 3 in both accumulators \(and of 1 more\).* one;"
    ):
        left.merge(right)
    with pytest.raises(EmbeddingError, match="in both accumulators"):
        left.merge(left)


def test_an_image_merged_in_may_not_come_again() -> None:
    views = views_of(9, 3, 4)
    left = with_ids(views, 0, 5)
    left.merge(with_ids(views, 5, 9))
    with pytest.raises(EmbeddingError, match="more views of image 7"):
        left.update(views[7, :1], image_ids=[7])
    with pytest.raises(EmbeddingError, match="image 7 in both"):
        left.merge(with_ids(views, 7, 8))


def test_merging_other_views_or_dims_is_refused_and_leaves_no_trace() -> None:
    views = views_of(9, 3, 4)
    moments = grouped(views)
    for other in (views_of(5, 3, 2), views_of(5, 2, 4)):
        with pytest.raises(EmbeddingError, match=r"wanted 3 of dim 4 as before"):
            moments.merge(grouped(other))
    assert_views(moments, views)


# Errors


@pytest.mark.parametrize("n_views", [1, 0, -3])
def test_one_view_is_refused(n_views: int) -> None:
    with pytest.raises(InvalidArgumentError, match=rf"n_views: got {n_views}, wanted at least 2"):
        ViewMoments(n_views=n_views)


def test_flat_rows_need_to_know_the_number_of_views() -> None:
    moments = ViewMoments()
    with pytest.raises(EmbeddingError, match=r"n_views: got None .* pass n_views="):
        moments.update(gaussian(4, 2), image_ids=[0, 0, 1, 1])
    assert moments.dim == 0
    moments.update(views_of(3, 2, 2))
    moments.update(gaussian(4, 2), image_ids=[0, 0, 1, 1])
    assert moments.n_images == 5


def test_flat_rows_without_ids_are_refused() -> None:
    with pytest.raises(EmbeddingError, match=r"2-D .* wrong grouping .* better, not worse"):
        ViewMoments(n_views=2).update(gaussian(4, 2))


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([0.0, 0.0, 1.0, 1.0], r"got float64 of shape \(4,\), wanted 4 integers"),
        ([0, 0, 1], r"got int64 of shape \(3,\), wanted 4 integers"),
        ([[0, 0], [1, 1]], r"got int64 of shape \(2, 2\), wanted 4 integers"),
        ([True, True, False, False], r"got bool of shape \(4,\)"),
        (["a", "a", "b", "b"], r"got <U1 of shape \(4,\)"),
        (np.int64(3), r"got int64 of shape \(\)"),
        (torch.ones(4, requires_grad=True), r"got float32 of shape \(4,\)"),
        ([0, 0, 2**70, 2**70], r"got object of shape \(4,\)"),
    ],
)
def test_ids_of_the_wrong_kind(ids: object, message: str) -> None:
    moments = ViewMoments(n_views=2)
    with pytest.raises(EmbeddingError, match=f"image_ids: {message}"):
        moments.update(gaussian(4, 2), image_ids=ids)  # type: ignore[arg-type]
    assert (moments.dim, moments.dtype, moments.n_images) == (0, None, 0)


@pytest.mark.parametrize(
    ("before", "ids", "image", "more"),
    [
        ([], [7, 7, 7], 7, 0),
        ([], [7, 7, 7, 7], 7, 0),
        ([7], [7, 7], 7, 0),
        ([7, 7], [7], 7, 0),
        ([7, 7], [8, 8, 8, 7], 7, 1),
        ([7], [9, 7, 3, 7, 3], 7, 0),
    ],
)
def test_more_views_than_there_are(
    before: list[int], ids: list[int], image: int, more: int
) -> None:
    """Counted as another image, they would be a wrong grouping, and look better for it."""
    rows = gaussian(10, 2)
    moments = ViewMoments(n_views=2)
    if before:
        moments.update(rows[: len(before)], image_ids=before)
    state = pickle.dumps(moments)
    message = rf"got more views of image {image} \(and of {more} more images\), wanted 2 of each"
    with pytest.raises(EmbeddingError, match=message):
        moments.update(rows[: len(ids)], image_ids=ids)
    assert pickle.dumps(moments) == state, "the batch was added in part"


def test_an_incomplete_image_is_an_error_whatever_is_read() -> None:
    views = views_of(5, 3, 4)
    moments = with_ids(views, 0, 4)
    moments.update(views[4, :1], image_ids=[41])
    for read in (moments.between, moments.within, moments.upper, lambda: moments.mean):
        with pytest.raises(
            EmbeddingError, match=r"got 1 view\(s\) of image 41 \(1 image.* wanted 3 of each"
        ):
            read()
    with pytest.raises(EmbeddingError, match="image 41"):
        lidar(moments)
    moments.update(views[4, 1:], image_ids=[41, 41])
    assert_views(moments, views)


def test_nothing_seen_and_one_image_seen() -> None:
    empty = ViewMoments(n_views=2)
    assert (empty.n_images, empty.n_views, empty.dim, empty.dtype) == (0, 2, 0, None)
    for read in (empty.between, empty.within, empty.upper, lambda: empty.mean):
        with pytest.raises(EmbeddingError, match=r"views: got 0 image\(s\), wanted at least"):
            read()
    one = grouped(views_of(1, 3, 4))
    assert not one.between().any()
    with pytest.raises(EmbeddingError, match=r"got 1 image\(s\), wanted at least 2"):
        lidar(one)


@pytest.mark.parametrize("n_views", [None, 3])
def test_other_views_or_dims_are_refused_and_leave_no_trace(n_views: int | None) -> None:
    views = views_of(6, 3, 4)
    moments = ViewMoments(n_views)
    if n_views:
        with pytest.raises(EmbeddingError, match=r"got 2 view\(s\) of dim 4, wanted 3 of dim 4"):
            moments.update(views[:, :2])
        assert (moments.dim, moments.dtype) == (0, None)
    moments.update(views)
    with pytest.raises(EmbeddingError, match=r"got 3 view\(s\) of dim 5, wanted 3 of dim 4"):
        moments.update(views_of(6, 3, 5))
    with pytest.raises(EmbeddingError, match=r"got 2 view\(s\) of dim 4, wanted 3 of dim 4"):
        moments.update(views[:, :2])
    with pytest.raises(EmbeddingError, match=r"got 3 view\(s\) of dim 5, wanted 3 of dim 4"):
        moments.update(gaussian(3, 5), image_ids=[1, 1, 1])
    with pytest.raises(EmbeddingError, match=r"got 6 image\(s\) with 1 view\(s\) each"):
        moments.update(views[:, :1])
    assert_views(moments, views)


def test_a_batch_may_hold_one_image() -> None:
    views = views_of(5, 3, 4)
    assert_views(grouped(*views.split(1)), views)


# Life


@pytest.mark.parametrize("n_views", [None, 3])
def test_reset_forgets_everything_but_the_number_asked_for(n_views: int | None) -> None:
    views = views_of(6, 3, 4)
    moments = ViewMoments(n_views)
    moments.update(views)
    moments.update(views[:, 0], image_ids=list(range(6)))
    moments.reset()
    assert (moments.n_images, moments.n_views, moments.dim) == (0, n_views or 0, 0)
    assert moments.dtype is None
    other = views_of(5, 3, 7)
    moments.update(other)
    assert_views(moments, other)


def test_pickled_half_way() -> None:
    views = views_of(6, 3, 4)
    moments = with_ids(views, 0, 6, of_each=2)
    twin = pickle.loads(pickle.dumps(moments))
    for one in (moments, twin):
        one.update(views[:, 2], image_ids=list(range(6)))
        assert_views(one, views)


def test_view_moments_of_an_accumulator_is_itself() -> None:
    moments = grouped(views_of(4, 2, 3))
    assert view_moments_of(moments) is moments
    with pytest.raises(EmbeddingError, match=r"got 1 image\(s\) with 2 view\(s\)"):
        view_moments_of(gaussian(1, 2, 3))
