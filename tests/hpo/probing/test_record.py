"""One probe, one record."""

import json

import torch

from hpo.probing import (
    best_strength,
    few_shot_accuracies,
    knn_accuracy,
    probe,
    reported_accuracy,
    split_probe,
)
from tests.hpo.probing.made import CLASSES, noise, separable


def test_the_record_holds_every_kind_of_probe() -> None:
    features, split = separable(CLASSES) + 0.5 * noise(120), split_probe(CLASSES, seed=0)
    record = probe(features, CLASSES, split, seed=3)
    strength, accuracy = best_strength(features, CLASSES, split)
    few = few_shot_accuracies(features, CLASSES, split, seed=3)
    seconds = record.pop("seconds")
    assert 0 < seconds < 60
    assert record == {
        "cross_validated": accuracy,
        "reported": reported_accuracy(features, CLASSES, split, strength=strength),
        "n_reported": 60.0,
        "regularisation": strength,
        "knn": knn_accuracy(features, CLASSES, split),
        "few_shot_1": few[1],
        "few_shot_5": few[5],
        "few_shot_10": few[10],
    }
    assert json.loads(json.dumps(record)) == record


def test_the_choice_never_depends_on_what_is_only_reported() -> None:
    features, split = separable(CLASSES) + 0.5 * noise(120), split_probe(CLASSES, seed=0)
    spoiled = features.clone()
    spoiled[split.report] = torch.randn(60, 6, generator=torch.Generator().manual_seed(0))
    first, second = (probe(x, CLASSES, split, seed=0) for x in (features, spoiled))
    differing = {name for name in first if first[name] != second[name]}
    assert differing - {"seconds"} == {"reported"}


def test_a_single_class_to_fit_on_is_no_error() -> None:
    labels = torch.tensor([0] * 40 + [1])
    record = probe(separable(labels), labels, split_probe(labels, seed=0), seed=0)
    assert "few_shot_1" not in record
    assert 0 <= record["reported"] <= 1
