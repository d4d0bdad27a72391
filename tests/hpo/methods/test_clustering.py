"""SwAV's step is the one of Lightly's example, with and without small crops."""

import copy

import pytest
import torch
from lightly.loss import SwaVLoss
from lightly.models.modules import SwaVPrototypes
from lightly.models.modules.heads import SwaVProjectionHead
from torch import Tensor, nn

from hpo.errors import ConfigError
from hpo.methods import build_method
from tests.hpo.methods.steps import DIM, assert_same_step, small_learner, views_for
from tests.hpo.methods.trainings import assert_learns, losses_of, small_training


@pytest.mark.parametrize("n_local", [0, 3])
def test_swav_is_lightlys_example(n_local: int, digits: Tensor) -> None:
    learner = small_learner("swav", temperature=0.2, epsilon=0.1, prototypes=40, n_local=n_local)
    views = views_for(learner, digits)
    assert len(views) == 2 + n_local
    backbone = copy.deepcopy(learner.backbone)
    projection_head = SwaVProjectionHead(DIM, DIM, 128)
    projection_head.load_state_dict(learner.projector.state_dict())
    prototypes = SwaVPrototypes(128, n_prototypes=40)
    prototypes.load_state_dict(learner.predictor.prototypes.state_dict())
    criterion = SwaVLoss(temperature=0.2, sinkhorn_epsilon=0.1)

    def forward(x: Tensor) -> Tensor:
        x = projection_head(backbone(x).flatten(start_dim=1))
        return prototypes(nn.functional.normalize(x, dim=1, p=2))

    prototypes.normalize()
    multi_crop_features = [forward(view) for view in views]
    high_resolution, low_resolution = multi_crop_features[:2], multi_crop_features[2:]
    written = criterion(high_resolution, low_resolution)[0]

    learner.before_step(0, 10)
    assert_same_step(learner, learner(views), backbone, written)


def test_the_loss_falls(digits: Tensor) -> None:
    assert_learns("swav", digits, by=0.1, n_local=1)


def test_every_step_starts_with_prototypes_of_length_one(digits: Tensor) -> None:
    learner = small_learner("swav", n_local=0)
    weight = learner.predictor.prototypes.heads[0].weight
    assert weight.norm(dim=1).max() < 0.9
    learner.before_step(0, 10)
    assert torch.allclose(weight.norm(dim=1), torch.ones(512))
    training = small_training("swav", digits, n_epochs=1, n_local=0)
    losses_of(training)
    # One step of the optimiser has moved them since; untouched, they would be at 0.6.
    trained = training.learner.predictor.prototypes.heads[0].weight.norm(dim=1)
    assert torch.allclose(trained, torch.ones(512), atol=0.1)


@pytest.mark.parametrize(
    ("hyperparameter", "value"),
    [("temperature", 0.2), ("epsilon", 0.1), ("prototypes", 64), ("n_local", 2)],
)
def test_every_hyperparameter_has_an_effect(
    hyperparameter: str, value: float, digits: Tensor
) -> None:
    default = small_learner("swav")
    changed = small_learner("swav", **{hyperparameter: value})
    losses = [learner(views_for(learner, digits)).item() for learner in (default, changed)]
    assert losses[0] != pytest.approx(losses[1], rel=1e-4)


def test_the_embeddings_are_as_wide_as_asked_for() -> None:
    for dim, given, width in ((2048, {}, 128), (64, {"projector_width": 32}, 32)):
        method = build_method("swav", dim, prototypes=7, **given)
        z = method.projector(torch.randn(8, dim))
        assert z.shape == (8, width)
        assert method.predictor(z).shape == (8, 7)


def test_the_scores_do_not_see_the_scale_of_the_embeddings() -> None:
    method = build_method("swav", 64)
    z = torch.randn(8, 128)
    assert torch.allclose(method.predictor(z), method.predictor(z / 2), atol=1e-6)
    assert method.loss_sees_scale is False


@pytest.mark.parametrize(
    ("hyperparameter", "value"),
    [
        ("temperature", 0.0),
        ("epsilon", 0.0),
        ("prototypes", 1),
        ("n_local", -1),
        ("projector_width", 0),
    ],
)
def test_impossible_values_are_refused(hyperparameter: str, value: float) -> None:
    with pytest.raises(ConfigError, match=f"{hyperparameter}: got {value}; wanted"):
        build_method("swav", 64, **{hyperparameter: value})
