"""The steps of the contrastive methods are those of Lightly's examples, or of their papers."""

import copy
import warnings

import pytest
import torch
from lightly.loss import DCLLoss, DCLWLoss, DirectCLRLoss, NTXentLoss
from lightly.models.modules.heads import SimCLRProjectionHead
from torch import Tensor, nn

from hpo.errors import ConfigError
from hpo.methods import Learner, build_method
from hpo.methods.contrastive import WeightedPair
from tests.hpo.methods.steps import DIM, assert_same_step, small_learner, two_views
from tests.hpo.methods.trainings import assert_learns

WITH_SIMCLRS_HEAD = ("simclr", "dcl", "dclw", "macl", "hypersphere")


def outputs(learner: Learner, views: list[Tensor]) -> tuple[nn.Module, Tensor, Tensor]:
    """Lightly's own model of the example, with the learner's weights, on both views."""
    backbone = copy.deepcopy(learner.backbone)
    projection_head = SimCLRProjectionHead(DIM, DIM, 128).to(views[0].dtype)
    projection_head.load_state_dict(learner.projector.state_dict())
    z0 = projection_head(backbone(views[0]).flatten(start_dim=1))
    z1 = projection_head(backbone(views[1]).flatten(start_dim=1))
    return backbone, z0, z1


def unit(z: Tensor) -> Tensor:
    return z / z.norm(dim=1, keepdim=True)


def test_simclr_is_lightlys_example(digits: Tensor) -> None:
    learner = small_learner("simclr", temperature=0.3)
    views = two_views(digits)
    backbone, z0, z1 = outputs(learner, views)
    criterion = NTXentLoss(temperature=0.3)
    assert_same_step(learner, learner(views), backbone, criterion(z0, z1))


def test_dcl_is_lightlys_example(digits: Tensor) -> None:
    learner = small_learner("dcl", temperature=0.3)
    views = two_views(digits)
    backbone, z0, z1 = outputs(learner, views)
    criterion = DCLLoss(temperature=0.3)
    assert_same_step(learner, learner(views), backbone, criterion(z0, z1))


def test_dclw_is_lightlys_example(digits: Tensor) -> None:
    learner = small_learner("dclw", temperature=0.3, sigma=0.2)
    views = two_views(digits)
    backbone, z0, z1 = outputs(learner, views)
    criterion = DCLWLoss(temperature=0.3, sigma=0.2)
    with pytest.warns(UserWarning, match="To copy construct from a tensor"):
        written = criterion(z0, z1)
    assert_same_step(learner, learner(views), backbone, written)


def test_directclr_is_lightlys_example_one_view_at_a_time(digits: Tensor) -> None:
    learner = small_learner("directclr", temperature=0.3, loss_share=0.25)
    views = two_views(digits)
    backbone = copy.deepcopy(learner.backbone)
    criterion = DirectCLRLoss(loss_dim=32, temperature=0.3)
    z0, z1 = backbone(views[0]), backbone(views[1])
    assert_same_step(learner, learner(views), backbone, criterion(z0, z1))


def test_directclr_is_lightlys_example_where_batchnorm_does_not_matter(digits: Tensor) -> None:
    """The example, alone among all, sends both views through the network at once."""
    learner = small_learner("directclr", temperature=0.3, loss_share=0.25).eval()
    views = two_views(digits)
    backbone = copy.deepcopy(learner.backbone)
    criterion = DirectCLRLoss(loss_dim=32, temperature=0.3)
    z0, z1 = backbone(torch.cat(views)).chunk(2, dim=0)
    assert_same_step(learner, learner(views), backbone, criterion(z0, z1))


def test_macl_is_the_papers(digits: Tensor) -> None:
    """Equations 6 to 9: a temperature that follows the alignment, and reweighted gradients."""
    learner = small_learner("macl", temperature=0.2, alpha=0.7).double()
    views = [view.double() for view in two_views(digits)]  # 1 - P cancels in single precision
    backbone, z0, z1 = outputs(learner, views)
    z = torch.cat([unit(z0), unit(z1)])
    n = len(z0)
    cosines = z @ z.T
    positive = torch.cat([cosines.diagonal(n), cosines.diagonal(-n)])
    temperature = 0.2 * (1 + 0.7 * positive.mean().item())
    others = cosines.masked_fill(torch.eye(2 * n, dtype=torch.bool), -torch.inf)
    nce = (others / temperature).logsumexp(dim=1) - positive / temperature
    weight = 1 / (1 - (-nce).exp().detach())
    assert_same_step(learner, learner(views), backbone, (weight * nce).mean())


def test_hypersphere_is_the_papers(digits: Tensor) -> None:
    """Section 4.1: alignment, and the uniformity of each view."""
    learner = small_learner("hypersphere", lam=0.7, t=3.0, alpha=1.5)
    views = two_views(digits)
    backbone, z0, z1 = outputs(learner, views)
    x, y = unit(z0), unit(z1)
    pairs = torch.triu_indices(len(x), len(x), offset=1)

    def uniformity(z: Tensor) -> Tensor:
        squared = (z[pairs[0]] - z[pairs[1]]).square().sum(dim=1)
        return (-3.0 * squared).exp().mean().log()

    alignment = (x - y).norm(dim=1).pow(1.5).mean()
    written = alignment + 0.7 * (uniformity(x) + uniformity(y)) / 2
    assert_same_step(learner, learner(views), backbone, written)


@pytest.mark.parametrize("name", [*WITH_SIMCLRS_HEAD, "directclr"])
def test_the_loss_falls(name: str, digits: Tensor) -> None:
    assert_learns(name, digits, by=0.1)


@pytest.mark.parametrize(
    ("name", "hyperparameter", "value"),
    [
        ("simclr", "temperature", 0.3),
        ("dcl", "temperature", 0.3),
        ("dclw", "temperature", 0.3),
        ("dclw", "sigma", 0.3),
        ("macl", "temperature", 0.3),
        ("macl", "alpha", 0.3),
        ("hypersphere", "lam", 0.3),
        ("hypersphere", "t", 2.0),
        ("hypersphere", "alpha", 1.0),
        ("directclr", "temperature", 0.3),
        ("directclr", "loss_share", 0.3),
    ],
)
def test_every_hyperparameter_has_an_effect(
    name: str, hyperparameter: str, value: float, digits: Tensor
) -> None:
    views = two_views(digits)
    default = small_learner(name)(views).item()
    changed = small_learner(name, **{hyperparameter: value})(views).item()
    assert changed != pytest.approx(default, rel=1e-4)


@pytest.mark.parametrize("name", WITH_SIMCLRS_HEAD)
def test_the_embeddings_are_as_wide_as_asked_for(name: str) -> None:
    features = torch.randn(4, 64)
    assert build_method(name, 64).projector(features).shape == (4, 128)
    assert build_method(name, 2048).projector(torch.randn(4, 2048)).shape == (4, 128)
    assert build_method(name, 64, projector_width=32).projector(features).shape == (4, 32)


def test_directclr_has_no_head_and_its_loss_sees_two_features_at_least() -> None:
    method = build_method("directclr", 16, loss_share=0.05)
    features = torch.randn(8, 16)
    assert torch.equal(method.projector(features), features)
    z0, z1 = features, torch.randn(8, 16)
    seen = NTXentLoss(temperature=0.1)(z0[:, :2], z1[:, :2])
    assert torch.equal(method.criterion([z0, z1], [z0, z1]), seen)


@pytest.mark.parametrize("name", [*WITH_SIMCLRS_HEAD, "directclr"])
def test_no_loss_sees_the_scale_of_the_embeddings(name: str) -> None:
    method = build_method(name, 64)
    z = [torch.randn(24, 128), torch.randn(24, 128)]
    halved = [a / 2 for a in z]
    assert torch.allclose(method.criterion(z, z), method.criterion(halved, halved))
    assert method.loss_sees_scale is False


def test_dclw_silences_one_warning_only_and_only_its_own() -> None:
    class Warning(nn.Module):
        def forward(self, a: Tensor, b: Tensor) -> Tensor:
            warnings.warn("something else", stacklevel=2)
            return torch.tensor(a.sum())

    z = [torch.randn(4, 8), torch.randn(4, 8)]
    with pytest.warns(UserWarning, match="something else") as caught:
        WeightedPair(Warning())(z, z)
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        WeightedPair(DCLWLoss())(z, z)
        with pytest.raises(UserWarning, match="To copy construct from a tensor"):
            torch.tensor(z[0])


@pytest.mark.parametrize(
    ("name", "hyperparameter", "value"),
    [
        ("simclr", "temperature", 0.0),
        ("dcl", "temperature", -0.1),
        ("dclw", "temperature", 0.0),
        ("dclw", "sigma", 0.0),
        ("macl", "temperature", 0.0),
        ("macl", "alpha", 1.5),
        ("hypersphere", "lam", -1.0),
        ("hypersphere", "t", 0.0),
        ("hypersphere", "alpha", 0.0),
        ("directclr", "temperature", 0.0),
        ("directclr", "loss_share", 0.0),
        ("directclr", "loss_share", 1.1),
    ],
)
def test_impossible_values_are_refused(name: str, hyperparameter: str, value: float) -> None:
    with pytest.raises(ConfigError, match=f"{hyperparameter}: got {value}; wanted"):
        build_method(name, 64, **{hyperparameter: value})
