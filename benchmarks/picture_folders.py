"""Images to time with, made from what is at hand: arrays of small ones, a folder of larger PNGs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from hpo.data.idx import read_idx

FASHION = Path("/usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz")


def small_images(name: str) -> NDArray[np.uint8]:
    """Return scikit-learn's digits (16 x 16) or Fashion-MNIST (28 x 28), grey."""
    if name == "fashion":
        return read_idx(FASHION, 3)
    from sklearn.datasets import load_digits

    grey = (load_digits().images * 255 / 16).round().astype(np.uint8)
    return np.stack([np.asarray(Image.fromarray(image).resize((16, 16))) for image in grey])


def write_arrays(folder: Path, name: str) -> Path:
    """Write small images as one array file."""
    file = folder / f"{name}.npz"
    np.savez(file, images=small_images(name))
    return file


def write_folder(folder: Path, n_images: int) -> Path:
    """Write coloured PNGs of 300 x 300: a garment on a blurred, noisy ground, as photographs have.

    Their size on disk, 100 to 200 kB each, is that of photographs of this size.
    """
    pictures = folder / "pictures"
    pictures.mkdir()
    garments = small_images("fashion")
    for index in range(n_images):
        rng = np.random.default_rng(index)
        ground = Image.fromarray(rng.integers(0, 256, (12, 12, 3), dtype=np.uint8))
        picture = ground.resize((300, 300), Image.Resampling.BICUBIC)
        garment = Image.fromarray(garments[index % len(garments)]).resize((224, 224))
        colour = tuple(int(c) for c in rng.integers(40, 256, 3))
        picture.paste(Image.new("RGB", (224, 224), colour), (38, 38), garment)
        grain = rng.normal(0, 6, (300, 300, 3))
        noisy = np.clip(np.asarray(picture.filter(ImageFilter.GaussianBlur(1))) + grain, 0, 255)
        Image.fromarray(noisy.astype(np.uint8)).save(pictures / f"{index:05d}.png")
    return pictures
