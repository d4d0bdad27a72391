"""Images in a mapped file: read-only, shared, held."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from hpo.data.mapped import MappedImages
from hpo.errors import DataError
from tests.hpo.data.helpers import LEFT, RIGHT, halves, load, write_pictures


@pytest.fixture
def images(tmp_path: Path) -> MappedImages:
    write_pictures(tmp_path / "photos", 12, size=24)
    data = load(tmp_path / "photos", cache_dir=tmp_path / "cache", cache_gib=1.0)
    assert isinstance(data.images, MappedImages)
    return data.images


def test_reading_gives_copies_that_may_be_written_to(images: MappedImages) -> None:
    positions = torch.tensor([3, 0, 3])
    before = images.read(positions)
    images.read(positions).zero_()
    assert before.any()
    assert torch.equal(images.read(positions), before)
    assert torch.equal(before[0], before[2])
    assert not images._pixels.flags.writeable


def test_another_process_gets_the_place_and_not_the_pixels(images: MappedImages) -> None:
    packed = pickle.dumps(images)
    assert len(packed) < 2000
    again = pickle.loads(packed)
    assert torch.equal(again.read(torch.arange(12)), images.read(torch.arange(12)))
    assert again.picture(5).size == (24, 24)


def test_a_picture_is_the_file_at_its_native_size(images: MappedImages, tmp_path: Path) -> None:
    with Image.open(tmp_path / "photos" / "007.png") as original:
        assert np.array_equal(np.asarray(images.picture(7)), np.asarray(original))


def test_a_picture_that_is_gone_is_named(images: MappedImages, tmp_path: Path) -> None:
    (tmp_path / "photos" / "007.png").unlink()
    with pytest.raises(DataError, match=r"007\.png cannot be read: No such file.*restore it"):
        images.picture(7)


@pytest.mark.parametrize("cache_gib", [0.0, 1.0, 1e-9])
def test_pictures_are_upright_and_in_the_colours_of_their_set(
    tmp_path: Path, cache_gib: float
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    halves(20, 230, "L", width=32, height=24).save(tmp_path / "grey.png", exif=exif)

    def picture() -> Image.Image:
        options = {"cache_dir": tmp_path / ".cache", "cache_gib": cache_gib}
        return load(tmp_path, **options).images.picture(0)

    assert (picture().mode, picture().size) == ("L", (24, 32))
    halves(LEFT, RIGHT).save(tmp_path / "rgb.png")
    assert (picture().mode, picture().size) == ("RGB", (24, 32))


def test_equal_channels_make_a_grey_picture(tmp_path: Path) -> None:
    halves((40, 40, 40), (220, 220, 220)).save(tmp_path / "a.png")
    data = load(tmp_path, cache_dir=tmp_path / ".cache", cache_gib=1.0)
    assert np.array_equal(np.asarray(data.images.picture(0)), data.tensor()[0, 0].numpy())


def test_an_entry_that_is_gone_cannot_be_opened(images: MappedImages, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        MappedImages(tmp_path / "nowhere", images.shape)
