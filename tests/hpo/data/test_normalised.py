"""What a study makes of stores: normalisation, parts, and the cache it was told to use."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from hpo.data.mapped import MappedImages
from hpo.data.store import ImageStore, Selection
from hpo.data.streamed import StreamedImages
from hpo.embedding import Normalisation
from hpo.workload import Workload, prepare
from tests.hpo.data.helpers import load, write_pictures
from tests.hpo.studies import tiny


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images") / "photos"
    write_pictures(folder, 600, size=16)
    return folder


def by_hand(images: Tensor) -> tuple[list[float], list[float]]:
    values = images.double() / 255
    return (
        values.mean(dim=(0, 2, 3)).tolist(),
        values.std(dim=(0, 2, 3), correction=0).tolist(),
    )


@pytest.mark.parametrize("cache_gib", [0.0, 1.0])
def test_a_part_is_normalised_exactly_wherever_it_is_kept(photos: Path, cache_gib: float) -> None:
    data = load(photos, cache_gib=cache_gib, cache_dir=photos.parent / "cache")
    part = torch.arange(0, 600, 2)
    found = Normalisation.of(Selection(data.images, part))
    mean, std = by_hand(data.tensor()[part])
    assert found.mean == pytest.approx(mean, abs=1e-6)
    assert found.std == pytest.approx(std, abs=1e-6)
    assert found.n_sampled == 0
    assert found == Normalisation.of(data.tensor()[part])


def test_of_streamed_images_a_fixed_sample_is_looked_at(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = load(photos, cache_gib=1e-9, cache_dir=photos.parent / "cache")
    monkeypatch.setattr("hpo.embedding.SAMPLED_IMAGES", 50)
    read: list[Tensor] = []
    plain_read = StreamedImages.read

    def watched(self: StreamedImages, positions: Tensor) -> Tensor:
        read.append(positions)
        return plain_read(self, positions)

    monkeypatch.setattr(StreamedImages, "read", watched)
    found = Normalisation.of(data.images)
    looked_at = torch.cat(read)
    assert len(looked_at) == len(looked_at.unique()) == found.n_sampled == 50
    assert int(looked_at.max()) > 300, "not a sample of the whole"
    mean, std = by_hand(load(photos).tensor()[looked_at])
    assert found.mean == pytest.approx(mean, abs=1e-6)
    assert found.std == pytest.approx(std, abs=1e-6)
    assert Normalisation.of(data.images) == found
    monkeypatch.setattr("hpo.embedding.SAMPLED_IMAGES", 10_000)
    assert Normalisation.of(data.images).n_sampled == 600


def prepared(tmp_path: Path, photos: Path, cache_gib: float) -> Workload:
    return prepare(
        tiny(
            tmp_path / "study",
            data=str(photos),
            cache_dir=photos.parent / "cache",
            cache_gib=cache_gib,
        )
    )


def store_of(workload: Workload) -> ImageStore:
    assert isinstance(workload.train, Selection)
    return workload.train.store


def test_a_study_is_the_same_with_and_without_a_cache(photos: Path, tmp_path: Path) -> None:
    cached, plain = (prepared(tmp_path, photos, cache_gib) for cache_gib in (1.0, 0.0))
    assert isinstance(store_of(cached), MappedImages)
    assert cached.identity == plain.identity
    assert torch.equal(cached.gauge.images, plain.gauge.images)
    positions = torch.arange(len(plain.train))
    assert torch.equal(cached.train.read(positions), plain.train.read(positions))


def test_a_streamed_study_is_another_one_and_says_so(photos: Path, tmp_path: Path) -> None:
    notes: list[str] = []
    config = tiny(
        tmp_path / "study", data=str(photos), cache_dir=photos.parent / "cache", cache_gib=1e-9
    )
    workload = prepare(config, note=notes.append)
    assert store_of(workload).is_streamed
    assert "streamed" in notes[0]
    assert workload.identity != prepared(tmp_path, photos, 1.0).identity
    assert workload.normalisation.n_sampled == len(workload.train)
