"""Every file format and kind of pixel, through load_images."""

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from hpo.errors import DataError
from tests.hpo.data.helpers import LEFT, RIGHT, halves, load, write_pictures

WHITE = (255, 255, 255)


def colours(path: Path, **changed: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The colours that load_images sees in the middle of the left and of the right half."""
    image = load(path.parent, **changed).tensor()[0]
    return tuple(image[:, 8, 4].tolist()), tuple(image[:, 8, 12].tolist())


@pytest.mark.parametrize("suffix", [".png", ".tif", ".tiff", ".bmp", ".webp", ".PNG", ".Tiff"])
def test_lossless_rgb_is_read_to_the_byte(tmp_path: Path, suffix: str) -> None:
    options = {"lossless": True} if suffix == ".webp" else {}
    halves(LEFT, RIGHT).save(tmp_path / f"a{suffix}", **options)
    assert colours(tmp_path / "a") == (LEFT, RIGHT)


@pytest.mark.parametrize("suffix", [".jpg", ".jpeg", ".JPG", ".webp"])
def test_lossy_rgb_is_read_within_its_compression(tmp_path: Path, suffix: str) -> None:
    halves(LEFT, RIGHT).save(tmp_path / f"a{suffix}", quality=95)
    left, right = colours(tmp_path / "a")
    assert np.abs(np.array([left, right]) - np.array([LEFT, RIGHT])).max() <= 8


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".bmp"])
def test_grey_makes_one_channel(tmp_path: Path, suffix: str) -> None:
    halves(40, 220, "L").save(tmp_path / f"a{suffix}")
    assert colours(tmp_path / "a") == ((40,), (220,))


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".bmp"])
def test_one_bit_becomes_black_and_white(tmp_path: Path, suffix: str) -> None:
    halves(0, 1, "1").save(tmp_path / f"a{suffix}")
    assert colours(tmp_path / "a") == ((0,), (255,))


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp"])
def test_palette_is_looked_up(tmp_path: Path, suffix: str) -> None:
    image = halves(0, 1, "P")
    image.putpalette([*LEFT, *RIGHT])
    image.save(tmp_path / f"a{suffix}")
    assert colours(tmp_path / "a") == (LEFT, RIGHT)


@pytest.mark.parametrize("transparency", [1, b"\xff\x00"], ids=["one entry", "alpha table"])
def test_transparent_palette_entry_is_white(tmp_path: Path, transparency: int | bytes) -> None:
    image = halves(0, 1, "P")
    image.putpalette([*LEFT, *RIGHT])
    image.save(tmp_path / "a.png", transparency=transparency)
    assert colours(tmp_path / "a") == (LEFT, WHITE)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
def test_alpha_is_laid_on_white(tmp_path: Path, suffix: str) -> None:
    options = {"lossless": True, "exact": True} if suffix == ".webp" else {}
    halves((*LEFT, 255), (*RIGHT, 0), "RGBA").save(tmp_path / f"a{suffix}", **options)
    assert colours(tmp_path / "a") == (LEFT, WHITE)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_grey_with_half_transparent_black_is_mid_grey(tmp_path: Path, suffix: str) -> None:
    halves((60, 255), (0, 128), "LA").save(tmp_path / f"a{suffix}")
    left, right = colours(tmp_path / "a")
    assert left == (60,)
    assert right == (127,)


def test_transparent_grey_value_of_a_png_is_white(tmp_path: Path) -> None:
    halves(40, 220, "L").save(tmp_path / "a.png", transparency=40)
    assert colours(tmp_path / "a") == ((255,), (220,))


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_sixteen_bits_are_divided_by_256(tmp_path: Path, suffix: str) -> None:
    values = np.full((16, 16), 1000, dtype=np.uint16)
    values[:, 8:] = 65535
    Image.fromarray(values).save(tmp_path / f"a{suffix}")
    assert colours(tmp_path / "a") == ((1000 // 256,), (255,))


def test_big_endian_sixteen_bit_tiff(tmp_path: Path) -> None:
    values = np.full((16, 16), 1000, dtype=">u2")
    values[:, 8:] = 40000
    image = Image.frombytes("I;16B", (16, 16), values.tobytes())
    image.save(tmp_path / "a.tif")
    assert colours(tmp_path / "a") == ((1000 // 256,), (40000 // 256,))


def test_thirty_two_bit_tiff_within_sixteen_bits(tmp_path: Path) -> None:
    halves(512, 65535, "I").save(tmp_path / "a.tif")
    assert colours(tmp_path / "a") == ((2,), (255,))


@pytest.mark.parametrize(
    ("mode", "value", "reason"),
    [("I", 65536, "wanted 0 to 65535"), ("I", -1, "from -1"), ("F", 0.5, "no agreed range")],
)
def test_pixels_of_unknown_range_are_refused(
    tmp_path: Path, mode: str, value: float, reason: str
) -> None:
    Image.new(mode, (16, 16), value).save(tmp_path / "a.tif")
    with pytest.raises(DataError, match=reason):
        load(tmp_path)


@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
def test_cmyk_becomes_rgb(tmp_path: Path, suffix: str) -> None:
    halves((0, 255, 255, 0), (0, 0, 0, 0), "CMYK").save(tmp_path / f"a{suffix}", quality=100)
    left, right = colours(tmp_path / "a")
    assert np.abs(np.array(left) - (255, 0, 0)).max() <= 4
    assert right == WHITE


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp"])
def test_exif_orientation_turns_left_to_top(tmp_path: Path, suffix: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    options = {"lossless": True} if suffix == ".webp" else {}
    halves(20, 230, "L", width=32, height=24).convert("RGB").save(
        tmp_path / f"a{suffix}", exif=exif, **options
    )
    data = load(tmp_path)
    image = data.tensor()[0, 0].float()
    assert data.native_size == 24
    assert float(image[:4].mean()) == pytest.approx(20, abs=4)
    assert float(image[-4:].mean()) == pytest.approx(230, abs=4)


def test_rgb_files_with_equal_channels_are_grey(tmp_path: Path) -> None:
    halves((40, 40, 40), (220, 220, 220)).save(tmp_path / "a.png")
    assert colours(tmp_path / "a") == ((40,), (220,))


def test_one_coloured_picture_gives_all_three_channels(tmp_path: Path) -> None:
    halves(40, 220, "L").save(tmp_path / "a.png")
    halves(LEFT, RIGHT).save(tmp_path / "b.png")
    halves(0, 0, "L").save(tmp_path / "c.png")
    images = load(tmp_path).tensor()
    assert images.shape == (3, 3, 16, 16)
    assert images[0, :, 8, 4].tolist() == [40, 40, 40]
    assert tuple(images[1, :, 8, 4].tolist()) == LEFT
    assert not images[2].any()


def test_shorter_side_is_scaled_and_the_centre_cut_out(tmp_path: Path) -> None:
    # 96 x 32: white, with the middle 32 columns black. The centre square is exactly those.
    image = Image.new("L", (96, 32), 255)
    image.paste(0, (32, 0, 64, 32))
    image.save(tmp_path / "a.png")
    centre = load(tmp_path, image_size=16).tensor()[0, 0]
    assert centre.shape == (16, 16)
    assert int(centre[:, 1:-1].max()) == 0


def test_shrinking_is_antialiased(tmp_path: Path) -> None:
    # One-pixel stripes average to mid-grey; without antialiasing they would be black or white.
    stripes = np.zeros((64, 64), dtype=np.uint8)
    stripes[:, ::2] = 255
    Image.fromarray(stripes).save(tmp_path / "a.png")
    small = load(tmp_path, image_size=8).tensor()
    assert 110 < int(small.min()) <= int(small.max()) < 145


def test_a_large_jpeg_keeps_its_native_size_and_its_colours(tmp_path: Path) -> None:
    halves(LEFT, RIGHT, width=640, height=480).save(tmp_path / "a.jpg", quality=95)
    data = load(tmp_path)
    assert data.native_size == 480
    assert np.abs(np.array(data.tensor()[0, :, 8, 3].tolist()) - LEFT).max() <= 8


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


@pytest.mark.parametrize("side", [10_000, 30_000], ids=["Pillow warns", "Pillow raises"])
def test_a_decompression_bomb_is_unreadable(tmp_path: Path, side: int) -> None:
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(b""))
    write_pictures(tmp_path, 3)
    (tmp_path / "bomb.png").write_bytes(bomb)
    data = load(tmp_path, max_unreadable_share=0.5)
    assert len(data) == 3
    assert len(data.skipped) == 1
    assert "bomb.png: Image size" in data.skipped[0]
    assert "exceeds limit" in data.skipped[0]


def test_damaged_metadata_neither_warns_nor_costs_the_picture(tmp_path: Path) -> None:
    halves(LEFT, RIGHT).save(tmp_path / "a.png")
    content = (tmp_path / "a.png").read_bytes()
    at = content.index(b"IDAT") - 4
    animation_of_no_frames = _chunk(b"acTL", struct.pack(">II", 0, 0))
    (tmp_path / "a.png").write_bytes(content[:at] + animation_of_no_frames + content[at:])
    with pytest.warns(UserWarning, match="Invalid APNG"):
        Image.open(tmp_path / "a.png").close()
    assert colours(tmp_path / "a") == (LEFT, RIGHT)


@pytest.mark.parametrize(("suffix", "kind"), [(".jpg", "MPO"), (".tif", "TIFF"), (".webp", "WEBP")])
def test_of_several_frames_the_first_is_read(tmp_path: Path, suffix: str, kind: str) -> None:
    first, second = halves(40, 220, "L").convert("RGB"), halves(90, 90, "L").convert("RGB")
    options = {"lossless": True} if kind == "WEBP" else {}
    first.save(
        tmp_path / f"a{suffix}", format=kind, save_all=True, append_images=[second], **options
    )
    with Image.open(tmp_path / f"a{suffix}") as image:
        assert image.n_frames == 2
    assert colours(tmp_path / "a") == ((40,), (220,))


def test_a_file_is_read_by_its_content_but_only_in_the_formats_named(tmp_path: Path) -> None:
    halves(LEFT, RIGHT).save(tmp_path / "a.jpg", format="PNG")
    assert colours(tmp_path / "a") == (LEFT, RIGHT)
    halves(LEFT, RIGHT).save(tmp_path / "b.png", format="PPM")
    assert load(tmp_path, max_unreadable_share=0.5).skipped == (
        "b.png: not a PNG, JPEG, WebP, TIFF or BMP picture",
    )
