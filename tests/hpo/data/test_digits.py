"""The digits that come with scikit-learn."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from tests.hpo.data.helpers import load


def test_all_digits_with_their_labels() -> None:
    data = load("digits", image_size=8, with_labels=True)
    assert data.images.shape == (1797, 1, 8, 8)
    assert (int(data.tensor().min()), int(data.tensor().max())) == (0, 255)
    assert data.class_names == tuple("0123456789")
    assert data.labels is not None
    assert np.array_equal(data.labels.numpy(), load_digits().target)
    assert data.native_size == 8
    assert data.source == "digits"


def test_values_are_scaled_by_255_over_16() -> None:
    images = load("digits", image_size=8).tensor()[:, 0].double()
    expected = torch.from_numpy(load_digits().images) * 255 / 16
    assert float((images - expected).abs().max()) <= 0.5


def test_automatic_size_is_16_and_labels_stay_away() -> None:
    data = load("digits", image_size=None)
    assert data.image_size == 16
    assert data.labels is None
    assert data.class_names == ()


def test_progress_ends_with_all() -> None:
    calls: list[tuple[int, int]] = []
    load("digits", progress=lambda *call: calls.append(call))
    assert calls[-1] == (1797, 1797)
    assert calls == sorted(calls)
    assert len(calls) > 3


@pytest.mark.parametrize("max_images", [1, 100])
def test_a_subset_of_the_digits(max_images: int) -> None:
    assert len(load("digits", max_images=max_images)) == max_images
