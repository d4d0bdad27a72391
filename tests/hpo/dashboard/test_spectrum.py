"""Spectra as they are recorded with a trial, and read again."""

import json
import math
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from hpo.dashboard.spectrum import SPECTRUM, cached_spectra, recorded_spectra, spectrum_record
from objectives import alpha_req
from tests.hpo.dashboard.made import power_law


def test_every_rank_of_the_fit_is_kept_and_few_of_the_others() -> None:
    record = spectrum_record(power_law(n=2048))
    (spectrum,) = recorded_spectra({f"{SPECTRUM}6": record, "rung/6": {"alpha_req": 1.0}})
    assert spectrum.ranks[:100] == tuple(range(1, 101))
    assert spectrum.ranks[-1] == spectrum.n_ranks == 2048
    assert 20 < len(spectrum.ranks) - 100 <= 32
    assert list(spectrum.ranks) == sorted(set(spectrum.ranks))
    assert all(
        value == pytest.approx(4.0 / rank, rel=1e-3)
        for rank, value in zip(spectrum.ranks, spectrum.eigenvalues, strict=True)
    )
    assert len(json.dumps(record)) < 2000  # it travels with every reading of the trials


@pytest.mark.parametrize("n", [1, 5, 100, 101, 128])
def test_a_short_spectrum_is_kept_whole_or_nearly(n: int) -> None:
    (spectrum,) = recorded_spectra({f"{SPECTRUM}6": spectrum_record(power_law(n=n))})
    assert spectrum.ranks[0] == 1
    assert spectrum.ranks[-1] == n
    assert math.isnan(spectrum.alpha)


def test_rungs_come_in_the_order_of_their_epochs() -> None:
    attrs = {f"{SPECTRUM}{epoch}": spectrum_record([1.0]) for epoch in (54, 6, 18)}
    assert [spectrum.epoch for spectrum in recorded_spectra(attrs)] == [6, 18, 54]


def test_kept_features_stand_in_where_nothing_was_recorded(tmp_path: Path) -> None:
    folder = tmp_path / "features"
    folder.mkdir()
    features = torch.randn(300, 64) * torch.arange(1, 65) ** -0.6
    for name in ("trial-0003-0006", "trial-0003-0054", "trial-0004-0054"):
        save_file({"features": features}, folder / f"{name}.safetensors")
    (folder / "trial-0003-0018.safetensors").write_bytes(b"damaged")
    (folder / "trial-0003-0002.77.partial").write_bytes(b"half")
    first, last = cached_spectra(tmp_path, 3)
    assert (first.epoch, last.epoch, last.images) == (6, 54, "probe")
    assert last.alpha == pytest.approx(alpha_req(features).alpha)
    assert last.eigenvalues[0] > last.eigenvalues[-1] > 0


def test_without_kept_features_there_are_none(tmp_path: Path) -> None:
    assert cached_spectra(tmp_path, 3) == []
