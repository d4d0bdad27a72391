"""The collapse report: metrics.md 5.6 as regression, and every kind on made data."""

import math
from dataclasses import asdict

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from objectives import (
    CollapseReport,
    CollapseThresholds,
    EmbeddingError,
    EmbeddingStatistics,
    SecondMoments,
    collapse_report,
    distance_from_initialisation,
    rankme,
)
from tests.objectives.builders import QUICK, gaussian, near_collapse, numpy64, rotation

NORM = 7.45  # of the constant vector of near_collapse
REFERENCE = EmbeddingStatistics.of(gaussian(400, 64, seed=9))


def low_rank(rank: int, *, n_samples: int = 400, dim: int = 64, seed: int = 7) -> Tensor:
    """Isotropic within a random subspace."""
    inside = gaussian(n_samples, rank, seed=seed)
    return inside @ rotation(dim, seed=seed)[:rank] * (dim / rank) ** 0.5


def reference_spread(values: NDArray[np.float64]) -> float:
    """Chen & He 2021 (arXiv 2011.10566), section 4.1: std of z / ||z||, over 1 / sqrt(dim)."""
    unit = values / np.linalg.norm(values, axis=1, keepdims=True)
    return float(np.mean([column.std() for column in unit.T]) * math.sqrt(values.shape[1]))


# Statistics


@QUICK
@given(n=st.integers(2, 40), dim=st.integers(1, 20), shift=st.floats(-5, 5), seed=st.integers(0, 9))
def test_statistics_match_the_reference(n: int, dim: int, shift: float, seed: int) -> None:
    embeddings = gaussian(n, dim, seed=seed) + shift
    x = numpy64(embeddings)
    found = EmbeddingStatistics.of(embeddings)
    assert found.spread == pytest.approx(reference_spread(x), rel=1e-9, abs=1e-12)
    assert found.total_variance == pytest.approx(np.trace(np.atleast_2d(np.cov(x.T, bias=True))))
    assert found.mean_square_norm == pytest.approx(np.mean(np.sum(x * x, axis=1)))
    assert found.rank == rankme(embeddings)


def test_an_isotropic_cloud_has_spread_one_and_a_point_none() -> None:
    assert EmbeddingStatistics.of(gaussian(5000, 64)).spread == pytest.approx(1.0, abs=0.02)
    assert EmbeddingStatistics.of(torch.full((9, 4), 3.0)).spread == pytest.approx(0.0, abs=1e-9)


def test_all_zero_embeddings_have_statistics() -> None:
    assert asdict(EmbeddingStatistics.of(torch.zeros(5, 3))) == {
        "spread": 0.0,
        "total_variance": 0.0,
        "mean_square_norm": 0.0,
        "rank": 0.0,
    }


@QUICK
@given(seed=st.integers(0, 999), rank=st.integers(1, 64), shift=st.floats(0.0, 3.0))
def test_statistics_but_the_spread_do_not_see_a_rotation(
    seed: int, rank: int, shift: float
) -> None:
    """Chen & He's spread averages over dimensions, so it sees the axes; the others do not."""
    embeddings = low_rank(rank, seed=seed) + shift
    before = asdict(EmbeddingStatistics.of(embeddings))
    after = asdict(EmbeddingStatistics.of(embeddings @ rotation(64, seed=seed + 1)))
    for name in ("total_variance", "mean_square_norm", "rank"):
        assert after[name] == pytest.approx(before[name], rel=1e-8), name


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_statistics_are_computed_in_float64(dtype: torch.dtype) -> None:
    """A squared norm of 64 * 1000^2 has no float16."""
    embeddings = (1000 * gaussian(50, 64)).to(dtype)
    assert EmbeddingStatistics.of(embeddings) == EmbeddingStatistics.of(embeddings.double())


# Near-collapse, metrics.md 5.6


@pytest.mark.parametrize("t", [0.1, 1e-3, 1e-6])
def test_the_spread_of_the_near_collapse_table(t: float) -> None:
    """The table gives the std before the factor sqrt(64): 1.4e-2, 1.4e-4, 1.4e-7."""
    found = EmbeddingStatistics.of(near_collapse(t, 2000, 64))
    assert found.spread / 8 == pytest.approx(0.14 * t, rel=0.06)


@pytest.mark.parametrize("share", [1e-2, 1e-3, 1e-4, 1e-6, 0.0])
@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("with_reference", [True, False])
def test_near_collapse_is_constant(
    share: float, seed: int, dtype: torch.dtype, with_reference: bool
) -> None:
    """Where every centred measure reads near its maximum, down from t = 1e-2 |c|."""
    embeddings = near_collapse(share * NORM, 512, 64, seed=seed).to(dtype)
    report = collapse_report(embeddings, reference=REFERENCE if with_reference else None)
    assert report.kind == "constant"
    assert "spread" in report.reason


@QUICK
@given(share=st.floats(0.0, 1e-2), scale=st.floats(1e-3, 1e3), seed=st.integers(0, 99))
def test_near_collapse_at_any_scale_and_turn(share: float, scale: float, seed: int) -> None:
    embeddings = near_collapse(share * NORM, 128, 64, seed=seed) * scale
    turned = embeddings @ rotation(64, seed=seed + 1)
    assert collapse_report(embeddings).kind == collapse_report(turned).kind == "constant"


def test_a_zero_cloud_is_constant() -> None:
    assert collapse_report(torch.zeros(8, 4), reference=REFERENCE).kind == "constant"


# Kinds


MADE: dict[str, Tensor] = {
    "constant": near_collapse(1e-2, 400, 64),
    "exploded": 10.5 * gaussian(400, 64),
    "shrunk": 0.4 * gaussian(400, 64),
    "dimensional": low_rank(5),
}


@pytest.mark.parametrize("kind", sorted(MADE))
def test_every_kind_fires(kind: str) -> None:
    report = collapse_report(MADE[kind], reference=REFERENCE)
    assert report.kind == kind
    assert report.collapsed
    assert report.reason
    assert report.evidence == asdict(EmbeddingStatistics.of(MADE[kind]))


@pytest.mark.parametrize("kind", sorted(MADE))
@pytest.mark.parametrize("seed", [0, 1])
def test_a_rotation_changes_no_verdict(kind: str, seed: int) -> None:
    report = collapse_report(MADE[kind] @ rotation(64, seed=seed), reference=REFERENCE)
    assert report.kind == kind


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("check_scale", [True, False])
def test_a_living_cloud_is_alive(seed: int, check_scale: bool) -> None:
    embeddings = gaussian(400, 64, seed=seed)
    for reference in (REFERENCE, None):
        report = collapse_report(embeddings, reference=reference, check_scale=check_scale)
        assert (report.kind, report.reason, report.collapsed) == (None, "", False)


def test_without_a_reference_only_the_absolute_kinds_are_seen() -> None:
    kinds = {kind: collapse_report(made).kind for kind, made in MADE.items()}
    assert kinds == {"constant": "constant", "exploded": None, "shrunk": None, "dimensional": None}
    assert collapse_report(low_rank(1)).kind == "dimensional"
    assert "RankMe 1, at most 2" in collapse_report(low_rank(1)).reason


@pytest.mark.parametrize("scale", [0.4, 1e-3, 1e-8])
def test_shrinking_means_nothing_where_the_loss_cannot_see_it(scale: float) -> None:
    embeddings = scale * gaussian(400, 64)
    assert collapse_report(embeddings, reference=REFERENCE).kind == "shrunk"
    assert collapse_report(embeddings, reference=REFERENCE, check_scale=False).kind is None


@pytest.mark.parametrize("check_scale", [True, False])
def test_an_explosion_is_seen_whether_or_not_the_scale_is_checked(check_scale: bool) -> None:
    report = collapse_report(MADE["exploded"], reference=REFERENCE, check_scale=check_scale)
    assert report.kind == "exploded"


@pytest.mark.parametrize(("value", "rows"), [(math.nan, 3), (math.inf, 1), (-math.inf, 2)])
def test_values_that_are_not_finite(value: float, rows: int) -> None:
    embeddings = gaussian(10, 4)
    embeddings[:rows, 1:3] = value
    report = collapse_report(embeddings, reference=REFERENCE)
    assert report == CollapseReport(
        "not finite",
        f"{rows} of 10 embeddings hold values that are not finite",
        {"n_not_finite": float(rows)},
    )


def test_the_order_of_the_kinds() -> None:
    """Each reference makes all later kinds hold at once; the first that holds is given."""
    point = near_collapse(1e-3, 50, 8)
    point[0, 0] = math.nan
    assert collapse_report(point, reference=REFERENCE).kind == "not finite"
    cloud = gaussian(50, 8)
    everything = EmbeddingStatistics(1.0, total_variance=1e9, mean_square_norm=1e-9, rank=1e9)
    assert collapse_report(near_collapse(1e-3, 50, 8), reference=everything).kind == "constant"
    assert collapse_report(cloud, reference=everything).kind == "exploded"
    not_exploded = EmbeddingStatistics(1.0, 1e9, mean_square_norm=1e9, rank=1e9)
    assert collapse_report(cloud, reference=not_exploded).kind == "shrunk"
    report = collapse_report(cloud, reference=not_exploded, check_scale=False)
    assert report.kind == "dimensional"


@pytest.mark.parametrize(
    ("thresholds", "kind"),
    [
        (CollapseThresholds(smallest_spread=1.1), "constant"),
        (CollapseThresholds(largest_growth=0.5), "exploded"),
        (CollapseThresholds(smallest_variance_share=1.5), "shrunk"),
        (CollapseThresholds(smallest_rank_share=1.5), "dimensional"),
        (CollapseThresholds(smallest_rank=65.0), "dimensional"),
    ],
)
def test_thresholds_are_the_callers(thresholds: CollapseThresholds, kind: str) -> None:
    cloud = gaussian(400, 64)
    assert collapse_report(cloud, reference=REFERENCE).kind is None
    assert collapse_report(cloud, reference=REFERENCE, thresholds=thresholds).kind == kind


def test_the_reason_holds_the_figure_and_the_threshold() -> None:
    reason = collapse_report(MADE["shrunk"], reference=REFERENCE).reason
    assert reason.startswith("the variance is 0.16")
    assert "at most 0.2" in reason
    reason = collapse_report(MADE["exploded"], reference=REFERENCE).reason
    assert "at least 100" in reason


@pytest.mark.parametrize("reference", [torch.zeros(9, 64), torch.full((9, 64), 2.0)])
def test_a_dead_reference_is_no_reference(reference: Tensor) -> None:
    """An untrained network may well be constant: no division by its zero, and no verdict on it."""
    statistics = EmbeddingStatistics.of(reference)
    assert collapse_report(gaussian(400, 64), reference=statistics).kind is None
    assert collapse_report(low_rank(1), reference=statistics).kind == "dimensional"


# Moved


@pytest.mark.parametrize(
    ("moved", "kind"),
    [
        (0.0, "unmoved"),
        (0.0999, "unmoved"),
        (0.1, None),
        (1.0, None),
        (None, None),
        (math.nan, "unmoved"),
    ],
)
def test_a_network_that_never_learned_is_unmoved(moved: float | None, kind: str | None) -> None:
    """nan too: a distance that could not be taken is no evidence of having learned."""
    report = collapse_report(gaussian(400, 64), reference=REFERENCE, moved=moved)
    assert report.kind == kind
    assert report.collapsed == (kind is not None)
    assert bool(report.reason) == report.collapsed
    evidence = dict(report.evidence)
    if moved is None:
        assert "moved" not in evidence
    else:
        assert evidence.pop("moved") == pytest.approx(moved, nan_ok=True)
    assert evidence == asdict(EmbeddingStatistics.of(gaussian(400, 64)))


def test_the_reason_says_how_far_it_moved() -> None:
    report = collapse_report(gaussian(50, 8), moved=0.0234)
    assert report.reason.startswith("0.0234 away from its initialisation (1 - CKA), less than 0.1")


def test_how_far_is_far_is_the_callers() -> None:
    cloud, strict = gaussian(50, 8), CollapseThresholds(least_moved=0.5)
    assert collapse_report(cloud, moved=0.3).kind is None
    assert collapse_report(cloud, moved=0.3, thresholds=strict).kind == "unmoved"
    lenient = CollapseThresholds(least_moved=0.0)
    assert collapse_report(cloud, moved=0.0, thresholds=lenient).kind is None


@pytest.mark.parametrize("kind", sorted(MADE))
def test_every_other_kind_comes_before_unmoved(kind: str) -> None:
    report = collapse_report(MADE[kind], reference=REFERENCE, moved=0.0)
    assert report.kind == kind
    assert report.evidence["moved"] == 0.0


def test_the_distance_of_an_untrained_copy_is_unmoved() -> None:
    initial = gaussian(400, 64)
    for trained, kind in ((2 * initial + 1, "unmoved"), (gaussian(400, 64, seed=1), None)):
        moved = distance_from_initialisation(trained, initial)
        assert collapse_report(trained, moved=moved).kind == kind


# What the report holds


@pytest.mark.parametrize("made", [*MADE.values(), gaussian(400, 64), torch.full((3, 2), math.nan)])
def test_the_report_holds_what_it_was_held_against(made: Tensor) -> None:
    assert collapse_report(made).thresholds == CollapseThresholds()
    own = CollapseThresholds(smallest_spread=0.05, least_moved=0.2)
    assert collapse_report(made, thresholds=own).thresholds is own


@pytest.mark.parametrize("kind", sorted(MADE))
@pytest.mark.parametrize("batch", [400, 33])
def test_moments_get_the_verdict_of_the_array(kind: str, batch: int) -> None:
    moments = SecondMoments()
    for rows in MADE[kind].split(batch):
        moments.update(rows)
    found = collapse_report(moments, reference=REFERENCE)
    expected = collapse_report(MADE[kind], reference=REFERENCE)
    assert (found.kind, found.reason) == (expected.kind, expected.reason)
    assert found.evidence == pytest.approx(expected.evidence, rel=1e-9)


@pytest.mark.parametrize("kind", sorted(MADE))
def test_numpy_gets_the_verdict_of_torch(kind: str) -> None:
    array = numpy64(MADE[kind])
    array.setflags(write=False)
    assert collapse_report(array, reference=REFERENCE) == collapse_report(
        MADE[kind], reference=REFERENCE
    )
    assert collapse_report(array[::-1], reference=REFERENCE).kind == kind
    broken = array.copy()
    broken[2, 1] = math.nan
    assert collapse_report(broken[::-1]).evidence == {"n_not_finite": 1.0}


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_large_finite_values_are_not_taken_for_infinite_ones(dtype: torch.dtype) -> None:
    """A sum of them may well overflow the dtype."""
    largest = torch.finfo(dtype).max
    embeddings = (gaussian(50, 8).sign() * largest).to(dtype)
    assert collapse_report(embeddings).kind is None
    embeddings[7, 3] = math.inf
    embeddings[9, 3] = -math.inf
    assert collapse_report(embeddings).evidence == {"n_not_finite": 2.0}


# Errors


@pytest.mark.parametrize("shape", [(0, 4), (4,), (), (3, 4, 5), (4, 0)])
def test_wrong_shapes(shape: tuple[int, ...]) -> None:
    for call in (collapse_report, EmbeddingStatistics.of):
        with pytest.raises(EmbeddingError, match=r"embeddings: got .*wanted .*\(n_samples, dim\)"):
            call(torch.ones(shape))


def test_something_else() -> None:
    for call in (collapse_report, EmbeddingStatistics.of):
        with pytest.raises(EmbeddingError, match="got a list, wanted a torch tensor"):
            call([[1.0, 2.0], [3.0, 4.0]])  # type: ignore[arg-type]
        with pytest.raises(EmbeddingError, match=r"got dtype torch.int64"):
            call(torch.ones(4, 4, dtype=torch.int64))


@pytest.mark.parametrize("value", [1e160, 1.7e308])
def test_squares_beyond_float64_are_an_error_and_not_a_living_number(value: float) -> None:
    embeddings = value * torch.tensor([[1.0, -1.0], [-1.0, -1.0], [-1.0, 1.0]]).double()
    for call in (collapse_report, EmbeddingStatistics.of):
        with pytest.raises(EmbeddingError, match="overflow float64"):
            call(embeddings)


def test_moments_of_nothing_and_of_one_sample() -> None:
    moments = SecondMoments()
    for count in (0, 1):
        with pytest.raises(EmbeddingError, match=rf"got {count} sample\(s\); wanted at least 2"):
            collapse_report(moments)
        moments.update(gaussian(1, 4))


def test_one_sample_has_no_spread() -> None:
    for call in (collapse_report, EmbeddingStatistics.of):
        with pytest.raises(EmbeddingError, match=r"got 1 sample\(s\); wanted at least 2"):
            call(torch.ones(1, 4))


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_statistics_of_what_is_not_finite(value: float) -> None:
    with pytest.raises(EmbeddingError, match="3 of 3 rows with NaN or infinite"):
        EmbeddingStatistics.of(torch.full((3, 2), value))


def test_the_input_is_not_changed() -> None:
    embeddings = gaussian(20, 4).requires_grad_()
    before = embeddings.detach().clone()
    collapse_report(embeddings, reference=REFERENCE)
    assert torch.equal(embeddings.detach(), before)
