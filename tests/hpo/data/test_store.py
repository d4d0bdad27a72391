"""Stores in memory, and parts of stores."""

import numpy as np
import torch

from hpo.data.store import Selection, TensorStore, as_store, read_all
from tests.hpo.data.helpers import load, noise

IMAGES = torch.from_numpy(noise(10, 3, 8, 8))


def test_a_store_reads_copies() -> None:
    store = as_store(IMAGES)
    store.read(torch.tensor([1])).zero_()
    assert store.read(torch.tensor([1])).any()
    assert as_store(store) is store
    assert (len(store), store.shape, store.is_streamed) == (10, (10, 3, 8, 8), False)


def test_a_selection_is_renumbered() -> None:
    part = Selection(TensorStore(IMAGES), torch.tensor([8, 2, 5]))
    assert (len(part), part.shape, part.is_streamed) == (3, (3, 3, 8, 8), False)
    assert torch.equal(read_all(part), IMAGES[[8, 2, 5]])
    assert torch.equal(part.read(torch.tensor([1])), IMAGES[[2]])
    assert np.array_equal(np.asarray(part.picture(2)), IMAGES[5].permute(1, 2, 0).numpy())


def test_pictures_of_arrays_are_their_pixels() -> None:
    data = load("digits", image_size=8)
    picture = data.images.picture(3)
    assert picture.mode == "L"
    assert np.array_equal(np.asarray(picture), data.tensor()[3, 0].numpy())
