import dataclasses
import math
import pickle
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import objectives
from objectives import (
    MEASURES,
    EmbeddingError,
    ObjectivesError,
    UnknownMeasureError,
    get_measure,
    measure_names,
    zone_distance,
)
from tests.objectives.builders import QUICK


def test_names_are_sorted_and_are_the_functions_of_the_package() -> None:
    assert measure_names() == tuple(sorted(MEASURES))
    for name in measure_names():
        assert get_measure(name).name == name
        # The loss is read off the training; everything else is computed here.
        assert name == "ssl_loss" or callable(getattr(objectives, name))


FACTS = [
    ("alignment", "minimize", "minimize", True, "projector", 100),
    ("alpha_req", "closest_to_one", "minimize", False, "backbone", 129),
    ("covariance_rank", "maximize", "maximize", False, "backbone", 129),
    ("guarded_alpha", "maximize", "maximize", True, "backbone", 129),
    ("guarded_lidar", "maximize", "maximize", True, "backbone", 129),
    ("guarded_rank", "maximize", "maximize", True, "backbone", 129),
    ("idest", "minimize", "minimize", False, "backbone", 1000),
    ("lidar", "maximize", "maximize", True, "backbone", 129),
    ("lidar_noise_corrected", "maximize", "maximize", True, "backbone", 129),
    ("nesum", "maximize", "maximize", False, "backbone", 129),
    ("participation_ratio", "maximize", "maximize", False, "backbone", 129),
    ("rankme", "maximize", "maximize", False, "projector", 129),
    ("self_cluster", "minimize", "minimize", False, "backbone", 100),
    ("ssl_loss", "minimize", "minimize", False, "loss", 1),
    ("stable_rank", "maximize", "maximize", False, "backbone", 129),
    ("uniformity", "minimize", "minimize", False, "projector", 100),
    ("view_retrieval", "maximize", "maximize", True, "backbone", 100),
]


def test_every_measure_has_its_facts_here() -> None:
    assert tuple(facts[0] for facts in FACTS) == measure_names()


@pytest.mark.parametrize(
    ("name", "direction", "optimiser_direction", "needs_views", "layer", "fewest"), FACTS
)
def test_facts(
    name: str,
    direction: str,
    optimiser_direction: str,
    needs_views: bool,
    layer: str,
    fewest: int,
) -> None:
    measure = get_measure(name)
    assert measure.direction == direction
    assert measure.optimiser_direction == optimiser_direction
    assert measure.needs_views is needs_views
    assert measure.layer == layer
    assert measure.minimum_samples(128) == fewest
    assert measure.cost
    published = ("ICML", "NeurIPS", "ICLR", "EUSIPCO", "J. ACM", "bioRxiv", "arXiv")
    assert measure.source.startswith(("ours", "the baseline")) or any(
        venue in measure.source for venue in published
    )


@pytest.mark.parametrize("facts", FACTS, ids=lambda facts: facts[0])
def test_a_measure_that_needs_views_refuses_flat_embeddings(facts: tuple[Any, ...]) -> None:
    name, needs_views = facts[0], facts[3]
    if needs_views and not name.startswith("guarded"):
        with pytest.raises(EmbeddingError, match="n_images, n_views, dim"):
            getattr(objectives, name)(torch.randn(40, 8))


def test_maximised_measures_pass_their_value_on() -> None:
    assert get_measure("rankme").objective(12.5) == 12.5
    assert get_measure("lidar").objective(3.0) == 3.0


@pytest.mark.parametrize(("alpha", "seen"), [(1.0, 0.0), (1.5, 0.5), (0.25, 0.75), (-1.0, 2.0)])
def test_alpha_is_seen_as_its_distance_from_one(alpha: float, seen: float) -> None:
    assert get_measure("alpha_req").objective(alpha) == seen


@pytest.mark.parametrize("name", ["alpha_req", "lidar", "rankme"])
def test_nan_stays_nan(name: str) -> None:
    assert math.isnan(get_measure(name).objective(math.nan))


@QUICK
@given(st.lists(st.floats(-2, 4), min_size=2, max_size=8))
def test_distance_from_one_orders_as_zone_then_distance(alphas: list[float]) -> None:
    """The tie-break of metrics.md 2.2: (zone distance, |α − 1|) orders as |α − 1| alone."""
    objective = get_measure("alpha_req").objective
    by_one = sorted(alphas, key=objective)
    # Rounded: the two zone edges are floats, at 1 ± 0.2 only to the last bit.
    by_both = sorted(alphas, key=lambda a: (round(zone_distance(a), 12), objective(a)))
    assert [objective(a) for a in by_both] == pytest.approx(
        [objective(a) for a in by_one], abs=1e-11
    )


@pytest.mark.parametrize(
    ("asked", "nearest"),
    [("rank_me", "rankme"), ("RankMe", "rankme"), ("alpha-req", "alpha_req"), ("lida", "lidar")],
)
def test_an_unknown_name_is_answered_with_the_nearest(asked: str, nearest: str) -> None:
    with pytest.raises(UnknownMeasureError, match=f"did you mean '{nearest}'") as caught:
        get_measure(asked)
    assert caught.value.name == asked
    assert caught.value.known == measure_names()
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, ObjectivesError)


def test_a_name_like_no_other_gets_the_list() -> None:
    with pytest.raises(UnknownMeasureError, match=r"alignment, alpha_req, .*; use one of those"):
        get_measure("zzz")


def test_records_are_frozen_and_the_table_read_only() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        get_measure("rankme").name = "other"  # type: ignore[misc]
    with pytest.raises(TypeError, match="does not support item assignment"):
        MEASURES["rankme"] = get_measure("lidar")  # type: ignore[index]


def test_records_and_errors_survive_pickling() -> None:
    measure = get_measure("rankme")
    assert pickle.loads(pickle.dumps(measure)) == measure
    error = UnknownMeasureError("rank_me", measure_names(), "rankme")
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == str(error)
    assert again.nearest == "rankme"
