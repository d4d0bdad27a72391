"""W-MSE whitens parts of the batch of a given size, and a collapsed run ends as diverged."""

import copy

import pytest
import torch
from lightly.loss import WMSELoss
from lightly.models.modules.heads import BYOLProjectionHead
from torch import Tensor

from hpo.errors import ConfigError
from hpo.methods import build_method
from hpo.training import Diverged
from tests.hpo.methods.steps import DIM, assert_same_step, small_learner, some_views
from tests.hpo.methods.trainings import (
    assert_learns,
    assert_resumes_exactly,
    losses_of,
    small_training,
)

SMALL = {"embedding_dim": 8, "whitening_size": 32}


def test_wmse_is_lightlys_loss_of_all_views_at_once(digits: Tensor) -> None:
    """Lightly has no example of it; the loss's docstring says how it is called."""
    learner = small_learner("wmse", **SMALL)
    views = some_views(digits, 2, n_images=64)
    backbone = copy.deepcopy(learner.backbone)
    projection_head = BYOLProjectionHead(DIM, 1024, 8)
    projection_head.load_state_dict(learner.projector.state_dict())
    criterion = WMSELoss(embedding_dim=8, w_size=32, num_samples=2)

    torch.manual_seed(3)  # which images are whitened together is drawn
    loss = learner(views)
    torch.manual_seed(3)
    h = torch.cat([projection_head(backbone(x).flatten(start_dim=1)) for x in views])
    assert_same_step(learner, loss, backbone, criterion(h))


def test_how_many_images_are_whitened_together_counts(digits: Tensor) -> None:
    views = some_views(digits, 2, n_images=64)
    losses = []
    for size in (32, 64):
        learner = small_learner("wmse", embedding_dim=8, whitening_size=size)
        assert learner.batch_multiple == size
        torch.manual_seed(0)
        losses.append(learner(views).item())
    assert losses[0] != pytest.approx(losses[1], rel=1e-3)


def test_too_few_images_to_whiten_are_refused() -> None:
    with pytest.raises(ConfigError, match="whitening_size: got 63 with embedding_dim 32; wanted "):
        build_method("wmse", 128, embedding_dim=32, whitening_size=63)
    assert build_method("wmse", 128, embedding_dim=32, whitening_size=64).batch_multiple == 64


def test_a_batch_that_cannot_be_cut_is_refused(digits: Tensor) -> None:
    with pytest.raises(ConfigError, match=r"batch_size: got 80 .* each a multiple of 32"):
        small_training("wmse", digits, n_epochs=1, batch_size=80, **SMALL)


def test_embeddings_that_cannot_be_whitened_end_as_diverged(digits: Tensor) -> None:
    """Images all alike have the same embedding, so their covariance has no inverse."""
    training = small_training("wmse", torch.zeros_like(digits), n_epochs=1, **SMALL)
    with pytest.raises(Diverged, match=r"^the loss is undefined \(.*\) in epoch 1$"):
        training.run_epoch()


def test_a_learning_rate_that_is_far_too_high_ends_as_diverged(digits: Tensor) -> None:
    training = small_training("wmse", digits, n_epochs=2, lr=1e12, **SMALL)
    with pytest.raises(Diverged):
        losses_of(training)


def test_wmse_learns_and_resumes(digits: Tensor) -> None:
    assert_learns("wmse", digits, by=0.1, lr=3e-2, **SMALL)
    assert_resumes_exactly("wmse", digits[:64], **SMALL)
