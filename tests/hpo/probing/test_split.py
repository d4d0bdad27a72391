"""The probe's images in two parts."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hpo.probing import split_probe
from tests.hpo.probing.made import CLASSES


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
