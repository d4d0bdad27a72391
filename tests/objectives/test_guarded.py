"""The gate, the guarded scores, and that they do not fall for what fools the measures alone."""

import dataclasses
import math
import pickle
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

import objectives
from objectives.collapse import CollapseReport, collapse_report
from objectives.errors import EmbeddingError, InvalidArgumentError
from objectives.guarded import (
    DEFAULT_OBJECTIVE,
    GateVerdict,
    gate,
    guarded_lidar,
    guarded_lidar_score,
    guarded_rank,
    guarded_rank_score,
)
from objectives.lidar import lidar
from objectives.rankme import rankme
from tests.objectives.builders import (
    QUICK,
    gaussian,
    near_collapse,
    numpy64,
    rotation,
    signal_views,
)

ALIVE = CollapseReport(None, "", {})
CONSTANT = CollapseReport("constant", "the embeddings are all but equal", {"spread": 0.0})
SHRUNK = CollapseReport("shrunk", "the variance is 0.01", {})
CLOSED = gate(moved=0.0)
Score = Callable[[float, float], float]
SCORES: list[tuple[Score, str]] = [(guarded_rank_score, "rank"), (guarded_lidar_score, "lidar")]


# The gate


@pytest.mark.parametrize("collapse", [(), (ALIVE,), (ALIVE, ALIVE)])
@pytest.mark.parametrize("moved", [None, 0.1, 0.5, 1.0])
def test_what_lives_and_has_moved_may_pass(
    collapse: tuple[CollapseReport, ...], moved: float | None
) -> None:
    assert gate(collapse=collapse, moved=moved) == GateVerdict(True, ())


@pytest.mark.parametrize("collapse", [(CONSTANT,), (ALIVE, CONSTANT), (CONSTANT, ALIVE)])
def test_any_collapse_closes_the_gate_with_its_reason(collapse: tuple[CollapseReport, ...]) -> None:
    verdict = gate(collapse=collapse, moved=0.9)
    assert not verdict.open
    assert verdict.reasons == ("collapsed, constant: the embeddings are all but equal",)


@pytest.mark.parametrize("moved", [0.0, 0.05, math.nextafter(0.1, 0.0)])
def test_a_network_that_never_left_is_stopped(moved: float) -> None:
    verdict = gate(collapse=(ALIVE,), moved=moved)
    assert not verdict.open
    assert len(verdict.reasons) == 1
    assert verdict.reasons[0].startswith(f"moved {moved:.3g} from initialisation, less than 0.1")


def test_the_threshold_is_a_choice_and_itself_enough() -> None:
    assert not gate(moved=0.3, least_moved=0.4).open
    assert "less than 0.4" in gate(moved=0.3, least_moved=0.4).reasons[0]
    assert gate(moved=0.4, least_moved=0.4).open
    assert gate(moved=0.0, least_moved=0.0).open


def test_a_distance_that_is_undefined_closes_the_gate() -> None:
    verdict = gate(moved=math.nan, least_moved=0.0)
    assert not verdict.open
    assert verdict.reasons == ("moved is nan: the distance from initialisation is undefined",)


def test_every_objection_is_told() -> None:
    verdict = gate(collapse=[CONSTANT, ALIVE, SHRUNK], moved=0.0)
    assert [reason.split(":")[0] for reason in verdict.reasons[:2]] == [
        "collapsed, constant",
        "collapsed, shrunk",
    ]
    assert verdict.reasons[2].startswith("moved 0 ")
    assert len(verdict.reasons) == 3


@pytest.mark.parametrize("value", [-0.01, 1.01, math.inf, -math.inf])
def test_distances_are_between_0_and_1(value: float) -> None:
    with pytest.raises(InvalidArgumentError, match=f"^moved: got {value!r}, wanted .* 0 and 1"):
        gate(moved=value)
    with pytest.raises(InvalidArgumentError, match=f"^least_moved: got {value!r}, wanted .* 0 and"):
        gate(moved=0.5, least_moved=value)


def test_a_threshold_of_nan_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="least_moved: got nan"):
        gate(least_moved=math.nan)


@pytest.mark.parametrize(("is_open", "reasons"), [(True, ("dead",)), (False, ())])
def test_a_verdict_goes_with_its_reasons(is_open: bool, reasons: tuple[str, ...]) -> None:
    with pytest.raises(InvalidArgumentError, match=f"reasons: got .* with open={is_open}"):
        GateVerdict(is_open, reasons)


def test_verdicts_are_frozen_and_survive_pickling() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        CLOSED.open = True  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(CLOSED)) == CLOSED


@pytest.mark.parametrize("t", [1e-2, 1e-4])
def test_the_gate_stops_near_collapse(t: float) -> None:
    """Where LiDAR and every centred rank read near their maximum."""
    report = collapse_report(near_collapse(t * 7.45, 512, 64))
    assert not gate(collapse=(report,)).open


# The scores


@QUICK
@given(rank=st.floats(1e-3, 1e6), retrieval=st.floats(1e-4, 1.0))
def test_scores_are_the_logarithm_of_the_product(rank: float, retrieval: float) -> None:
    for score, _ in SCORES:
        assert score(rank, retrieval) == pytest.approx(math.log(rank * retrieval), abs=1e-9)
        assert score(2 * rank, retrieval / 2) == pytest.approx(score(rank, retrieval), abs=1e-9)
        assert score(1.01 * rank, retrieval) > score(rank, retrieval)
        assert score(rank, 0.99 * retrieval) < score(rank, retrieval)


@pytest.mark.parametrize(("score", "name"), SCORES)
def test_the_edges_of_a_score(score: Score, name: str) -> None:
    assert score(20.0, 0.0) == -math.inf
    assert score(0.0, 0.5) == -math.inf
    assert score(0.0, 0.0) == -math.inf
    assert score(1.0, 1.0) == 0.0
    for rank, retrieval in [(math.nan, 0.5), (3.0, math.nan), (math.nan, 0.0), (0.0, math.nan)]:
        assert math.isnan(score(rank, retrieval))
    for rank in (-1e-9, -3.0, math.inf, -math.inf):
        with pytest.raises(InvalidArgumentError, match=f"^{name}: got {rank!r}, wanted a finite"):
            score(rank, 0.5)
    for retrieval in (-1e-9, 1.0 + 1e-9, 41.0, math.inf):
        for rank in (3.0, math.nan):
            with pytest.raises(InvalidArgumentError, match=f"^retrieval: got {retrieval!r}"):
                score(rank, retrieval)


# The measures


def reference_retrieval(views: NDArray[np.float64]) -> float:
    """Both directions of two views: loop over queries, cosines of centred views."""
    first, second = (views[:, a] - views[:, a].mean(axis=0) for a in (0, 1))
    hits = 0
    for query, gallery in ((first, second), (second, first)):
        for i, row in enumerate(query):
            cosines = [row @ g / np.linalg.norm(row) / np.linalg.norm(g) for g in gallery]
            hits += int(np.argmax(cosines)) == i
    return hits / (2 * len(views))


def reference_entropy(values: NDArray[np.float64], epsilon: float) -> float:
    """Log of the effective rank."""
    p = values / values.sum() + epsilon
    return float(-(p * np.log(p)).sum())


@QUICK
@given(
    seed=st.integers(0, 99), ratio=st.floats(0.5, 9.0), epsilon=st.sampled_from([0.0, 1e-7, 1e-4])
)
def test_guarded_rank_matches_the_reference(seed: int, ratio: float, epsilon: float) -> None:
    clean = gaussian(40, 8, seed=seed)
    views = signal_views(30, 2, 8, n_signal=4, ratio=ratio, seed=seed)
    singular = np.sqrt(np.linalg.eigvalsh(numpy64(clean).T @ numpy64(clean)))
    expected = reference_entropy(singular, epsilon) + math.log(reference_retrieval(numpy64(views)))
    assert guarded_rank(clean, views, epsilon=epsilon) == pytest.approx(expected, abs=1e-6)


@QUICK
@given(
    seed=st.integers(0, 99),
    delta=st.sampled_from([0.0, 1e-4, 0.1]),
    epsilon=st.sampled_from([0.0, 1e-4]),
)
def test_guarded_lidar_matches_the_reference(seed: int, delta: float, epsilon: float) -> None:
    views = signal_views(30, 2, 6, n_signal=3, ratio=4.0, seed=seed)
    x = numpy64(views)
    between = np.cov(x.mean(axis=1).T)
    within = sum(np.cov(image.T) for image in x) / len(x) + delta * np.eye(6)
    eigenvalues = np.linalg.eigvals(np.linalg.solve(within, between)).real
    expected = reference_entropy(eigenvalues, epsilon) + math.log(reference_retrieval(x))
    assert guarded_lidar(views, delta=delta, epsilon=epsilon) == pytest.approx(expected, abs=1e-6)


def test_defaults_are_those_of_the_measures() -> None:
    clean, views = gaussian(40, 8), signal_views(30, 2, 8, n_signal=4, ratio=4.0)
    retrieval = reference_retrieval(numpy64(views))
    assert guarded_rank(clean, views) == pytest.approx(math.log(rankme(clean) * retrieval))
    assert guarded_lidar(views) == pytest.approx(math.log(lidar(views) * retrieval))


def test_perfect_views_leave_the_rank() -> None:
    clean = torch.eye(5)
    views = torch.stack([clean, 3.0 * clean + 1.0], dim=1)
    assert guarded_rank(clean, views, epsilon=0.0) == pytest.approx(math.log(5.0))
    assert guarded_rank(5.0 * clean[:, :1] + 0 * clean, views, epsilon=0.0) == pytest.approx(0.0)


def test_views_that_never_find_their_image_are_worst() -> None:
    """Each view is another image's: the images are on two axes, the second views turned."""
    first = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    views = torch.stack([first, first.roll(2, dims=0)], dim=1)
    assert guarded_rank(first, views) == -math.inf


@QUICK
@given(seed=st.integers(0, 99), scale=st.floats(1e-2, 1e2))
def test_axes_and_the_order_of_images_do_not_count(seed: int, scale: float) -> None:
    clean = gaussian(40, 8, seed=seed)
    views = signal_views(30, 2, 8, n_signal=4, ratio=4.0, seed=seed)
    turn, order = rotation(8, seed=seed) * scale, np.random.default_rng(seed).permutation(30)
    moved = (views @ turn)[torch.from_numpy(order)]
    assert guarded_rank(clean @ turn, moved) == pytest.approx(guarded_rank(clean, views), abs=1e-6)
    # δ is absolute, so that LiDAR alone sees the scale.
    assert guarded_lidar(moved, delta=0.0) == pytest.approx(
        guarded_lidar(views, delta=0.0), abs=1e-6
    )


def test_a_network_that_tells_images_apart_beats_noise_that_fools_the_measures() -> None:
    """Pure noise has nearly the largest RankMe and LiDAR there is; its views find nothing."""
    noise = gaussian(300, 2, 32, seed=1)
    learned = signal_views(300, 2, 32, n_signal=8, ratio=30.0, seed=2)
    assert rankme(noise[:, 0]) > rankme(learned[:, 0])
    assert lidar(noise) > lidar(learned)
    assert guarded_rank(learned[:, 0], learned) > guarded_rank(noise[:, 0], noise) + 1.0
    assert guarded_lidar(learned) > guarded_lidar(noise) + 1.0


def test_a_near_collapse_loses_even_without_a_gate() -> None:
    alive = signal_views(200, 2, 16, n_signal=8, ratio=9.0)
    dead = near_collapse(1e-3, 200, 2, 16)
    assert lidar(dead) > lidar(alive)
    assert guarded_lidar(dead) < guarded_lidar(alive)
    assert guarded_rank(dead[:, 0], dead) < guarded_rank(alive[:, 0], alive)


def test_shuffled_views_score_worse_though_lidar_alone_says_better() -> None:
    views = signal_views(200, 2, 16, n_signal=4, ratio=9.0)
    shuffled = torch.stack([views[:, 0], views[:, 1].roll(1, dims=0)], dim=1)
    assert lidar(shuffled) > lidar(views)
    assert guarded_lidar(shuffled) < guarded_lidar(views)


def test_images_of_one_mean_have_no_guarded_lidar() -> None:
    offsets = torch.tensor([[1.0, 0.0], [-1.0, 0.0]])
    assert math.isnan(guarded_lidar(offsets.expand(6, 2, 2)))


# Behind a closed gate


@pytest.mark.parametrize("bad", [torch.full((4, 2, 3), math.nan), torch.zeros(4, 2, 3)])
def test_a_closed_gate_is_worse_than_anything_whatever_the_inputs_hold(bad: Tensor) -> None:
    assert guarded_rank(bad[:, 0], bad, verdict=CLOSED) == -math.inf
    assert guarded_lidar(bad, verdict=CLOSED) == -math.inf
    good = signal_views(30, 2, 8, n_signal=8, ratio=99.0)
    assert guarded_rank(good[:, 0], good, verdict=CLOSED) == -math.inf
    assert guarded_lidar(good, verdict=CLOSED) == -math.inf


def test_an_open_gate_changes_nothing() -> None:
    views = signal_views(30, 2, 8, n_signal=4, ratio=4.0)
    verdict = gate(collapse=(ALIVE,), moved=0.5)
    assert guarded_rank(views[:, 0], views, verdict=verdict) == guarded_rank(views[:, 0], views)
    assert guarded_lidar(views, verdict=verdict) == guarded_lidar(views)


# Inputs


def test_two_layers_do_not_mix() -> None:
    with pytest.raises(
        EmbeddingError, match=r"embeddings, views: got dim 8 and 4, .* at the backbone"
    ):
        guarded_rank(gaussian(30, 8), gaussian(20, 2, 4))


@pytest.mark.parametrize(
    ("clean", "views", "message"),
    [
        (gaussian(30, 2, 8), gaussian(30, 2, 8), "embeddings: got a 3-D"),
        (gaussian(30, 8), gaussian(30, 8), "views: got a 2-D array"),
        (gaussian(30, 8), gaussian(1, 2, 8), "views: got 1 image"),
        (gaussian(30, 8) / 0.0, gaussian(30, 2, 8), "embeddings: got 30 of 30 rows with NaN"),
        (gaussian(30, 8), gaussian(30, 2, 8) / 0.0, "views: got 60 of 60 rows with NaN"),
        (gaussian(30, 8).int(), gaussian(30, 2, 8), "embeddings: got dtype torch.int32"),
        (torch.zeros(30, 8), gaussian(30, 2, 8), "embeddings: got only zeros"),
    ],
)
def test_bad_inputs_are_refused(clean: Tensor, views: Tensor, message: str) -> None:
    with pytest.raises(EmbeddingError, match=message):
        guarded_rank(clean, views, verdict=gate())
    if message.startswith("views"):
        with pytest.raises(EmbeddingError, match=message):
            guarded_lidar(views)


def test_bad_constants_are_refused() -> None:
    views = gaussian(30, 2, 8)
    with pytest.raises(InvalidArgumentError, match="epsilon: got -1"):
        guarded_rank(views[:, 0], views, epsilon=-1.0)
    with pytest.raises(InvalidArgumentError, match="epsilon: got -1"):
        guarded_lidar(views, epsilon=-1.0)
    with pytest.raises(InvalidArgumentError, match="delta: got -1"):
        guarded_lidar(views, delta=-1.0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_low_precision_numpy_and_strides_change_nothing(dtype: torch.dtype) -> None:
    views = signal_views(30, 2, 8, n_signal=4, ratio=4.0).to(dtype)
    before = views.clone()
    exact = views.double()
    expected = guarded_rank(exact[:, 0], exact), guarded_lidar(exact)
    strided = views.permute(2, 1, 0).contiguous().permute(2, 1, 0)
    assert not strided.is_contiguous()
    assert (guarded_rank(strided[:, 0], strided), guarded_lidar(strided)) == pytest.approx(expected)
    if dtype is not torch.bfloat16:
        array = views.numpy()
        found = guarded_rank(array[:, 0], array), guarded_lidar(array)
        assert found == pytest.approx(expected)
    assert torch.equal(views, before)


def test_the_default_objective_is_one_of_these() -> None:
    assert DEFAULT_OBJECTIVE == "guarded_alpha"
    assert callable(getattr(objectives, DEFAULT_OBJECTIVE))
