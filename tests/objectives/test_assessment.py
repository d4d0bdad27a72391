"""All measures at once: equal to each by itself, with a record, and with the reason for a gap."""

import dataclasses
import math
from collections.abc import Callable

import pytest
import torch

import objectives
from objectives import (
    MEASURES,
    Assessment,
    EmbeddingError,
    EmbeddingStatistics,
    IncomparableError,
    Measurement,
    assess,
    collapse_report,
    get_measure,
    rank_measurements,
)
from objectives.assessment import PAIRS_OF_AT_MOST
from tests.objectives.builders import gaussian, near_collapse, signal_views

VIEWS = signal_views(300, 4, 24, n_signal=8, ratio=4.0)
FLAT = VIEWS[:, 0]


def by_name(name: str) -> float:
    """The measure by itself, at its defaults."""
    if name == "alpha_req":
        return objectives.alpha_req(FLAT).alpha
    if name == "idest":
        return objectives.idest(FLAT).dimension
    if name in ("guarded_alpha", "guarded_rank"):
        guarded: Callable[..., float] = getattr(objectives, name)
        return guarded(FLAT, VIEWS)
    measured = VIEWS if get_measure(name).needs_views else FLAT
    return float(getattr(objectives, name)(measured))


def rank_of(found: Assessment) -> Measurement:
    return next(value for value in found.values if value.record.measure == "rankme")


@pytest.mark.parametrize("name", sorted(set(MEASURES) - {"ssl_loss"}))
def test_every_measure_equals_itself_alone(name: str) -> None:
    found = assess(FLAT, views=VIEWS)
    assert found[name] == pytest.approx(by_name(name), rel=1e-9)
    assert math.isfinite(found[name])


def test_records_say_how_each_was_measured() -> None:
    found = assess(FLAT.float(), views=VIEWS.float(), layer="projector")
    assert [v.record.measure for v in found.values] == sorted(set(MEASURES) - {"ssl_loss"})
    records = {v.record.measure: v.record for v in found.values}
    assert dict(records["rankme"].options) == {"epsilon": 1e-7}
    assert dict(records["lidar"].options)["delta"] == 1e-4
    assert dict(records["alpha_req"].options)["last_rank"] == 100
    for name, record in records.items():
        assert (record.layer, record.n_samples, record.dim) == ("projector", 300, 24)
        assert record.dtype == "float32"
        assert record.n_views == (4 if get_measure(name).needs_views else None)


def test_values_of_two_networks_rank_and_of_two_sizes_do_not() -> None:
    better, worse, fewer = (assess(x) for x in (gaussian(300, 24), FLAT, FLAT[:200]))
    ranks = [
        a.values[[v.record.measure for v in a.values].index("rankme")] for a in (worse, better)
    ]
    assert rank_measurements(ranks) == [1, 0]
    with pytest.raises(IncomparableError, match="n_samples"):
        rank_measurements([ranks[0], rank_of(fewer)])


def test_spectra_and_fit_are_those_of_the_functions() -> None:
    found = assess(FLAT)
    assert found.alpha == objectives.alpha_req(FLAT)
    assert found.singular_values is not None
    assert found.covariance_eigenvalues is not None
    torch.testing.assert_close(found.singular_values, objectives.singular_values(FLAT))
    torch.testing.assert_close(
        found.covariance_eigenvalues, objectives.covariance_eigenvalues(FLAT)
    )


def test_without_views_those_that_need_them_say_so() -> None:
    found = assess(FLAT)
    for name, measure in MEASURES.items():
        assert (found.notes.get(name) == "needs views (n_images, n_views, dim)") is (
            measure.needs_views
        )
        if measure.needs_views:
            assert math.isnan(found[name])


def test_notes_say_how_far_to_trust_a_value() -> None:
    notes = assess(gaussian(50, 64)).notes
    assert "50 samples, wanted 65 or more" in notes["stable_rank"]
    assert "its authors read the projector" in notes["rankme"]


def test_not_finite_is_a_verdict() -> None:
    embeddings = FLAT.clone()
    embeddings[3, 1] = math.nan
    found = assess(embeddings, views=VIEWS)
    assert found.collapse.kind == "not finite"
    views = VIEWS.clone()
    views[5, 1, 2] = math.inf
    assert assess(FLAT, views=views).collapse.reason.startswith("1 of 1200 embeddings")
    assert found.values == ()
    assert found.singular_values is None
    assert math.isnan(found["rankme"])


def test_a_collapsed_network_cannot_win() -> None:
    collapsed = near_collapse(1e-3, 300, 4, 24)
    found = assess(collapsed[:, 0], views=collapsed)
    assert found.collapse.kind == "constant"
    assert found["lidar"] > assess(FLAT, views=VIEWS)["lidar"]  # the trap
    for name in ("guarded_alpha", "guarded_lidar", "guarded_rank"):
        assert found[name] == -math.inf
    assert found.notes["guarded_rank"] == "the gate is closed: constant"


def test_an_unmoved_network_cannot_win() -> None:
    found = assess(FLAT, views=VIEWS, moved=0.01)
    assert found.collapse.kind == "unmoved"
    assert found["guarded_lidar"] == -math.inf
    assert math.isfinite(found["lidar"])


def test_the_reference_reaches_the_report() -> None:
    reference = EmbeddingStatistics.of(0.01 * FLAT)
    found = assess(FLAT, reference=reference)
    assert found.collapse == collapse_report(FLAT, reference=reference)
    assert found.collapse.kind == "exploded"


def test_zeros_and_constants_leave_reasons() -> None:
    found = assess(torch.zeros(200, 8))
    assert found.collapse.kind == "constant"
    assert "only zeros" in found.notes["rankme"]
    assert "all zero" in found.notes["uniformity"]
    assert "undefined" in found.notes["nesum"]


def test_many_samples_are_thinned_where_pairs_are_compared() -> None:
    embeddings = gaussian(PAIRS_OF_AT_MOST + 500, 4)
    found = {v.record.measure: v.record.n_samples for v in assess(embeddings).values}
    assert found["uniformity"] == found["idest"] == PAIRS_OF_AT_MOST
    assert found["rankme"] == PAIRS_OF_AT_MOST + 500


@pytest.mark.parametrize("wrong", [torch.ones(4), torch.ones(3, 2, dtype=torch.int64)])
def test_what_cannot_be_measured_is_refused(wrong: torch.Tensor) -> None:
    with pytest.raises(EmbeddingError, match="embeddings: got"):
        assess(wrong)
    with pytest.raises(EmbeddingError, match="views: got"):
        assess(FLAT, views=FLAT)
    with pytest.raises(EmbeddingError, match="at least 2"):
        assess(FLAT[:1])


def test_it_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        assess(FLAT).alpha = None  # type: ignore[misc]
