"""The linear probe sees labels fairly, and survives classes with next to no images."""

import math
import warnings

import numpy as np
import pytest
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from hpo.probing import (
    STRENGTHS,
    best_strength,
    reported_accuracy,
    split_probe,
)
from tests.hpo.probing.made import CLASSES, noise, separable


def both(features: Tensor, labels: Tensor, seed: int = 0) -> tuple[float, float]:
    split = split_probe(labels, seed=seed)
    strength, accuracy = best_strength(features, labels, split)
    return accuracy, reported_accuracy(features, labels, split, strength=strength)


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
    found = best_strength(features, CLASSES, split)
    spoiled, wrong = features.clone(), CLASSES.clone()
    spoiled[split.report] = 1e6
    wrong[split.report] = 0
    assert best_strength(spoiled, wrong, split) == found
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


# Strengths


def few_images_in_many_dimensions() -> tuple[Tensor, Tensor]:
    """Two directions of a hundred tell the classes apart; weak regularisation fits the rest."""
    generator = torch.Generator().manual_seed(3)
    labels = torch.arange(120) % 2
    features = torch.randn(120, 100, generator=generator)
    features[:, :2] += 1.2 * (labels[:, None] * 2.0 - 1.0)
    return features, labels


def test_the_strength_is_the_best_of_a_few_fitted_one_by_one() -> None:
    """Against scikit-learn's own classes, each fit from nothing."""
    features, labels = few_images_in_many_dimensions()
    split = split_probe(labels, seed=0)
    x, y = features.numpy()[split.fit], labels.numpy()[split.fit]
    means = []
    for strength in STRENGTHS:
        folds = StratifiedKFold(5, shuffle=True, random_state=0).split(x, y)
        probes = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=200))
        means.append(np.mean([probes.fit(x[a], y[a]).score(x[b], y[b]) for a, b in folds]))
    strength, accuracy = best_strength(features, labels, split)
    assert accuracy == pytest.approx(max(means), abs=1e-6)
    assert strength == STRENGTHS[int(np.argmax(means))]
    assert max(means) > min(means) + 0.05  # it does matter here


def test_of_equals_the_strongest_regularisation_is_taken() -> None:
    split = split_probe(CLASSES, seed=0)
    assert best_strength(separable(CLASSES), CLASSES, split, [1.0, 0.1]) == (0.1, 1.0)


def test_the_order_of_the_strengths_does_not_matter() -> None:
    features, labels = few_images_in_many_dimensions()
    split = split_probe(labels, seed=0)
    found = {best_strength(features, labels, split, s) for s in (STRENGTHS, STRENGTHS[::-1])}
    assert len(found) == 1


def test_the_report_is_of_the_strength_it_is_given() -> None:
    features, labels = few_images_in_many_dimensions()
    split = split_probe(labels, seed=0)
    strong, weak = (reported_accuracy(features, labels, split, strength=s) for s in (0.001, 10.0))
    assert strong != weak
