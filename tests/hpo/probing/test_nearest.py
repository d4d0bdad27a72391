"""The nearest-neighbour probe."""

import math

import numpy as np
import pytest
import torch
from sklearn.model_selection import StratifiedKFold

from hpo.probing import knn_accuracy, split_probe
from hpo.probing.nearest import n_neighbours
from tests.hpo.probing.made import CLASSES, noise, separable


def test_against_a_vote_counted_by_hand() -> None:
    features = separable(CLASSES) + 0.4 * noise(120)
    split = split_probe(CLASSES, seed=0)
    x = torch.nn.functional.normalize(features[split.fit].double(), dim=1)
    y = CLASSES[split.fit]
    scores = []
    for fit, held in StratifiedKFold(5, shuffle=True, random_state=0).split(x, y):
        nearest = (x[held] @ x[fit].T).topk(len(fit) // 4, dim=1).indices
        votes = torch.nn.functional.one_hot(y[fit][nearest], 4).sum(1)
        scores.append((votes.argmax(1) == y[held]).double().mean().item())
    assert knn_accuracy(features, CLASSES, split) == pytest.approx(np.mean(scores))
    assert 0.4 < np.mean(scores) < 1


def test_only_the_direction_of_a_feature_counts() -> None:
    features = separable(CLASSES) + 0.4 * noise(120)
    lengths = torch.linspace(0.01, 100, 120)[:, None]
    split = split_probe(CLASSES, seed=0)
    found = knn_accuracy(features, CLASSES, split)
    assert knn_accuracy(features * lengths, CLASSES, split) == pytest.approx(found, abs=0.02)


def test_the_reporting_part_is_never_looked_at() -> None:
    features, split = separable(CLASSES) + 0.4 * noise(120), split_probe(CLASSES, seed=0)
    spoiled = features.clone()
    spoiled[split.report] = 1e6
    assert knn_accuracy(spoiled, CLASSES, split) == knn_accuracy(features, CLASSES, split)


def test_no_more_vote_than_a_class_has_images() -> None:
    assert n_neighbours(np.arange(70) % 10) == 7
    assert n_neighbours(np.arange(9)) == 1
    assert n_neighbours(np.zeros(1000, dtype=np.int64)) == 20


def test_features_that_are_all_zero_are_no_error() -> None:
    split = split_probe(CLASSES, seed=0)
    assert 0 <= knn_accuracy(torch.zeros(120, 6), CLASSES, split) <= 1


def test_one_image_to_fit_on_says_nothing() -> None:
    labels = torch.tensor([0, 1])
    split = split_probe(labels, seed=0)
    assert math.isnan(knn_accuracy(separable(labels), labels, split))
