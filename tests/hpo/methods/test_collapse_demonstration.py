"""EMP-SSL as Lightly has it collapses, and with the authors' sign it does not."""

from copy import deepcopy

import pytest
import torch
from lightly.loss import EMPSSLLoss
from lightly.loss.emp_ssl_loss import invariance_loss, tcr_loss
from torch import Tensor
from torch.nn.functional import normalize

from hpo.embedding import Normalisation
from hpo.errors import ConfigError
from hpo.methods import REFUSED, backbone_of, build_method, find_method, projector_of
from objectives import rankme
from tests.hpo.methods.steps import small_learner, views_for
from tests.hpo.methods.trainings import assert_resumes_exactly, small_training

NAME = "hpo.methods.collapse_demonstration:empssl"


def ranks(images: Tensor, **hyperparameters: str) -> list[float]:
    """RankMe of z before training, by the statistics of all images, and after each epoch."""
    training = small_training(NAME, images, n_epochs=6, lr=6e-2, **hyperparameters)
    network = torch.nn.Sequential(backbone_of(training.learner), projector_of(training.learner))
    pixels = Normalisation.of(images)(images.float() / 255)
    with torch.no_grad():
        found = [rankme(deepcopy(network).train()(pixels))]
    for _ in range(6):
        training.run_epoch()
        with torch.no_grad():
            found.append(rankme(network.eval()(pixels)))
    return found


def test_it_collapses_as_shipped_and_not_with_the_sign_mended(digits: Tensor) -> None:
    shipped, mended = ranks(digits), ranks(digits, sign_mended="on")
    assert shipped[-1] < 2.5 < 0.5 * shipped[0]
    assert mended[-1] > 15.0


def test_lightlys_loss_alone_makes_free_embeddings_one() -> None:
    """When this fails, Lightly has mended the sign, and the method can be offered."""
    torch.manual_seed(0)
    free = torch.randn(64, 16, requires_grad=True)
    optimizer = torch.optim.Adam([free], lr=0.05)
    before = rankme(normalize(free.detach(), dim=1))
    for _ in range(300):
        optimizer.zero_grad()
        EMPSSLLoss()([normalize(free, dim=1)]).backward()
        optimizer.step()
    assert before > 15
    assert rankme(normalize(free.detach(), dim=1)) < 1.2


@pytest.mark.parametrize(("mended", "sign"), [("off", 1), ("on", -1)])
def test_the_loss_is_lightlys_on_the_sphere_up_to_the_sign(
    mended: str, sign: int, digits: Tensor
) -> None:
    learner = small_learner(NAME, sign_mended=mended)
    views = views_for(learner, digits)
    z = torch.stack([normalize(learner.projector(learner.backbone(v)), dim=1) for v in views])
    expected = sign * tcr_loss(z, eps=0.2) + 200 * invariance_loss(z)
    assert learner(views).item() == pytest.approx(expected.item(), rel=1e-5)
    assert not learner.loss_sees_scale


def test_the_name_alone_is_refused_and_says_how_to_see_it() -> None:
    with pytest.raises(ConfigError, match=r"empssl.*not offered.*1.6.0.*sign_mended=on") as error:
        find_method("empssl")
    assert NAME in str(error.value)
    assert NAME in REFUSED["empssl"]
    space = find_method(NAME).space
    assert space is not None
    assert space["sign_mended"].default == "off"


def test_the_sign_is_on_or_off() -> None:
    with pytest.raises(ConfigError, match="sign_mended: got 'maybe'; wanted 'on' or 'off'"):
        build_method(NAME, 128, sign_mended="maybe")


def test_it_resumes(digits: Tensor) -> None:
    assert_resumes_exactly(NAME, digits[:64])
