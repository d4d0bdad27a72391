"""The measures batch by batch: the same values as the functions give for everything at once."""

import copy
import math
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from objectives.accumulator import Accumulator, EmbeddingAccumulator
from objectives.accumulators import AlphaReQ, Collapse, LiDAR, RankMe
from objectives.alpha_req import AlphaFit, alpha_req
from objectives.collapse import (
    CollapseReport,
    CollapseThresholds,
    EmbeddingStatistics,
    collapse_report,
)
from objectives.errors import EmbeddingError, InvalidArgumentError
from objectives.lidar import lidar
from objectives.moments import SecondMoments
from objectives.rankme import rankme
from objectives.spectrum import singular_values
from tests.objectives.builders import QUICK, gaussian, signal_views
from tests.objectives.processes import in_processes

DIM = 12
EMBEDDINGS = gaussian(150, DIM) * torch.arange(1, DIM + 1) ** -0.5 + 1.0
VIEWS = signal_views(60, 4, DIM, n_signal=4, ratio=3.0)
REFERENCE = EmbeddingStatistics(1.0, 5.0, 10.0, 100.0)
# What makes the accumulator, the data, and the function that it must agree with.
KINDS: dict[str, tuple[Callable[[], Any], Tensor, Callable[[Any], Any]]] = {
    "RankMe": (lambda: RankMe(epsilon=1e-3), EMBEDDINGS, lambda z: rankme(z, epsilon=1e-3)),
    "AlphaReQ": (
        lambda: AlphaReQ(first_rank=2, last_rank=9, refit=True),
        EMBEDDINGS,
        lambda z: alpha_req(z, first_rank=2, last_rank=9, refit=True),
    ),
    "Collapse": (
        lambda: Collapse(reference=REFERENCE, moved=0.3, check_scale=False),
        EMBEDDINGS,
        lambda z: collapse_report(z, reference=REFERENCE, moved=0.3, check_scale=False),
    ),
    "LiDAR": (
        lambda: LiDAR(delta=0.1, relative_delta=True, epsilon=1e-3),
        VIEWS,
        lambda v: lidar(v, delta=0.1, relative_delta=True, epsilon=1e-3),
    ),
}
each_kind = pytest.mark.parametrize("kind", KINDS)


def figures(value: float | AlphaFit | CollapseReport) -> list[float]:
    if isinstance(value, AlphaFit):
        return [value.alpha, value.r_squared, value.first_rank, value.last_rank]
    if isinstance(value, CollapseReport):
        return [float(value.kind == "dimensional"), *value.evidence.values()]
    return [value]


def fed(kind: str, *batches: Tensor) -> Accumulator[Any, Any]:
    make, _, _ = KINDS[kind]
    accumulator = make()
    for batch in batches:
        accumulator.update(batch)
    return accumulator


@each_kind
@given(cuts=st.lists(st.integers(1, 59), max_size=5))
@QUICK
def test_any_split_into_batches_gives_the_value_of_the_function(kind: str, cuts: list[int]) -> None:
    _, data, function = KINDS[kind]
    batches = [part for part in torch.tensor_split(data, sorted(cuts)) if len(part)]
    found, wanted = figures(fed(kind, *batches).compute()), figures(function(data))
    assert found == pytest.approx(wanted, rel=1e-9)


@each_kind
def test_computing_in_between_changes_nothing(kind: str) -> None:
    _, data, _ = KINDS[kind]
    accumulator = fed(kind, data[:40])
    first = accumulator.compute()
    assert accumulator.compute() == first
    accumulator.update(data[40:])
    wanted = figures(fed(kind, data[:40], data[40:]).compute())
    assert figures(accumulator.compute()) == pytest.approx(wanted, rel=1e-12)


@each_kind
def test_reset_forgets(kind: str) -> None:
    _, data, _ = KINDS[kind]
    accumulator = fed(kind, data + 5.0)
    accumulator.reset()
    with pytest.raises(EmbeddingError, match=r"got 0 (sample|image)"):
        accumulator.compute()
    accumulator.update(data[..., :7])  # another dim
    assert figures(accumulator.compute()) == figures(fed(kind, data[..., :7]).compute())


@each_kind
def test_merged_workers_read_what_one_reads_and_the_other_is_left_as_it_was(kind: str) -> None:
    _, data, function = KINDS[kind]
    first, second, nobody = fed(kind, data[:20]), fed(kind, data[20:]), fed(kind)
    before = second.compute()
    first.merge(second)
    first.merge(nobody)
    nobody.merge(first)
    for merged in (first, nobody):
        assert figures(merged.compute()) == pytest.approx(figures(function(data)), rel=1e-9)
    assert second.compute() == before


@each_kind
def test_it_travels_pickled_and_copied(kind: str) -> None:
    _, data, _ = KINDS[kind]
    accumulator = fed(kind, data[:20])
    for twin in (pickle.loads(pickle.dumps(accumulator)), copy.deepcopy(accumulator)):
        twin.update(data[20:])
        assert figures(twin.compute()) == figures(fed(kind, data[:20], data[20:]).compute())
    assert accumulator.compute() == fed(kind, data[:20]).compute()


@each_kind
def test_reduced_without_processes_it_is_a_copy(kind: str) -> None:
    _, data, _ = KINDS[kind]
    accumulator = fed(kind, data[:30])
    before = accumulator.compute()
    reduced = accumulator.reduce()
    assert figures(reduced.compute()) == pytest.approx(figures(before), rel=1e-12)
    reduced.update(data[30:])
    reduced.reset()
    assert accumulator.compute() == before


@each_kind
def test_nothing_seen_cannot_be_reduced(kind: str) -> None:
    with pytest.raises(EmbeddingError, match="nothing seen in any of 1 process"):
        fed(kind).reduce()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RankMe(epsilon=-1.0), "epsilon: got -1.0"),
        (lambda: RankMe(epsilon=math.nan), "epsilon: got nan"),
        (lambda: AlphaReQ(first_rank=0), "first_rank: got 0"),
        (lambda: AlphaReQ(first_rank=9, last_rank=10), "last_rank: got 10 with first_rank 9"),
        (lambda: LiDAR(delta=-1e-4), "delta: got -0.0001"),
        (lambda: LiDAR(epsilon=math.inf), "epsilon: got inf"),
        (lambda: LiDAR(n_views=1), "n_views: got 1"),
        (lambda: EmbeddingAccumulator(rankme, epsilon=-1.0), "epsilon: got -1.0"),
    ],
)
def test_a_bad_option_fails_at_once(make: Callable[[], object], message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        make()


def test_an_unknown_option_fails_at_once() -> None:
    with pytest.raises(TypeError, match="eps"):
        EmbeddingAccumulator(rankme, eps=0.0)


@pytest.mark.parametrize(
    "make", [LiDAR, lambda: LiDAR(delta=0.0), RankMe, AlphaReQ, Collapse, lambda: RankMe(epsilon=0)]
)
def test_a_good_option_is_taken_before_anything_is_seen(make: Callable[[], object]) -> None:
    make()


@pytest.mark.parametrize("other", [RankMe(epsilon=0.0), AlphaReQ(), EmbeddingAccumulator(rankme)])
def test_other_measures_and_options_do_not_merge(other: Any) -> None:
    message = r"other: got <\w+ \w+\(.*\) over .*>, wanted another RankMe rankme\(epsilon=1e-07\)"
    with pytest.raises(InvalidArgumentError, match=message):
        RankMe().merge(other)


def test_other_things_do_not_merge() -> None:
    with pytest.raises(InvalidArgumentError, match="other: got 3"):
        RankMe().merge(3)  # type: ignore[arg-type]


def test_a_distance_that_is_not_a_number_is_an_option_equal_to_itself() -> None:
    accumulator = Collapse(moved=math.nan)
    accumulator.update(EMBEDDINGS)
    accumulator.merge(pickle.loads(pickle.dumps(accumulator)))
    assert accumulator.reduce().compute().kind == "unmoved"


def test_other_dims_do_not_merge() -> None:
    first, second = RankMe(), RankMe()
    first.update(EMBEDDINGS)
    second.update(EMBEDDINGS[:, 1:])
    with pytest.raises(EmbeddingError, match="got dim 11, wanted dim 12"):
        first.merge(second)


def test_it_says_what_it_is_and_saw() -> None:
    assert repr(fed("RankMe", EMBEDDINGS)) == (
        "<RankMe rankme(epsilon=0.001) over 150 embeddings of dim 12>"
    )
    assert repr(fed("LiDAR", VIEWS)).endswith("over 60 images of 4 views>")
    collapse = Collapse()
    collapse.update(torch.full((2, 3), math.nan))
    assert repr(collapse).endswith("over 0 embeddings of dim 0 (2 of 2 not finite)>")


def test_one_pass_feeds_every_measure() -> None:
    moments = SecondMoments()
    for batch in EMBEDDINGS.split(32):
        moments.update(batch)
    for kind in ("RankMe", "AlphaReQ", "Collapse"):
        make, data, function = KINDS[kind]
        found = figures(make().of(moments))
        assert found == pytest.approx(figures(function(data)), rel=1e-9)


def spectral_norm(embeddings: Any, *, power: int = 1) -> float:
    return float(singular_values(embeddings)[0]) ** power


def test_any_function_of_moments_has_an_accumulator() -> None:
    accumulator = EmbeddingAccumulator(spectral_norm, power=2)
    for batch in EMBEDDINGS.split(7):
        accumulator.update(batch)
    wanted = np.linalg.norm(EMBEDDINGS.numpy(), ord=2) ** 2
    assert accumulator.compute() == pytest.approx(wanted, rel=1e-9)


def test_views_may_come_flat_and_in_any_order() -> None:
    accumulator = LiDAR(n_views=4)
    rows, ids = VIEWS.flatten(end_dim=1), torch.arange(60).repeat_interleave(4)
    for batch in torch.randperm(240, generator=torch.Generator().manual_seed(0)).split(50):
        accumulator.update(rows[batch], image_ids=ids[batch])
    assert accumulator.compute() == pytest.approx(lidar(VIEWS), rel=1e-9)
    accumulator.reset()
    accumulator.update(rows, image_ids=ids)  # n_views is still known


def with_bad_rows(*where: int) -> Tensor:
    rows = EMBEDDINGS.clone()
    rows[list(where), 3] = torch.tensor([math.nan, math.inf, -math.inf])[: len(where)].double()
    return rows


@pytest.mark.parametrize("where", [(0,), (5, 70, 149), (3, 4)])
def test_rows_that_are_not_finite_are_counted_and_reported(where: tuple[int, ...]) -> None:
    limits = CollapseThresholds(smallest_rank=3.0)
    accumulator, rows = Collapse(thresholds=limits), with_bad_rows(*where)
    for batch in rows.split(40):
        accumulator.update(batch.numpy())
    wanted = collapse_report(rows, thresholds=limits)
    assert accumulator.compute() == wanted
    assert wanted.evidence == {"n_not_finite": len(where)}
    accumulator.reset()
    accumulator.update(EMBEDDINGS)
    assert accumulator.compute().kind is None


def test_rows_that_are_not_finite_are_merged_and_reduced() -> None:
    first, second = Collapse(), Collapse()
    first.update(EMBEDDINGS)
    second.update(torch.full((5, DIM), math.nan))
    first.merge(second)
    for merged in (first, first.reduce()):
        assert merged.compute().reason.startswith("5 of 155 embeddings")


def test_collapse_refuses_what_is_no_matrix() -> None:
    with pytest.raises(EmbeddingError, match="batch: got a 1-D array"):
        Collapse().update(torch.full((5,), math.nan))


def work(rank: int) -> dict[str, Any]:
    """Uneven shares: nine tenths in the first process."""
    found: dict[str, Any] = {}
    for kind, (_, data, _) in KINDS.items():
        cut = len(data) * 9 // 10
        own = fed(kind, data[cut:] if rank else data[:cut])
        found[kind] = figures(own.reduce().compute())
        own = fed(kind) if rank else fed(kind, data)
        found[f"{kind}, one idle"] = figures(own.reduce().compute())
    bad = Collapse()
    bad.update(with_bad_rows(*((3, 4) if rank else ())))
    found["not finite"] = bad.reduce().compute()
    only_bad = Collapse()
    only_bad.update(torch.full((2, DIM), math.nan))
    found["only not finite"] = only_bad.reduce().compute()
    own_option = RankMe(epsilon=rank)
    own_option.update(EMBEDDINGS)
    with pytest.raises(InvalidArgumentError) as caught:
        own_option.reduce()
    found["options"] = str(caught.value)
    return found


@pytest.mark.slow
def test_two_processes_read_what_one_reads(tmp_path: Path) -> None:
    for found in in_processes(work, tmp_path):
        for kind, (_, data, function) in KINDS.items():
            wanted = pytest.approx(figures(function(data)), rel=1e-9)
            assert found[kind] == wanted
            assert found[f"{kind}, one idle"] == wanted
        assert found["not finite"].reason.startswith("2 of 300 embeddings")
        assert found["only not finite"].reason.startswith("4 of 4 embeddings")
        assert found["options"].startswith(
            "options: got RankMe rankme(epsilon=0), RankMe rankme(epsilon=1) by rank, wanted"
        )
