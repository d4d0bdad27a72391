"""What holds for every source: subsets, sizes, limits, names and fingerprints."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from hpo.errors import ConfigError, DataError, GoldilocksError
from tests.hpo.data.helpers import load, noise, write_pictures


@pytest.fixture(params=["folder", "npz"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Thirty coloured pictures of 16 x 16 pixels, in both forms."""
    if request.param == "folder":
        write_pictures(tmp_path / "photos", 30)
        return tmp_path / "photos"
    np.savez(tmp_path / "photos.npz", images=noise(30, 16, 16, 3))
    return tmp_path / "photos.npz"


def test_the_same_seed_chooses_the_same_images(source: Path) -> None:
    first, again, other = (load(source, max_images=10, seed=seed) for seed in (3, 3, 4))
    assert len(first) == 10
    assert first.fingerprint == again.fingerprint
    assert first.fingerprint != other.fingerprint


@pytest.mark.parametrize("max_images", [30, 31, None])
def test_no_subset_when_all_fit(source: Path, max_images: int | None) -> None:
    assert load(source, max_images=max_images).fingerprint == load(source, seed=7).fingerprint


def test_too_large_a_set_is_refused_with_numbers_before_it_is_decoded(source: Path) -> None:
    calls: list[Any] = []
    with pytest.raises(DataError) as caught:
        load(source, image_size=60_000, progress=lambda *call: calls.append(call))
    message = str(caught.value)
    assert "30 images" in message
    assert "60000 x 60000" in message
    assert "the limit is 8 GiB" in message
    assert "--max-images 0" not in message
    assert "--image-size" in message
    assert calls == []


def test_the_advice_of_the_memory_error_is_sound(tmp_path: Path) -> None:
    np.savez(tmp_path / "set.npz", images=noise(2, 8, 8, 1))
    with pytest.raises(
        DataError, match=r"2 images of 1 x 70000 .*--max-images 1 or --image-size"
    ) as e:
        load(tmp_path / "set.npz", image_size=70_000)
    size = int(str(e.value).rsplit(" ", 1)[1].rstrip("."))
    assert 2 * size**2 <= 8 * 2**30 < 2 * (size + 1) ** 2


def test_colour_is_counted_when_it_is_first_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hpo.data.sizing.MEMORY_LIMIT_BYTES", 10_000)
    write_pictures(tmp_path, 30)
    with pytest.raises(DataError, match="30 images of 3 x 16 x 16"):
        load(tmp_path)
    for path in tmp_path.iterdir():
        with Image.open(path) as image:
            image.convert("L").save(path)
    assert load(tmp_path).tensor().shape == (30, 1, 16, 16)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("image_size", 0),
        ("image_size", -8),
        ("max_images", 0),
        ("max_unreadable_share", -0.1),
        ("max_unreadable_share", 1.1),
        ("max_unreadable_share", float("nan")),
    ],
)
def test_impossible_numbers_are_named(source: Path, name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=f"{name}: got {value}"):
        load(source, **{name: value})


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("nowhere/photos", "There is no file or folder 'nowhere/photos': --data takes digits,"),
        ("digit", r"Did you mean digits\?"),
        ("cifar10", r"Did you mean torchvision:CIFAR10\?"),
        ("", "There is no file or folder ''"),
        ("missing.npz", "There is no file or folder 'missing.npz'"),
    ],
)
def test_unknown_sources(name: str, hint: str) -> None:
    with pytest.raises(DataError, match=hint):
        load(name)


def test_a_single_picture_is_no_source(tmp_path: Path) -> None:
    write_pictures(tmp_path, 1)
    with pytest.raises(DataError, match=r"single file, and no \.npz: --data takes"):
        load(tmp_path / "000.png")


def test_a_folder_called_digits_is_reached_by_its_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_pictures(tmp_path / "digits", 3)
    assert len(load("./digits")) == 3
    assert len(load("digits")) == 1797


def test_one_changed_pixel_changes_the_fingerprint(tmp_path: Path) -> None:
    images = noise(5, 16, 16, 3)
    np.savez(tmp_path / "before.npz", images=images)
    images[4, 15, 15, 2] ^= 1
    np.savez(tmp_path / "after.npz", images=images)
    before, after = load(tmp_path / "before.npz"), load(tmp_path / "after.npz")
    assert before.fingerprint != after.fingerprint
    assert load(tmp_path / "before.npz").fingerprint == before.fingerprint


def test_one_changed_label_changes_the_fingerprint_only_if_labels_are_read(tmp_path: Path) -> None:
    images = noise(4, 16, 16)
    np.savez(tmp_path / "before.npz", images=images, labels=np.array([0, 1, 0, 1]))
    np.savez(tmp_path / "after.npz", images=images, labels=np.array([0, 1, 1, 1]))
    paths = tmp_path / "before.npz", tmp_path / "after.npz"
    assert len({load(path, with_labels=True).fingerprint for path in paths}) == 2
    assert len({load(path).fingerprint for path in paths}) == 1


def test_data_errors_are_value_errors_of_this_package() -> None:
    with pytest.raises(ValueError, match="no file or folder") as caught:
        load("nowhere")
    assert isinstance(caught.value, GoldilocksError)


def test_importing_the_package_loads_no_image_library() -> None:
    heavy = ("PIL", "sklearn", "torchvision", "optuna", "ray", "lightly")
    code = (
        "import sys; import hpo.data; "
        f"print([name for name in {heavy} if name in sys.modules], 'hpo.data' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] True"
