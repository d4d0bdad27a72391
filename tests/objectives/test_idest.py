"""IdEst against Algorithm 1 of Mordacq et al., ICML 2026, and shapes of known dimension."""

import dataclasses
import math
import re

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.cluster.hierarchy import single
from scipy.spatial.distance import pdist
from torch import Tensor

from objectives import EmbeddingError, InvalidArgumentError
from objectives.idest import IdestFit, idest
from tests.objectives.builders import QUICK, gaussian, generator, near_collapse, numpy64, rotation


def cube(n_samples: int, k: int, dim: int, seed: int = 0) -> Tensor:
    """Uniform samples of a k-dimensional cube, turned into dim dimensions."""
    flat = torch.rand(n_samples, k, generator=generator(seed), dtype=torch.float64)
    return flat @ rotation(dim, seed=seed + 1)[:k]


def reference(embeddings: Tensor, sizes: list[int], n_repeats: int, seed: int) -> tuple[float, ...]:
    """Dimension, slope and R² from single linkage, polyfit and corrcoef."""
    points, draw, logs = numpy64(embeddings), generator(seed), []
    for _ in range(n_repeats):
        order = torch.randperm(len(points), generator=draw).numpy()
        logs.append([np.log(single(pdist(points[order[:n]]))[:, 2].sum()) for n in sizes])
    x, y = np.log(sizes), np.mean(logs, axis=0)
    slope = float(np.polyfit(x, y, 1)[0])
    return 1 / (1 - slope), slope, float(np.corrcoef(x, y)[0, 1] ** 2)


def assert_nan(fit: IdestFit) -> None:
    assert math.isnan(fit.dimension)
    assert math.isnan(fit.slope)
    assert math.isnan(fit.r_squared)


@pytest.mark.parametrize(
    ("n_samples", "n_sizes", "smallest", "n_repeats", "seed", "sizes"),
    [
        (100, 16, 0.2, 3, 0, list(range(20, 100, 5))),
        (100, 16, 0.2, 1, 7, list(range(20, 100, 5))),
        (80, 4, 0.5, 2, 1, [40, 50, 60, 70]),
        (101, 3, 0.1, 2, 2, [10, 40, 70]),
    ],
)
def test_matches_the_reference(
    n_samples: int, n_sizes: int, smallest: float, n_repeats: int, seed: int, sizes: list[int]
) -> None:
    embeddings = gaussian(n_samples, 4)
    fit = idest(embeddings, n_sizes=n_sizes, smallest=smallest, n_repeats=n_repeats, seed=seed)
    dimension, slope, r_squared = reference(embeddings, sizes, n_repeats, seed)
    assert fit.sizes == tuple(sizes)
    assert fit.dimension == pytest.approx(dimension, rel=1e-9)
    assert fit.slope == pytest.approx(slope, rel=1e-10)
    assert fit.r_squared == pytest.approx(r_squared, rel=1e-10)


def test_the_defaults_are_the_grid_that_the_paper_follows() -> None:
    """Dupuis et al. 2023: 200 to 1,000 in steps of 50, the last left out, of 1,000 points."""
    embeddings = cube(1000, 2, 3)
    fit = idest(embeddings)
    assert fit.sizes == tuple(range(200, 1000, 50))
    assert fit == idest(embeddings, n_sizes=16, smallest=0.2, n_repeats=3, seed=0)


@pytest.mark.parametrize(("k", "tolerance"), [(1, 0.02), (2, 0.2), (5, 0.7)])
@pytest.mark.parametrize("seed", [0, 10])
def test_reads_the_dimension_of_a_cube(k: int, tolerance: float, seed: int) -> None:
    fit = idest(cube(1000, k, 24, seed=seed))
    assert fit.dimension == pytest.approx(k, abs=tolerance)
    assert k == 1 or fit.r_squared > 0.99


def test_reads_a_high_dimension_low_but_in_order() -> None:
    readings = [idest(cube(1000, k, 24)).dimension for k in (5, 10, 20)]
    assert readings == sorted(readings)
    assert 12.0 < readings[2] < 18.0


def test_a_bent_line_is_one_dimensional() -> None:
    """The paper's figure 2: a helix, where TwoNN and the maximum likelihood estimate go wrong."""
    turn = torch.linspace(0, 12, 400, dtype=torch.float64)
    helix = torch.stack([turn.cos(), turn.sin(), turn / 12], dim=1)
    assert idest(helix).dimension == pytest.approx(1.0, abs=0.05)


def test_samples_equally_far_apart_have_no_finite_dimension() -> None:
    """A simplex: every tree has n − 1 equal edges, whatever is drawn, and the slope exceeds 1."""
    fit = idest(torch.eye(100))
    sizes = np.arange(20, 100, 5)
    assert fit.slope == pytest.approx(np.polyfit(np.log(sizes), np.log(sizes - 1), 1)[0], rel=1e-10)
    assert fit.slope > 1.0
    assert fit.dimension == math.inf


def test_two_points_repeated_have_a_flat_line() -> None:
    fit = idest(torch.tensor([[0.0, 1.0], [3.0, 5.0]]).repeat(50, 1))
    assert fit.slope == pytest.approx(0.0, abs=1e-10)
    assert fit.dimension == pytest.approx(1.0, abs=1e-10)
    assert fit.r_squared == 1.0


def test_equal_embeddings_have_no_value() -> None:
    assert_nan(idest((0.1 * gaussian(1, 20)).expand(60, 20)))
    assert_nan(idest(torch.zeros(60, 20)))


def test_a_subsample_of_equal_embeddings_is_enough_for_no_value() -> None:
    one_other = torch.zeros(200, 3)
    one_other[0] = 1.0
    assert_nan(idest(one_other))


@pytest.mark.parametrize("t", [1.0, 1e-3, 1e-6])
def test_near_collapse_reads_the_noise(t: float) -> None:
    """A constant vector plus noise looks bad here, as noise does: many dimensions."""
    fit = idest(near_collapse(t, 300, 64))
    assert fit.dimension == pytest.approx(idest(near_collapse(1.0, 300, 64)).dimension, rel=1e-6)
    assert fit.dimension > 30.0


def test_collapse_onto_a_line_or_few_points_looks_best() -> None:
    """Lower is better, so it has to be gated: here is why."""
    healthy = idest(gaussian(400, 16)).dimension
    line = idest(gaussian(400, 1) * gaussian(1, 16, seed=1)).dimension
    clusters = gaussian(4, 16).repeat(100, 1) + 1e-6 * gaussian(400, 16, seed=1)
    assert line < 1.2 < healthy
    assert idest(clusters).dimension < 1.2


@QUICK
@given(
    seed=st.integers(0, 999),
    scale=st.sampled_from([-2.0, 1e-5, 1e5]),
    shift=st.floats(-100, 100),
)
def test_invariances(seed: int, scale: float, shift: float) -> None:
    embeddings = gaussian(60, 5, seed=seed)
    expected = idest(embeddings, seed=seed)
    padded = torch.cat([embeddings, torch.zeros(60, 3, dtype=torch.float64)], dim=1)
    for same in (
        embeddings * scale,
        embeddings + shift,
        embeddings @ rotation(5, seed=seed + 1),
        padded,
    ):
        assert idest(same, seed=seed).slope == pytest.approx(expected.slope, rel=1e-8)


def test_the_seed_fixes_the_value_and_the_global_state_is_left_alone() -> None:
    embeddings = gaussian(200, 5)
    state = torch.get_rng_state()
    first = idest(embeddings)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(5)
    assert idest(embeddings) == first
    torch.set_rng_state(state)
    values = {idest(embeddings, seed=seed).slope for seed in range(5)}
    assert len(values) == 5
    assert max(values) - min(values) < 0.1


def test_repeats_lower_the_noise_of_the_seed() -> None:
    embeddings = gaussian(200, 5)

    def noise(n_repeats: int) -> float:
        return float(
            np.std([idest(embeddings, n_repeats=n_repeats, seed=s).slope for s in range(12)])
        )

    assert noise(9) < 0.6 * noise(1)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_every_dtype_is_measured_in_float64(dtype: torch.dtype) -> None:
    embeddings = gaussian(100, 8).to(dtype)
    assert idest(embeddings) == idest(embeddings.double())


def test_arrays_and_views_are_read_and_not_changed() -> None:
    embeddings = gaussian(100, 8)
    before, expected = embeddings.clone(), idest(embeddings)
    strided = embeddings.T.contiguous().T
    assert not strided.is_contiguous()
    for same in (embeddings.numpy(), strided, embeddings.clone().requires_grad_()):
        assert idest(same).slope == pytest.approx(expected.slope, rel=1e-12)
    assert torch.equal(embeddings, before)


def test_a_fit_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        idest(gaussian(50, 3)).slope = 0.0  # type: ignore[misc]


@QUICK
@given(n_sizes=st.integers(3, 40), smallest=st.floats(0.01, 0.98))
def test_the_message_names_the_fewest_samples(n_sizes: int, smallest: float) -> None:
    with pytest.raises(EmbeddingError, match=r"got 1 sample\(s\), wanted at least") as caught:
        idest(gaussian(1, 2), n_sizes=n_sizes, smallest=smallest)
    found = re.search(r"at least (\d+)", str(caught.value))
    assert found is not None
    fewest = int(found[1])
    fit = idest(gaussian(fewest, 2), n_sizes=n_sizes, smallest=smallest, n_repeats=1)
    assert len(set(fit.sizes)) == n_sizes
    assert fit.sizes[0] >= 2
    assert fit.sizes[-1] < fewest
    with pytest.raises(EmbeddingError, match=f"wanted at least {fewest} for {n_sizes} different"):
        idest(gaussian(fewest - 1, 2), n_sizes=n_sizes, smallest=smallest)


def test_nineteen_samples_are_the_fewest_at_the_defaults() -> None:
    assert idest(gaussian(19, 3)).sizes == tuple(range(3, 19))
    with pytest.raises(EmbeddingError, match=r"got 18 .* wanted at least 19"):
        idest(gaussian(18, 3))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_sizes": 2}, "n_sizes: got 2, wanted at least 3"),
        ({"smallest": 0.0}, "smallest: got 0.0, wanted a fraction"),
        ({"smallest": 1.0}, "smallest: got 1.0, wanted a fraction"),
        ({"smallest": math.nan}, "smallest: got nan, wanted a fraction"),
        ({"n_repeats": 0}, "n_repeats: got 0, wanted at least 1"),
    ],
)
def test_impossible_arguments_raise(arguments: dict[str, int], message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        idest(gaussian(50, 3), **arguments)


@pytest.mark.parametrize(
    ("embeddings", "message"),
    [
        (gaussian(30, 2, 3), "embeddings: got a 3-D array"),
        (torch.ones(30, 2, dtype=torch.int64), "embeddings: got dtype"),
        (torch.full((30, 2), math.nan), "embeddings: got 30 of 30 rows"),
        (1e200 * gaussian(30, 2), "overflow float64"),
    ],
)
def test_impossible_embeddings_raise(embeddings: Tensor, message: str) -> None:
    with pytest.raises(EmbeddingError, match=message):
        idest(embeddings)
