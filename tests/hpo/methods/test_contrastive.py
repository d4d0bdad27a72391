"""SimCLR's step is the one of Lightly's example."""

import copy

from lightly.loss import NTXentLoss
from lightly.models.modules.heads import SimCLRProjectionHead
from torch import Tensor

from tests.hpo.methods.steps import DIM, assert_same_step, small_learner, two_views


def test_simclr_is_lightlys_example(digits: Tensor) -> None:
    learner = small_learner("simclr", temperature=0.3)
    views = two_views(digits)
    backbone = copy.deepcopy(learner.backbone)
    projection_head = SimCLRProjectionHead(DIM, DIM, 128)
    projection_head.load_state_dict(learner.projector.state_dict())
    criterion = NTXentLoss(temperature=0.3)

    z0 = projection_head(backbone(views[0]).flatten(start_dim=1))
    z1 = projection_head(backbone(views[1]).flatten(start_dim=1))
    assert_same_step(learner, learner(views), backbone, criterion(z0, z1))
