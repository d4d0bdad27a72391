"""Which images are measured, in which order, under which views."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils.data import (
    DataLoader,
    DistributedSampler,
    IterableDataset,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
)

from hpo.errors import ConfigError, DataError
from hpo.lightning_callback.images import MeasuringImages
from tests.hpo.lightning_callback.modules import Views, loader


def read(images: MeasuringImages, *of: int, **options: Any) -> tuple[Tensor, Tensor, list[Tensor]]:
    """Places, images and views of all batches."""
    batches = list(images.batches(*of, **options))
    places = torch.cat([batch.places for batch in batches])
    views = [torch.cat(views) for views in zip(*(batch.views for batch in batches), strict=True)]
    return places, torch.cat([batch.images for batch in batches]), views


@pytest.mark.parametrize(
    "options",
    [
        {"shuffle": True},
        {"drop_last": True},
        {"sampler": DistributedSampler(range(97), num_replicas=2, rank=1)},
        {"num_workers": 2},
        {"batch_size": 7},
    ],
    ids=["shuffled", "last dropped", "padded", "loaded by two", "batches of seven"],
)
def test_all_images_come_once_in_their_order_under_the_same_views(
    options: Any, small: Tensor
) -> None:
    plain = read(MeasuringImages(loader(small[:97])))
    other = read(MeasuringImages(loader(small[:97], **options)))
    assert other[0].tolist() == list(range(97))
    assert torch.equal(plain[1], other[1])
    assert all(torch.equal(*pair) for pair in zip(plain[2], other[2], strict=True))
    assert not torch.equal(plain[2][0], plain[2][1])


def test_processes_share_the_images_and_see_the_same_views(small: Tensor) -> None:
    images = MeasuringImages(loader(small[:97]))
    places, whole, _ = read(images)
    parts = [read(images, rank, 2) for rank in range(2)]
    assert [len(part[0]) for part in parts] == [49, 48]
    order = torch.cat([part[0] for part in parts]).argsort()
    assert torch.cat([part[0] for part in parts])[order].tolist() == places.tolist()
    assert torch.equal(torch.cat([part[1] for part in parts])[order], whole)


def test_an_iterable_is_read_as_it_is_and_shared_by_batches(small: Tensor) -> None:
    batches = [small[:32], small[32:64], small[64:96]]
    assert read(MeasuringImages(batches), 0, 2)[0].tolist() == [*range(32), *range(64, 96)]
    assert read(MeasuringImages(batches), 1, 2)[0].tolist() == list(range(32, 64))
    assert read(MeasuringImages(batches), at_most=40)[0].tolist() == list(range(64))

    class Stream(IterableDataset[Any]):
        def __iter__(self) -> Any:
            return iter(small[:40])

    assert len(read(MeasuringImages(DataLoader(Stream(), batch_size=16)))[0]) == 40


def test_a_transform_makes_each_images_own_views(small: Tensor) -> None:
    plain = DataLoader(TensorDataset(small[:20], torch.arange(20)), batch_size=8)

    def noisy(image: Tensor) -> Tensor:
        return image + torch.rand(1)

    images = MeasuringImages(plain, noisy, n_views=3)
    _, clean, views = read(images)
    assert len(views) == 3
    offsets = torch.stack([(view - clean).flatten(1)[:, 0] for view in views], dim=1)
    assert len(offsets.flatten().unique()) == 60
    assert all(torch.equal(*pair) for pair in zip(views, read(images)[2], strict=True))


def test_a_transform_may_give_several_views_as_lightlys_do(small: Tensor) -> None:
    plain = DataLoader(TensorDataset(small[:20]), batch_size=8)
    images = MeasuringImages(plain, lambda image: [image, image.flip(-1)], n_views=4)
    _, clean, views = read(images)
    assert [torch.equal(view, clean) for view in views] == [True, False, True, False]


def test_a_sampler_that_chooses_is_refused_and_a_subset_is_not(small: Tensor) -> None:
    sampler = SubsetRandomSampler(range(10))
    with pytest.raises(ConfigError, match=r"SubsetRandomSampler, which chooses .*Subset\("):
        MeasuringImages(loader(small, sampler=sampler))
    chosen = DataLoader(Subset(Views(small), range(10)), batch_size=4)
    assert len(read(MeasuringImages(chosen))[0]) == 10


def test_what_is_no_loader_and_no_view_is_refused(small: Tensor) -> None:
    with pytest.raises(ConfigError, match="loader: got int"):
        MeasuringImages(3)  # type: ignore[arg-type]
    plain = DataLoader(TensorDataset(small[:4]), batch_size=4)
    broken: Any = lambda image: "view"  # noqa: E731
    with pytest.raises(DataError, match="views: got str from the transform"):
        list(MeasuringImages(plain, broken).batches())
