"""The steps of Barlow Twins and VICReg are those of Lightly's examples."""

import copy

from lightly.loss import BarlowTwinsLoss, VICRegLoss
from lightly.models.modules.heads import BarlowTwinsProjectionHead, VICRegProjectionHead
from torch import Tensor

from hpo.methods import build_method
from tests.hpo.methods.steps import DIM, assert_same_step, small_learner, two_views


def test_barlow_twins_is_lightlys_example(digits: Tensor) -> None:
    learner = small_learner("barlow_twins", lambda_param=0.02)
    views = two_views(digits)
    backbone = copy.deepcopy(learner.backbone)
    projection_head = BarlowTwinsProjectionHead(DIM, 4 * DIM, 4 * DIM)
    projection_head.load_state_dict(learner.projector.state_dict())
    criterion = BarlowTwinsLoss(lambda_param=0.02)

    z0 = projection_head(backbone(views[0]).flatten(start_dim=1))
    z1 = projection_head(backbone(views[1]).flatten(start_dim=1))
    assert_same_step(learner, learner(views), backbone, criterion(z0, z1))


def test_vicreg_is_lightlys_example(digits: Tensor) -> None:
    learner = small_learner("vicreg", sim=10.0, var=20.0, cov=3.0)
    views = two_views(digits)
    backbone = copy.deepcopy(learner.backbone)
    projection_head = VICRegProjectionHead(DIM, 4 * DIM, 4 * DIM, num_layers=2)
    projection_head.load_state_dict(learner.projector.state_dict())
    criterion = VICRegLoss(lambda_param=10.0, mu_param=20.0, nu_param=3.0)

    z0 = projection_head(backbone(views[0]).flatten(start_dim=1))
    z1 = projection_head(backbone(views[1]).flatten(start_dim=1))
    assert_same_step(learner, learner(views), backbone, criterion(z0, z1))


def test_only_vicreg_sees_the_scale_of_the_embeddings(digits: Tensor) -> None:
    views = two_views(digits)
    for name in ("barlow_twins", "byol", "simclr", "vicreg"):
        learner = small_learner(name)
        z = [learner.predictor(learner.projector(learner.backbone(view))) for view in views]
        loss, shrunk = (
            learner.criterion([scale * a for a in z], [scale * a for a in z]).item()
            for scale in (1.0, 0.5)
        )
        unchanged = abs(loss - shrunk) < 1e-3 * abs(loss)
        assert learner.loss_sees_scale is not unchanged, name


def test_the_projector_is_at_most_as_wide_as_the_papers() -> None:
    assert build_method("vicreg", 2048).projector.layers[-1].out_features == 2048
