"""One process and two give the same values, whoever saw what."""

import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch import Tensor

from objectives.alpha_req import alpha_req
from objectives.collapse import EmbeddingStatistics, collapse_report
from objectives.distributed import gather, reduce_moments, reduce_view_moments
from objectives.errors import EmbeddingError, InvalidArgumentError
from objectives.lidar import lidar
from objectives.moments import SecondMoments
from objectives.rankme import rankme
from objectives.summary import few_rows
from objectives.view_moments import ViewMoments
from tests.objectives.builders import gaussian, near_collapse, signal_views
from tests.objectives.processes import in_processes

DIM = 24
EMBEDDINGS = {
    "spread": gaussian(2600, DIM) * torch.arange(1, DIM + 1) ** -0.5 + 3.0 * gaussian(DIM, seed=9),
    "float32": gaussian(300, DIM).float() + 1.0,
    "near collapse": near_collapse(1e-6, 2600, DIM),
    "wide": gaussian(18, DIM) + 2.0,
    "wide near collapse": near_collapse(1e-6, 18, DIM),
    "few each": gaussian(40, DIM) + 2.0,
}
VIEWS = {
    "signal": signal_views(400, 5, DIM, n_signal=6, ratio=4.0),
    "near collapse": near_collapse(1e-6, 400, 5, DIM),
    "few images": signal_views(16, 40, DIM, n_signal=6, ratio=4.0),
}
FIRST_SHARE = {"even": 0.5, "uneven": 0.9, "all in the first": 1.0, "all in the second": 0.0}


def moments_of_batches(rows: Tensor) -> SecondMoments:
    moments = SecondMoments()
    for batch in rows.split(700) if len(rows) else ():
        moments.update(batch)
    return moments


def view_moments_of_batches(views: Tensor, ids: Tensor | None) -> ViewMoments:
    moments = ViewMoments(n_views=views.shape[1])
    for batch in torch.arange(len(views)).split(130) if len(views) else ():
        if ids is None:
            moments.update(views[batch])
        else:
            flat_ids = ids[batch].repeat_interleave(views.shape[1])
            moments.update(views[batch].flatten(end_dim=1), image_ids=flat_ids)
    return moments


def values(moments: SecondMoments) -> dict[str, float]:
    fit = alpha_req(moments, first_rank=1, last_rank=12)
    reference = EmbeddingStatistics(1.0, 1.0, 1.0, 10.0)
    evidence = collapse_report(moments, reference=reference).evidence
    found = {"rankme": rankme(moments), "alpha": fit.alpha, "r_squared": fit.r_squared}
    return found | evidence | {"count": moments.count, "dim": moments.dim}


def share_of(data: Tensor, rank: int, first_share: float) -> Tensor:
    n_first = round(len(data) * first_share)
    return data[n_first:] if rank else data[:n_first]


def message_of(call: Callable[..., object], *args: object) -> str:
    with pytest.raises((EmbeddingError, InvalidArgumentError)) as caught:
        call(*args)
    return f"{type(caught.value).__name__}: {caught.value}"


def flat(n_views: int, dim: int, ids: list[int]) -> ViewMoments:
    moments = ViewMoments(n_views=n_views)
    if ids:
        moments.update(gaussian(len(ids), dim), image_ids=ids)
    return moments


def errors(rank: int) -> dict[str, str]:
    seen = [moments_of_batches(gaussian(5, 3 + which)) for which in range(2)]
    alone = [dist.new_group([0]), dist.new_group([1])]
    views = {
        "dims of views": flat(2, 3 + rank, [rank, rank]),
        "n_views": flat(2 + rank, 3, [rank] * (2 + rank)),
        "nothing of views": flat(2, 3, []),
        "incomplete": flat(2, 3, [[1, 1], [2, 2, 3, 4]][rank]),
        "complete twice": flat(2, 3, [[6, 6, 7, 7], [7, 7, 8, 8]][rank]),
        "split over both": flat(2, 3, [7, 8 + rank, 8 + rank]),
    }
    return {
        "dims": message_of(reduce_moments, seen[rank]),
        "nothing": message_of(reduce_moments, SecondMoments()),
        "no member": message_of(reduce_moments, seen[0], alone[1 - rank]),
        **{name: message_of(reduce_view_moments, moments) for name, moments in views.items()},
    }


def work(rank: int) -> dict[str, Any]:
    found: dict[str, Any] = {"errors": errors(rank), "gathered": gather(f"rank {rank}")}
    for split, share in FIRST_SHARE.items():
        for name, data in EMBEDDINGS.items():
            mine = moments_of_batches(share_of(data, rank, share))
            before = pickle.dumps(mine)
            together = reduce_moments(mine)
            found[f"{name}, {split}"] = values(together)
            found[f"{name}, {split}, left as it was"] = pickle.loads(before).count == mine.count
            found[f"{name}, {split}, dtype"] = together.dtype
            together.update(data)
            found[f"{name}, {split}, twice"] = values(together)
            if mine.count:
                found[f"{name}, {split}, own again"] = mine.mean - pickle.loads(before).mean
        for name, data in VIEWS.items():
            for kind, ids in (("grouped", None), ("flat", torch.arange(len(data)) * 3)):
                own_ids = None if ids is None else share_of(ids, rank, share)
                own = view_moments_of_batches(share_of(data, rank, share), own_ids)
                both = reduce_view_moments(own)
                found[f"{name}, {kind}, {split}"] = (lidar(both), both.n_images, both.n_views)
                if ids is not None:
                    one_more = (torch.zeros(1, DIM), [int(ids[0])])
                    found[f"{name}, {split}, again"] = message_of(both.update, *one_more)
    return found


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    return in_processes(work, tmp_path_factory.mktemp("two_processes"))


@pytest.mark.parametrize("split", FIRST_SHARE)
@pytest.mark.parametrize("name", EMBEDDINGS)
def test_two_processes_read_what_one_reads(
    name: str, split: str, found: list[dict[str, Any]]
) -> None:
    wanted = values(moments_of_batches(EMBEDDINGS[name]))
    for rank in (0, 1):
        assert found[rank][f"{name}, {split}"] == pytest.approx(wanted, rel=1e-9, abs=1e-15)
        assert found[rank][f"{name}, {split}, dtype"] == EMBEDDINGS[name].dtype
        assert found[rank][f"{name}, {split}, left as it was"]
        own = found[rank].get(f"{name}, {split}, own again", torch.zeros(1))
        assert torch.equal(own, torch.zeros_like(own))


@pytest.mark.parametrize("split", FIRST_SHARE)
@pytest.mark.parametrize("name", EMBEDDINGS)
def test_what_was_reduced_takes_more(name: str, split: str, found: list[dict[str, Any]]) -> None:
    data = EMBEDDINGS[name]
    wanted = values(moments_of_batches(torch.cat([data, data])))
    assert found[0][f"{name}, {split}, twice"] == pytest.approx(wanted, rel=1e-9, abs=1e-15)


@pytest.mark.parametrize("split", FIRST_SHARE)
@pytest.mark.parametrize("kind", ["grouped", "flat"])
@pytest.mark.parametrize("name", VIEWS)
def test_two_processes_read_the_lidar_of_one(
    name: str, kind: str, split: str, found: list[dict[str, Any]]
) -> None:
    n_images, n_views, _ = VIEWS[name].shape
    wanted = (lidar(VIEWS[name]), n_images, n_views)
    for rank in (0, 1):
        assert found[rank][f"{name}, {kind}, {split}"] == pytest.approx(wanted, rel=1e-9)


def test_reduced_moments_refuse_more_views_of_images_that_any_process_had(
    found: list[dict[str, Any]],
) -> None:
    for rank in (0, 1):
        for split in FIRST_SHARE:
            message = found[rank][f"signal, {split}, again"]
            assert message.startswith("EmbeddingError: image_ids: got more views of image 0")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("dims", r"got dim 3 \(rank 0\), 4 \(rank 1\), wanted one dim"),
        ("nothing", r"got nothing seen in any of 2 process\(es\)"),
        ("dims of views", r"got dim 3 \(rank 0\), 4 \(rank 1\), wanted one dim"),
        ("n_views", r"got n_views 2 \(rank 0\), 3 \(rank 1\), wanted one number"),
        ("nothing of views", r"got nothing seen in any of 2"),
        ("incomplete", r"1 view\(s\) of image 3 in the process of rank 1 \(2 image\(s\) there"),
        ("complete twice", r"views of image 7 in the processes of ranks \[0, 1\] \(and of 0 more"),
        ("split over both", r"views of image 7 in the processes of ranks \[0, 1\]"),
    ],
)
def test_all_processes_raise_the_same_error(
    name: str, message: str, found: list[dict[str, Any]]
) -> None:
    first, second = (each["errors"][name] for each in found)
    assert first == second
    with pytest.raises(EmbeddingError, match=message):
        raise EmbeddingError(first)


def test_a_process_outside_of_the_group_is_told_so(found: list[dict[str, Any]]) -> None:
    for rank in (0, 1):
        wanted = f"InvalidArgumentError: group: got one without this process (rank {rank})"
        assert found[rank]["errors"]["no member"].startswith(wanted)


def test_objects_come_in_the_order_of_ranks(found: list[dict[str, Any]]) -> None:
    assert [each["gathered"] for each in found] == [["rank 0", "rank 1"]] * 2


@pytest.mark.parametrize("name", EMBEDDINGS)
def test_without_processes_it_is_a_copy(name: str) -> None:
    moments = moments_of_batches(EMBEDDINGS[name])
    wanted = values(moments)
    copy = reduce_moments(moments)
    assert values(copy) == pytest.approx(wanted, rel=1e-12, abs=1e-15)
    copy.update(gaussian(2000, DIM, seed=8))
    assert values(moments) == wanted


@pytest.mark.parametrize("name", VIEWS)
def test_without_processes_view_moments_are_copied(name: str) -> None:
    moments = view_moments_of_batches(VIEWS[name], None)
    wanted = lidar(moments)
    copy = reduce_view_moments(moments)
    assert lidar(copy) == pytest.approx(wanted, rel=1e-12)
    copy.update(gaussian(20, moments.n_views, DIM, seed=8))
    assert copy.n_images == moments.n_images + 20
    assert lidar(moments) == wanted


def test_nothing_seen_is_an_error_without_processes_too() -> None:
    with pytest.raises(EmbeddingError, match="nothing seen in any of 1 process"):
        reduce_moments(SecondMoments())
    with pytest.raises(EmbeddingError, match="nothing seen in any of 1 process"):
        reduce_view_moments(ViewMoments())


@pytest.fixture
def world_of_one(tmp_path: Path) -> Iterator[None]:
    backend = "nccl" if torch.cuda.is_available() and dist.is_nccl_available() else "gloo"
    meeting = (tmp_path / "meeting").as_uri()
    dist.init_process_group(backend, init_method=meeting, rank=0, world_size=1)
    yield
    dist.destroy_process_group()


@pytest.mark.usefixtures("world_of_one")
@pytest.mark.parametrize("name", EMBEDDINGS)
def test_a_group_of_one_process_reads_the_same(name: str) -> None:
    moments = moments_of_batches(EMBEDDINGS[name])
    reduced = reduce_moments(moments)
    assert reduced.mean.is_cuda == torch.cuda.is_available()
    assert values(reduced) == pytest.approx(values(moments), rel=1e-9, abs=1e-15)


@pytest.mark.usefixtures("world_of_one")
def test_rows_fewer_than_dim_travel_as_they_are_and_no_matrix_is_formed() -> None:
    rows = gaussian(6, 40_000).half()  # its matrix would take 12 GiB
    moments = SecondMoments()
    for batch in rows.split(2):
        moments.update(batch)
    reduced = reduce_moments(moments)
    kept = few_rows(reduced)
    assert kept is not None
    assert torch.equal(kept.cpu(), rows.double())
    assert reduced.dtype == torch.float16


@pytest.mark.usefixtures("world_of_one")
@pytest.mark.parametrize("name", VIEWS)
def test_a_group_of_one_process_reads_the_same_lidar(name: str) -> None:
    moments = view_moments_of_batches(VIEWS[name], torch.arange(len(VIEWS[name])))
    assert lidar(reduce_view_moments(moments)) == pytest.approx(lidar(moments), rel=1e-9)


@pytest.mark.usefixtures("world_of_one")
def test_a_group_of_one_process_refuses_incomplete_images() -> None:
    with pytest.raises(EmbeddingError, match=r"1 view\(s\) of image 5 in the process of rank 0"):
        reduce_view_moments(flat(2, 3, [4, 4, 5]))
