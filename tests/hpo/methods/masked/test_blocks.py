"""I-JEPA's blocks: rectangles, apart, on grids as small as four patches a side."""

import pytest
import torch
from torch import Tensor

from hpo.methods.masked.blocks import Blocks, draw_blocks


def drawn(side: int, n: int = 64, seed: int = 0, **changes: float) -> Blocks:
    torch.manual_seed(seed)
    given = {"n_targets": 4, "target_scale": 0.2, "context_scale": 0.9, **changes}
    return draw_blocks(n, side, **given)  # type: ignore[arg-type]


def is_rectangle(patches: Tensor, side: int) -> bool:
    rows, columns = patches // side, patches % side
    height, width = rows.max() - rows.min() + 1, columns.max() - columns.min() + 1
    return len(patches.unique()) == len(patches) == int(height * width)


@pytest.mark.parametrize("side", [4, 5, 8, 14])
@pytest.mark.parametrize("n_targets", [1, 4, 6])
@pytest.mark.parametrize(("target_scale", "context_scale"), [(0.1, 0.5), (0.2, 0.9), (0.5, 1.0)])
def test_targets_are_blocks_that_no_context_shows(
    side: int, n_targets: int, target_scale: float, context_scale: float
) -> None:
    blocks = drawn(
        side, n_targets=n_targets, target_scale=target_scale, context_scale=context_scale
    )
    assert blocks.targets.shape[:2] == (64, n_targets)
    assert blocks.context.shape[1] >= max(1, side * side // 16)
    for context, targets in zip(blocks.context, blocks.targets, strict=True):
        assert all(is_rectangle(target, side) for target in targets)
        assert len(context.unique()) == len(context)
        assert not set(context.tolist()) & set(targets.flatten().tolist())
    both = torch.cat([blocks.context.flatten(), blocks.targets.flatten()])
    assert both.min() >= 0
    assert both.max() < side * side


def test_the_blocks_have_the_shares_asked_for() -> None:
    side, sizes = 14, []
    for seed in range(30):
        blocks = drawn(side, n=4, seed=seed, n_targets=1, target_scale=0.2)
        sizes.append(blocks.targets.shape[2] / side**2)
    assert 0.19 < sum(sizes) / len(sizes) < 0.21
    assert len(set(sizes)) > 3  # the aspect ratio is drawn
    # One small target: a context block of half the patches is nearly whole.
    blocks = drawn(side, n=4, n_targets=1, target_scale=0.01, context_scale=0.5)
    assert 0.45 < blocks.context.shape[1] / side**2 <= 0.52


def test_aspect_ratios_are_the_papers() -> None:
    ratios = []
    for seed in range(100):
        block = drawn(32, n=1, seed=seed, n_targets=1).targets[0, 0]
        rows, columns = (block // 32).unique(), (block % 32).unique()
        ratios.append(len(rows) / len(columns))
    assert min(ratios) < 0.85
    assert max(ratios) > 1.35
    assert all(0.7 <= ratio <= 1.6 for ratio in ratios)


def test_every_place_is_seen_and_is_a_target_sometimes() -> None:
    """No row is left out, as it is where contexts are cut to equal length from the top."""
    blocks = drawn(8, n=2000)
    for patches in (blocks.context, blocks.targets):
        counts = torch.bincount(patches.flatten(), minlength=64).view(8, 8).float()
        assert counts.min() > 0
        # A block lies in a corner more rarely than in the middle, but above as often as below.
        assert abs(counts[:4].sum() / counts.sum() - 0.5) < 0.03
        assert abs(counts[:, :4].sum() / counts.sum() - 0.5) < 0.03


def test_images_get_places_of_their_own_and_the_seed_decides_them() -> None:
    blocks, again, other = drawn(8), drawn(8), drawn(8, seed=1)
    assert torch.equal(blocks.context, again.context)
    assert torch.equal(blocks.targets, again.targets)
    assert not torch.equal(blocks.targets[:, 0, 0], other.targets[:, 0, 0])
    assert len(blocks.targets[:, 0, 0].unique()) > 5


def test_where_targets_always_fill_the_image_they_end_at_one_place() -> None:
    """Six blocks of half of 4 x 4 patches leave nothing now and then."""
    blocks = drawn(4, n=500, n_targets=6, target_scale=0.5, context_scale=0.05)
    together = (blocks.targets == blocks.targets[:, :1]).all(2).all(1)
    assert together.any()
    assert not together.all()
    assert blocks.context.shape[1] >= 1  # though its own block is one patch
