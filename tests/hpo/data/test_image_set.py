"""The record that every other part reads."""

import pytest
import torch

from hpo.data import ImageSet
from hpo.errors import DataError

IMAGES = torch.arange(3 * 3 * 4 * 4, dtype=torch.uint8).reshape(3, 3, 4, 4)


def test_facts_are_read_off_the_tensors() -> None:
    data = ImageSet.from_tensors(IMAGES, torch.tensor([0, -1, 2]))
    assert len(data) == 3
    assert (data.channels, data.image_size, data.native_size) == (3, 4, 4)
    assert data.class_names == ("0", "1", "2")
    assert len(data.fingerprint) == 64


def test_the_shape_belongs_to_the_fingerprint() -> None:
    flat = torch.zeros(64, dtype=torch.uint8)
    fingerprints = {
        ImageSet.from_tensors(flat.reshape(shape)).fingerprint
        for shape in ((1, 1, 8, 8), (4, 1, 4, 4), (16, 1, 2, 2))
    }
    assert len(fingerprints) == 3


@pytest.mark.parametrize(
    "images",
    [
        IMAGES.float(),
        IMAGES[0],
        IMAGES[:, :2],
        IMAGES[..., :3],
        IMAGES[:0],
    ],
    ids=["float", "one image", "two channels", "not square", "none"],
)
def test_images_of_the_wrong_kind(images: torch.Tensor) -> None:
    with pytest.raises(DataError, match=r"images: got .* wanted torch\.uint8"):
        ImageSet.from_tensors(images)


@pytest.mark.parametrize(
    "labels",
    [
        torch.tensor([0, 1]),
        torch.tensor([0, 1, 1], dtype=torch.int32),
        torch.tensor([0, 1, -2]),
        torch.tensor([0, 1, 2]),
    ],
    ids=["too few", "int32", "below -1", "no such class"],
)
def test_labels_of_the_wrong_kind(labels: torch.Tensor) -> None:
    with pytest.raises(DataError, match="labels: got"):
        ImageSet.from_tensors(IMAGES, labels, class_names=("cat", "dog"))
