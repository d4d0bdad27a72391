"""Solarisation is Pillow's, with a probability."""

import torch
from lightly.transforms.solarize import RandomSolarization
from PIL import Image
from torch import Tensor
from torch.testing import assert_close

from hpo.views.solarisation import solarise_some


def test_every_level_is_solarised_as_by_lightly() -> None:
    levels = torch.arange(256, dtype=torch.uint8).view(16, 16)
    theirs = RandomSolarization(prob=1.0)(Image.fromarray(levels.numpy()))
    found = solarise_some(levels[None, None] / 255, 1.0, torch.full((1,), 0.999))
    pixels = torch.frombuffer(bytearray(theirs.tobytes()), dtype=torch.uint8).view(16, 16)
    assert_close(found[0, 0], pixels / 255, atol=1e-6, rtol=0)


def test_it_comes_with_its_probability(photos: Tensor) -> None:
    views = photos / 255
    draws = torch.linspace(0, 0.99, len(views))
    found = solarise_some(views, 0.2, draws)
    assert torch.equal((found != views).flatten(1).any(1), draws < 0.2)
    assert solarise_some(views, 0.0, draws) is views
