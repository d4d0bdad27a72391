"""What the tests of hpo.data share: a short call, and pictures whose pixels are known."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from hpo.data import ImageSet, load_images

LEFT = (200, 30, 60)
RIGHT = (10, 120, 250)


def load(source: Path | str, **changed: Any) -> ImageSet:
    arguments: dict[str, Any] = {
        "image_size": 16,
        "data_root": None,
        "with_labels": False,
        "max_images": None,
        "seed": 0,
    }
    return load_images(str(source), **(arguments | changed))


def halves(left: Any, right: Any, mode: str = "RGB", width: int = 16, height: int = 16) -> Any:
    """A picture whose left half has one colour and whose right half has another."""
    image = Image.new(mode, (width, height), left)
    image.paste(right, (width // 2, 0, width, height))
    return image


def noise(n_images: int, *shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n_images, *shape), dtype=np.uint8)


def write_pictures(folder: Path, n_images: int, *, size: int = 16, seed: int = 0) -> None:
    """Coloured PNG files 000.png, 001.png, …; every one different."""
    folder.mkdir(parents=True, exist_ok=True)
    for index, pixels in enumerate(noise(n_images, size, size, 3, seed=seed)):
        Image.fromarray(pixels).save(folder / f"{index:03}.png")


def write_truncated(path: Path) -> None:
    """A PNG file that ends in the middle of its pixels."""
    Image.fromarray(noise(1, 32, 32, 3, seed=1)[0]).save(path, format="PNG")
    path.write_bytes(path.read_bytes()[:1000])
