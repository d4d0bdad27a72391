"""Features on disk: embedded once, and never taken for those of other images."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from hpo.errors import StorageError
from hpo.probing import FeatureCache, trial_backbone

IMAGES = torch.arange(5 * 16, dtype=torch.uint8).view(5, 1, 4, 4)
FEATURES = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
NAME = trial_backbone(3, 54)


class Embedding:
    """Counts how often it was asked."""

    def __init__(self, features: Tensor = FEATURES) -> None:
        self.features, self.calls = features, 0

    def __call__(self) -> Tensor:
        self.calls += 1
        return self.features


class Notes:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, text: str) -> None:
        self.lines.append(text)


def test_a_second_call_and_another_process_embed_nothing(tmp_path: Path) -> None:
    embed = Embedding()
    for _ in range(2):
        cache = FeatureCache(tmp_path, IMAGES, 3)
        assert torch.equal(cache.features(NAME, embed), FEATURES)
        assert torch.equal(cache.features(NAME, embed), FEATURES)
    assert embed.calls == 1
    assert [path.name for path in tmp_path.iterdir()] == ["trial-0003-0054.safetensors"]
    assert torch.equal(load_file(cache.path(NAME))["features"], FEATURES)


def test_each_backbone_has_its_own(tmp_path: Path) -> None:
    cache, embed = FeatureCache(tmp_path, IMAGES, 3), Embedding()
    for name in (NAME, trial_backbone(3, 18), trial_backbone(4, 54), "untrained"):
        cache.features(name, embed)
    assert embed.calls == 4


def test_features_of_other_images_are_not_taken(tmp_path: Path) -> None:
    FeatureCache(tmp_path, IMAGES, 3).features(NAME, Embedding())
    other = IMAGES.clone()
    other[4, 0, 3, 3] += 1
    notes, embed = Notes(), Embedding(FEATURES + 1)
    found = FeatureCache(tmp_path, other, 3, note=notes).features(NAME, embed)
    assert torch.equal(found, FEATURES + 1)
    assert len(notes.lines) == 1
    assert "features of other images" in notes.lines[0]
    # The same bytes as pictures of another shape are other images too.
    embed = Embedding()
    FeatureCache(tmp_path, other.view(5, 1, 2, 8), 3).features(NAME, embed)
    assert embed.calls == 1


def damage(path: Path, how: str) -> None:
    content = path.read_bytes()
    if how == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "noise":
        path.write_bytes(bytes(range(256)))
    elif how == "other tensor":
        save_file({"weights": FEATURES}, path)
    elif how == "width":
        FeatureCache(path.parent, IMAGES, 7).features(NAME, Embedding(torch.ones(5, 7)))
    elif how == "type":
        path.unlink()
        FeatureCache(path.parent, IMAGES, 3).features(NAME, Embedding(FEATURES.double()))


@pytest.mark.parametrize("how", ["cut", "empty", "noise", "other tensor", "width", "type"])
def test_a_damaged_file_is_computed_again_with_a_note(tmp_path: Path, how: str) -> None:
    notes = Notes()
    cache = FeatureCache(tmp_path, IMAGES, 3, note=notes)
    cache.features(NAME, Embedding())
    damage(cache.path(NAME), how)
    embed = Embedding()
    assert torch.equal(cache.features(NAME, embed), FEATURES)
    assert embed.calls == 1
    assert len(notes.lines) == 1
    assert notes.lines[0].startswith(f"{cache.path(NAME)}: not used (")
    assert torch.equal(cache.features(NAME, embed), FEATURES)
    assert embed.calls == 1


@pytest.mark.parametrize("how", ["cut", "empty", "noise", "other tensor", "width", "type"])
def test_what_is_kept_is_whole_or_nothing_with_a_note(tmp_path: Path, how: str) -> None:
    notes = Notes()
    cache = FeatureCache(tmp_path, IMAGES, 3, note=notes)
    assert cache.kept(NAME) is None
    assert notes.lines == []
    cache.features(NAME, Embedding())
    found = cache.kept(NAME)
    assert found is not None
    assert torch.equal(found, FEATURES)
    assert notes.lines == []
    damage(cache.path(NAME), how)
    assert cache.kept(NAME) is None
    assert len(notes.lines) == 1
    assert notes.lines[0].startswith(f"{cache.path(NAME)}: not used (")


def test_a_failed_write_leaves_what_was_there_and_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = FeatureCache(tmp_path, IMAGES, 3)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StorageError, match=r"could not be written \(No space left.* Free disk"):
        cache.features(NAME, Embedding())
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "features").write_text("a file")
    with pytest.raises(StorageError, match="could not be written"):
        FeatureCache(tmp_path / "features", IMAGES, 3).features(NAME, Embedding())


def test_views_of_other_tensors_are_kept_as_they_are(tmp_path: Path) -> None:
    """Not contiguous, as a slice of a larger embedding."""
    wide = torch.randn(5, 6)
    cache = FeatureCache(tmp_path, IMAGES, 3)
    cache.features(NAME, Embedding(wide[:, ::2]))
    assert torch.equal(cache.features(NAME, Embedding()), wide[:, ::2])
