"""The same pixels for all, each network's own channels and normalisation."""

import pytest
import torch

from hpo.embedding import Normalisation
from hpo.errors import ConfigError
from hpo.rank.fitted_input import IMAGENET, normalisation_for, parse_normalize, with_channels

GREY = torch.randint(0, 256, (8, 1, 4, 4), dtype=torch.uint8)


def test_colour_becomes_brightness_as_pillow_makes_it() -> None:
    from PIL import Image

    pixels = torch.randint(0, 256, (3, 5, 5), dtype=torch.uint8)
    picture = Image.fromarray(pixels.permute(1, 2, 0).numpy()).convert("L")
    expected = torch.tensor(list(picture.tobytes())).view(5, 5)
    found = with_channels(pixels[None].float(), 1)[0, 0]
    assert (found - expected).abs().max() <= 1


@pytest.mark.parametrize(
    ("text", "channels", "name", "mean"),
    [
        (None, 3, "imagenet", IMAGENET.mean),
        ("imagenet", 3, "imagenet", IMAGENET.mean),
        ("none", 3, "none", (0.0, 0.0, 0.0)),
        ("0.5/0.25", 3, "given", (0.5, 0.5, 0.5)),
        ("0.1,0.2,0.3/1,1,1", 3, "given", (0.1, 0.2, 0.3)),
        (None, 1, "data", Normalisation.of(GREY).mean),
        ("data", 3, "data", Normalisation.of(GREY).mean * 3),
    ],
)
def test_the_normalisation_that_is_asked_for(
    text: str | None, channels: int, name: str, mean: tuple[float, ...]
) -> None:
    found, said = normalisation_for(parse_normalize(text), channels, GREY)
    assert said == name
    assert found.mean == pytest.approx(mean)


@pytest.mark.parametrize("text", ["x", "0.5", "0.5/0", "0.5,0.5/1,1", "0.5/1/2", "nan/1", "0.5/-1"])
def test_what_is_no_normalisation_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"normalize: got .* wanted imagenet, data, none"):
        parse_normalize(text)


def test_a_normalisation_of_other_channels_is_refused() -> None:
    with pytest.raises(ConfigError, match="normalize: got 3 channels for a network that takes 1"):
        normalisation_for("imagenet", 1, GREY)
