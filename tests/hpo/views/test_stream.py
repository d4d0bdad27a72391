"""Streams give the same epoch whenever it is asked for, from memory as from a disk."""

import threading

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from hpo.data.store import TensorStore
from hpo.embedding import Normalisation
from hpo.views import ViewRecipe, random_views
from hpo.views.stream import BatchedViews, ViewStream, epoch_order, epoch_seed, open_stream

CPU = torch.device("cpu")
RECIPES = [ViewRecipe(), ViewRecipe(), ViewRecipe(size=4, max_scale=0.5)]


class Disk(TensorStore):
    """Images that are read in another thread, and can fail."""

    is_streamed = True
    fails_at = 10**6
    n_reads = 0

    def read(self, positions: Tensor) -> Tensor:
        assert threading.current_thread() is not threading.main_thread()
        self.n_reads += 1
        if self.n_reads > self.fails_at:
            raise OSError("no such image any more")
        return super().read(positions)


def stream_of(store: TensorStore, *, seed: int = 0, batch_size: int = 50) -> ViewStream:
    normalisation = Normalisation((0.3,), (0.4,))
    return open_stream(
        "batched", store, RECIPES, normalisation, batch_size=batch_size, seed=seed, device=CPU
    )


def listed(stream: ViewStream, epoch: int) -> list[Tensor]:
    return [view for views in stream.epoch(epoch) for view in views]


def test_an_epoch_is_normalised_views_of_every_image_but_an_incomplete_batch(
    digits: Tensor,
) -> None:
    stream = stream_of(TensorStore(digits))
    assert isinstance(stream, BatchedViews)
    batches = list(stream.epoch(2))
    assert [[tuple(v.shape) for v in views] for views in batches] == [
        [(50, 1, 8, 8), (50, 1, 8, 8), (50, 1, 4, 4)]
    ] * 3
    order = epoch_order(160, 0, 2)
    assert order.sort().values.tolist() == list(range(160))
    generator = torch.Generator().manual_seed(epoch_seed(0, 2) + 1)
    expected = (random_views(digits[order[:50]], RECIPES[0], generator) - 0.3) / 0.4
    assert_close(batches[0][0], expected)


def test_epochs_are_repeatable_and_differ(digits: Tensor) -> None:
    stream = stream_of(TensorStore(digits))
    first = listed(stream, 0)
    assert_close(listed(stream_of(TensorStore(digits)), 0), first, atol=0, rtol=0)
    assert not torch.equal(listed(stream, 1)[0], first[0])
    assert not torch.equal(listed(stream_of(TensorStore(digits), seed=1), 0)[0], first[0])


def n_reading() -> int:
    """Threads that read ahead, whatever threads other tests of this process have left."""
    return sum(thread.name.startswith("views") for thread in threading.enumerate())


def test_a_disk_gives_the_same_views(digits: Tensor) -> None:
    found = listed(stream_of(Disk(digits)), 1)
    assert_close(found, listed(stream_of(TensorStore(digits)), 1), atol=0, rtol=0)
    assert n_reading() == 0


def test_an_error_of_the_disk_arrives_in_the_training(digits: Tensor) -> None:
    store = Disk(digits)
    store.fails_at = 2
    batches = stream_of(store).epoch(0)
    next(batches), next(batches)
    with pytest.raises(OSError, match="no such image any more"):
        next(batches)
    assert n_reading() == 0


def test_leaving_an_epoch_early_ends_the_reading(digits: Tensor) -> None:
    store = Disk(digits)
    batches = stream_of(store, batch_size=10).epoch(0)
    next(batches)
    assert n_reading() == 1
    batches.close()
    assert n_reading() == 0
    assert store.n_reads <= 4
