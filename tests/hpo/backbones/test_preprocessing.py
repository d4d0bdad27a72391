"""Pictures become what a backbone takes, as the data layer reads them."""

from pathlib import Path

import pytest
import torch
from PIL import Image

from hpo.backbones.preprocessing import Preprocess
from hpo.data import load_images
from hpo.embedding import Normalisation
from hpo.errors import DataError

COLOUR = Preprocess(size=16, channels=3, mean=(0.5, 0.25, 0.0), std=(0.5, 0.25, 1.0))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    generator = torch.Generator().manual_seed(0)
    for number, (height, width) in enumerate(((40, 30), (20, 50))):
        pixels = torch.randint(0, 256, (height, width, 3), generator=generator, dtype=torch.uint8)
        Image.fromarray(pixels.numpy()).save(tmp_path / f"{number}.png")
    return tmp_path


def test_files_give_the_images_that_a_study_reads(folder: Path) -> None:
    data = load_images(
        str(folder), image_size=16, data_root=None, with_labels=False, max_images=None, seed=0
    )
    expected = Normalisation(COLOUR.mean, COLOUR.std)(data.tensor().float() / 255.0)
    images = COLOUR(sorted(folder.glob("*.png")))
    assert images.shape == (2, 3, 16, 16)
    torch.testing.assert_close(images, expected)
    opened = [Image.open(path) for path in sorted(folder.glob("*.png"))]
    assert torch.equal(COLOUR(opened), images)
    assert torch.equal(COLOUR(folder / "0.png"), images[:1])


def test_it_normalises_pixels_that_are_tensors_already() -> None:
    pixels = torch.full((2, 3, 4, 4), 0.5)
    assert COLOUR.normalised(pixels)[0, :, 0, 0].tolist() == [0.0, 1.0, 0.5]
    assert pixels.max() == 0.5  # what is given stays as it is


def test_a_grey_backbone_gets_grey_pictures() -> None:
    grey = Preprocess(size=8, channels=1, mean=(0.0,), std=(1.0,))
    image = grey(Image.new("RGB", (8, 8), (255, 0, 0)))
    assert image.shape == (1, 1, 8, 8)
    assert image.max().item() == pytest.approx(76 / 255)


@pytest.mark.parametrize(
    ("pictures", "message"),
    [
        ([], "got none"),
        (torch.zeros(1, 3, 16, 16), "got a Tensor; wanted paths or Pillow's images"),
        (Image.new("I;16", (8, 8)), "mode I;16; wanted 8 bits"),
        ("nowhere.png", "nowhere.png cannot be read: No such file or directory. Leave it out"),
    ],
)
def test_what_is_no_picture_is_refused(pictures: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        COLOUR(pictures)
