"""The guarded α against a reference, and that it falls neither for noise nor for a collapse."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from objectives import alpha_req, view_retrieval
from objectives.errors import EmbeddingError, InvalidArgumentError
from objectives.guarded import gate
from objectives.guarded_alpha import guarded_alpha, guarded_alpha_score
from tests.objectives.builders import QUICK, gaussian, near_collapse, numpy64, signal_views

CLOSED = gate(moved=0.0)


def decaying(alpha: float, n: int, dim: int, seed: int) -> Tensor:
    """Return views of a spectrum that falls as a power, with a little noise between the two."""
    rng = np.random.default_rng(seed)
    scale = np.arange(1, dim + 1) ** (-alpha / 2)
    clean = rng.standard_normal((n, dim)) * scale
    noise = 0.05 * rng.standard_normal((2, n, dim)) * scale
    return torch.from_numpy(np.stack([clean + noise[0], clean + noise[1]], axis=1))


def reference_alpha(clean: NDArray[np.float64]) -> float:
    """Weighted least squares of ln λ on ln k over ranks 4 to 100, as in the authors' code."""
    spectrum = np.sort(np.linalg.eigvalsh(np.cov(clean.T, bias=True)))[::-1]
    ranks = np.arange(4, min(100, len(spectrum)) + 1)
    # numpy weighs residuals, not their squares.
    slope, _ = np.polyfit(np.log(ranks), np.log(spectrum[ranks - 1]), 1, w=ranks**-0.5)
    return float(-slope)


@QUICK
@given(seed=st.integers(0, 99), alpha=st.floats(0.3, 3.0))
def test_it_matches_the_reference(seed: int, alpha: float) -> None:
    views = decaying(alpha, 60, 16, seed)
    clean = views[:, 0]
    expected = math.log(reference_alpha(numpy64(clean)) * view_retrieval(views))
    assert guarded_alpha(clean, views) == pytest.approx(expected, abs=1e-6)


@QUICK
@given(alpha=st.floats(1e-3, 1e2), retrieval=st.floats(1e-4, 1.0))
def test_the_score_is_the_logarithm_of_the_product(alpha: float, retrieval: float) -> None:
    score = guarded_alpha_score(alpha, retrieval)
    assert score == pytest.approx(math.log(alpha * retrieval), abs=1e-9)
    assert guarded_alpha_score(1.01 * alpha, retrieval) > score
    assert guarded_alpha_score(alpha, 0.99 * retrieval) < score


def test_the_edges_of_the_score() -> None:
    assert guarded_alpha_score(2.0, 0.0) == guarded_alpha_score(0.0, 0.5) == -math.inf
    # The slope of a flat spectrum is 0 up to round-off, on either side.
    assert guarded_alpha_score(-1e-12, 0.5) == -math.inf
    for alpha, retrieval in [(math.nan, 0.5), (1.0, math.nan)]:
        assert math.isnan(guarded_alpha_score(alpha, retrieval))
    for alpha in (-1e-6, -3.0, math.inf):
        with pytest.raises(InvalidArgumentError, match=f"^alpha: got {alpha!r}, wanted a finite"):
            guarded_alpha_score(alpha, 0.5)
    with pytest.raises(InvalidArgumentError, match=r"^retrieval: got 1.5"):
        guarded_alpha_score(1.0, 1.5)


def test_a_flat_spectrum_is_worst() -> None:
    axes = torch.eye(8, dtype=torch.float64)
    clean = torch.cat([axes, -axes])
    assert guarded_alpha(clean, torch.stack([clean, clean], dim=1)) == -math.inf


def test_noise_that_fools_the_ranks_loses() -> None:
    noise = gaussian(300, 2, 32, seed=1)
    learned = signal_views(300, 2, 32, n_signal=8, ratio=30.0, seed=2)
    assert guarded_alpha(learned[:, 0], learned) > guarded_alpha(noise[:, 0], noise) + 1.0


def test_a_steep_spectrum_without_images_loses() -> None:
    """All variance in two directions: α alone calls it far better."""
    well = decaying(1.5, 200, 16, 0)
    thin = decaying(6.0, 200, 16, 0)
    thin = thin + 0.5 * gaussian(200, 2, 16, seed=3) * torch.tensor([1.0, 1.0] + [0.0] * 14)
    assert alpha_req(thin[:, 0]).alpha > 2 * alpha_req(well[:, 0]).alpha
    assert guarded_alpha(thin[:, 0], thin) < guarded_alpha(well[:, 0], well)


def test_a_near_collapse_loses_even_without_a_gate() -> None:
    alive, dead = decaying(1.0, 200, 16, 0), near_collapse(1e-3, 200, 2, 16)
    assert guarded_alpha(dead[:, 0], dead) < guarded_alpha(alive[:, 0], alive)


@pytest.mark.parametrize("bad", [torch.full((4, 2, 3), math.nan), torch.zeros(4, 2, 3)])
def test_a_closed_gate_is_worse_than_anything_whatever_the_inputs_hold(bad: Tensor) -> None:
    assert guarded_alpha(bad[:, 0], bad, verdict=CLOSED) == -math.inf


def test_an_open_gate_changes_nothing() -> None:
    views = decaying(1.0, 60, 16, 0)
    assert guarded_alpha(views[:, 0], views, verdict=gate()) == guarded_alpha(views[:, 0], views)


def test_two_layers_do_not_mix() -> None:
    with pytest.raises(EmbeddingError, match=r"got dim 8 and 4, .* at the backbone"):
        guarded_alpha(gaussian(30, 8), gaussian(20, 2, 4))


def test_the_range_of_ranks_is_passed_on() -> None:
    views = decaying(1.0, 60, 16, 0)
    narrow = guarded_alpha(views[:, 0], views, first_rank=1, last_rank=8)
    fit = alpha_req(views[:, 0], first_rank=1, last_rank=8)
    assert narrow == pytest.approx(math.log(fit.alpha * view_retrieval(views)))
    assert narrow != guarded_alpha(views[:, 0], views)
    with pytest.raises(InvalidArgumentError, match="rank"):
        guarded_alpha(views[:, 0], views, first_rank=9, last_rank=8)
