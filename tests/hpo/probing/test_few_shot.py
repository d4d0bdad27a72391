"""The few-shot probe."""

import numpy as np
import pytest
import torch

from hpo.probing import few_shot_accuracies, split_probe
from hpo.probing.few_shot import _draw
from tests.hpo.probing.made import CLASSES, noise, separable


def test_more_labels_are_worth_more_and_all_sizes_are_there_where_there_are_enough() -> None:
    features = separable(CLASSES) + 0.5 * noise(120)
    found = few_shot_accuracies(features, CLASSES, split_probe(CLASSES, seed=0), seed=0)
    assert list(found) == [1, 5, 10]
    assert 0.25 < found[1] < found[5] < found[10] < 1


def test_separable_classes_need_one_label_each() -> None:
    found = few_shot_accuracies(separable(CLASSES), CLASSES, split_probe(CLASSES, seed=0), seed=0)
    assert found[1] > 0.9


def test_sizes_that_leave_nothing_to_test_a_class_on_are_left_out() -> None:
    labels = torch.arange(24) % 2  # six of each to fit on
    split = split_probe(labels, seed=0)
    assert list(few_shot_accuracies(separable(labels), labels, split, seed=0)) == [1, 5]
    labels = torch.arange(20) % 2  # five of each
    split = split_probe(labels, seed=0)
    assert list(few_shot_accuracies(separable(labels), labels, split, seed=0)) == [1]


@pytest.mark.parametrize("classes", [[0, 1], [0] * 8, [0] * 20 + [1], list(range(9))])
def test_where_a_class_has_but_one_image_there_is_nothing(classes: list[int]) -> None:
    labels = torch.tensor(classes)
    split = split_probe(labels, seed=0)
    assert few_shot_accuracies(separable(labels, dim=12), labels, split, seed=0) == {}


def test_the_seed_decides_who_is_drawn_and_the_features_do_not() -> None:
    features = separable(CLASSES) + 0.5 * noise(120)
    split = split_probe(CLASSES, seed=0)
    first = few_shot_accuracies(features, CLASSES, split, seed=0)
    np.random.seed(5)  # noqa: NPY002 - scikit-learn's own global source
    assert few_shot_accuracies(features, CLASSES, split, seed=0) == first
    assert few_shot_accuracies(features, CLASSES, split, seed=1) != first


def test_as_many_are_drawn_of_each_class_and_none_twice() -> None:
    y = np.repeat(np.arange(4), [6, 7, 20, 9])
    drawn = _draw(y, 5, np.random.default_rng(0))
    assert len(set(drawn.tolist())) == 20
    assert np.bincount(y[drawn]).tolist() == [5, 5, 5, 5]


def test_the_reporting_part_is_never_looked_at() -> None:
    features, split = separable(CLASSES) + 0.5 * noise(120), split_probe(CLASSES, seed=0)
    spoiled, wrong = features.clone(), CLASSES.clone()
    spoiled[split.report], wrong[split.report] = 1e6, 0
    found = few_shot_accuracies(features, CLASSES, split, seed=0)
    assert few_shot_accuracies(spoiled, wrong, split, seed=0) == found
