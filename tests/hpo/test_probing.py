"""Probes see labels fairly, and survive classes with next to no images."""

import math
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from hpo.probing import cross_validated_accuracy, reported_accuracy, split_probe

CLASSES = torch.arange(120) % 4


def separable(labels: Tensor, dim: int = 6, seed: int = 0) -> Tensor:
    """Features in which every class has a direction of its own."""
    generator = torch.Generator().manual_seed(seed)
    noise = 0.1 * torch.randn(len(labels), dim, generator=generator)
    return noise + torch.eye(dim)[labels]


def noise(n: int, dim: int = 6) -> Tensor:
    return torch.randn(n, dim, generator=torch.Generator().manual_seed(1))


def both(features: Tensor, labels: Tensor, seed: int = 0) -> tuple[float, float]:
    split = split_probe(labels, seed=seed)
    return (
        cross_validated_accuracy(features, labels, split),
        reported_accuracy(features, labels, split),
    )


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 5), min_size=2, max_size=80), st.integers(0, 9))
def test_the_parts_are_disjoint_and_cover_everything(classes: list[int], seed: int) -> None:
    labels = torch.tensor(classes)
    split = split_probe(labels, seed=seed)
    together = np.concatenate([split.fit, split.report])
    assert sorted(together.tolist()) == list(range(len(classes)))
    assert len(split.fit) > 0
    assert len(split.report) > 0
    again = split_probe(labels, seed=seed)
    assert np.array_equal(split.report, again.report)


def test_every_class_is_in_both_parts_in_proportion() -> None:
    labels = torch.tensor([0] * 100 + [1] * 50 + [2] * 10)
    split = split_probe(labels, seed=0)
    counts = labels[split.report].bincount()
    assert counts.tolist() == [50, 25, 5]


def test_one_rare_class_does_not_spoil_the_proportions_of_the_others() -> None:
    labels = torch.tensor([0] * 100 + [1] * 20 + [2])
    for seed in range(5):
        split = split_probe(labels, seed=seed)
        assert labels[split.report].bincount(minlength=3).tolist() == [50, 10, 0]


def test_the_seed_decides() -> None:
    one, other = (split_probe(CLASSES, seed=seed) for seed in (0, 1))
    assert not np.array_equal(one.report, other.report)


def test_separable_classes_are_told_apart() -> None:
    assert both(separable(CLASSES), CLASSES) == (1.0, 1.0)


def test_random_labels_stay_near_chance() -> None:
    labels = torch.randint(0, 4, (400,), generator=torch.Generator().manual_seed(0))
    for accuracy in both(noise(400), labels):
        assert abs(accuracy - 0.25) < 0.1


def test_the_scale_and_place_of_a_feature_do_not_matter() -> None:
    features = separable(CLASSES) + 0.5 * noise(120)
    scales = torch.tensor([1e-4, 1.0, 1e4, 3.0, 0.1, 50.0])
    moved = features * scales + 7 * scales
    assert both(moved, CLASSES) == pytest.approx(both(features, CLASSES), abs=0.01)
    assert 0.5 < both(features, CLASSES)[0] < 1


def test_a_constant_feature_does_no_harm() -> None:
    features = torch.cat([separable(CLASSES), torch.full((120, 1), 3.0)], dim=1)
    assert both(features, CLASSES) == (1.0, 1.0)


def test_the_reporting_part_is_never_fitted_on() -> None:
    """Its features and its labels may be anything: cross-validation does not see them."""
    features, split = separable(CLASSES) + 0.5 * noise(120), split_probe(CLASSES, seed=0)
    found = cross_validated_accuracy(features, CLASSES, split)
    spoiled, wrong = features.clone(), CLASSES.clone()
    spoiled[split.report] = 1e6
    wrong[split.report] = 0
    assert cross_validated_accuracy(spoiled, wrong, split) == found
    # And the report is of a probe that never saw them: wrong labels there are all missed.
    clean = separable(CLASSES)
    wrong[split.report] = (CLASSES[split.report] + 1) % 4
    assert reported_accuracy(clean, CLASSES, split) == 1.0
    assert reported_accuracy(clean, wrong, split) == 0.0


def test_results_repeat() -> None:
    features = separable(CLASSES) + 0.5 * noise(120)
    first = both(features, CLASSES)
    np.random.seed(5)  # noqa: NPY002 - scikit-learn's own global source
    assert both(features, CLASSES) == first


@pytest.mark.parametrize(
    "classes",
    [
        [0] * 40 + [1],
        [0] * 40 + [1] * 40 + [2],
        [0] * 40 + [1] * 2,
        [0] * 30 + [5],
        [0, 1],
        [0, 0, 1],
        [0, 0, 1, 1],
        list(range(12)),
        [0, 0, *range(1, 12)],
    ],
)
def test_rare_classes_do_not_crash(classes: list[int]) -> None:
    labels = torch.tensor(classes)
    for seed in range(4):
        cross_validated, reported = both(separable(labels, dim=12), labels, seed=seed)
        assert 0 <= reported <= 1
        if len(classes) > 2:
            assert 0 <= cross_validated <= 1
        else:
            assert math.isnan(cross_validated)


def test_a_common_class_and_a_single_image_of_another() -> None:
    labels = torch.tensor([0] * 40 + [1])
    cross_validated, reported = both(separable(labels), labels)
    assert cross_validated > 0.95
    assert reported == 1.0


def test_unfinished_fits_are_not_complained_about() -> None:
    generator = torch.Generator().manual_seed(1)
    z = torch.randn(4500, 100, generator=generator)
    labels = (z[:, -5:].sum(dim=1) > 0).long() + 2 * (z[:, -3] > 0)
    # What tells the classes apart is next to invisible, so a fit takes more than its steps.
    mixed = torch.linalg.qr(torch.randn(100, 100, generator=generator)).Q
    features = (z * torch.logspace(0, -4, 100)) @ mixed
    split = split_probe(labels, seed=0, report_share=0.3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        reported_accuracy(features, labels, split)
    scaled = StandardScaler().fit_transform(features.numpy()[split.fit])
    with pytest.warns(ConvergenceWarning):
        LogisticRegression(max_iter=200).fit(scaled, labels.numpy()[split.fit])
