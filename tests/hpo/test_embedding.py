"""Embedding changes nothing about a network, and groups views by image."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close

from hpo.backbones import backbone_spec, build_backbone
from hpo.embedding import (
    Normalisation,
    calibrate_batch_norm,
    embed,
    embed_views,
    evaluation_mode,
)
from hpo.views import ViewRecipe, random_views

CPU = torch.device("cpu")
RECIPE = ViewRecipe(hf_prob=0.0)


@pytest.fixture(scope="module")
def normalisation(digits: Tensor) -> Normalisation:
    return Normalisation.of(digits)


@pytest.fixture
def backbone(digits: Tensor, normalisation: Normalisation) -> nn.Module:
    """A network whose BatchNorm has seen the digits, in training mode as in a trial."""
    torch.manual_seed(0)
    net = build_backbone(backbone_spec("resnet10_narrow", image_size=8, in_channels=1))
    calibrate_batch_norm(net, digits, normalisation, recipe=RECIPE, seed=0, device=CPU)
    return net.train()


@pytest.fixture
def projector() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(128, 16), nn.BatchNorm1d(16)).train()


def views_of(
    net: nn.Module, images: Tensor, normalisation: Normalisation, n_views: int = 3, **changed: Any
) -> Tensor:
    arguments = {"recipe": RECIPE, "seed": 5, "device": CPU, **changed}
    return embed_views(net, images, normalisation, n_views=n_views, **arguments)


def test_normalisation_is_the_mean_and_deviation_of_all_pixels(photos: Tensor) -> None:
    found = Normalisation.of(photos)
    exact = photos.double() / 255
    for channel in range(3):
        assert found.mean[channel] == pytest.approx(exact[:, channel].mean().item(), abs=1e-6)
        std = exact[:, channel].std(unbiased=False).item()
        assert found.std[channel] == pytest.approx(std, abs=1e-6)
    pixels = found(photos / 255)
    assert_close(pixels.mean(dim=(0, 2, 3)), torch.zeros(3), atol=1e-4, rtol=0)
    assert_close(pixels.std(dim=(0, 2, 3)), torch.ones(3), atol=1e-4, rtol=0)


def test_a_constant_channel_stays_finite() -> None:
    images = torch.full((3, 1, 4, 4), 255, dtype=torch.uint8)
    found = Normalisation.of(images)
    assert (found.mean, found.std) == ((1.0,), (1.0,))
    assert torch.equal(found(images / 255), torch.zeros(3, 1, 4, 4))


def test_embeddings_are_those_of_evaluation_mode(
    backbone: nn.Module, projector: nn.Module, digits: Tensor, normalisation: Normalisation
) -> None:
    features, embeddings = embed(backbone, projector, digits, normalisation, device=CPU)
    assert embeddings is not None
    assert not features.requires_grad
    assert not embeddings.requires_grad
    by_hand = copy.deepcopy(backbone).eval()(normalisation(digits.float() / 255))
    assert_close(features, by_hand, atol=1e-5, rtol=1e-5)
    expected = copy.deepcopy(projector).eval()(by_hand)
    assert_close(embeddings, expected, atol=1e-5, rtol=1e-5)
    only_features, nothing = embed(backbone, None, digits, normalisation, device=CPU)
    assert nothing is None
    assert torch.equal(only_features, features)


@pytest.mark.parametrize("batch_size", [1, 33, 160])
def test_the_batch_size_does_not_matter(
    backbone: nn.Module,
    projector: nn.Module,
    digits: Tensor,
    normalisation: Normalisation,
    batch_size: int,
) -> None:
    images = digits[:66]
    whole = embed(backbone, projector, images, normalisation, device=CPU)
    parts = embed(backbone, projector, images, normalisation, device=CPU, batch_size=batch_size)
    for one, other in zip(whole, parts, strict=True):
        assert one is not None
        assert_close(one, other, atol=1e-5, rtol=1e-5)
    views = views_of(backbone, images, normalisation)
    in_parts = views_of(backbone, images, normalisation, batch_size=batch_size)
    assert_close(views, in_parts, atol=1e-5, rtol=1e-5)


def test_networks_are_left_as_they_were(
    backbone: nn.Module, projector: nn.Module, digits: Tensor, normalisation: Normalisation
) -> None:
    backbone.layer1.eval()  # a part that somebody froze
    nets = nn.Sequential(backbone, projector)
    weights = copy.deepcopy(nets.state_dict())
    modes = [module.training for module in nets.modules()]
    random_state = torch.get_rng_state()
    embed(backbone, projector, digits, normalisation, device=CPU)
    views_of(backbone, digits[:20], normalisation)
    assert [module.training for module in nets.modules()] == modes
    for name, value in nets.state_dict().items():
        assert torch.equal(value, weights[name]), name
    assert torch.equal(torch.get_rng_state(), random_state)
    assert torch.is_grad_enabled()


class Stop(Exception):
    pass


def test_an_exception_leaves_them_so_too(
    backbone: nn.Module, digits: Tensor, normalisation: Normalisation
) -> None:
    def stop() -> None:
        raise Stop

    modes = [module.training for module in backbone.modules()]
    with pytest.raises(Stop):
        embed(backbone, None, digits, normalisation, device=CPU, on_batch=stop)
    with pytest.raises(Stop), evaluation_mode(backbone):
        stop()
    assert [module.training for module in backbone.modules()] == modes
    assert torch.is_grad_enabled()


def test_a_callback_is_called_after_every_batch(
    backbone: nn.Module, digits: Tensor, normalisation: Normalisation
) -> None:
    calls: list[int] = []

    def count() -> None:
        calls.append(1)

    embed(backbone, None, digits[:50], normalisation, device=CPU, on_batch=count, batch_size=20)
    assert len(calls) == 3


def test_views_are_grouped_by_image(
    backbone: nn.Module, digits: Tensor, normalisation: Normalisation
) -> None:
    n, q = 30, 4
    groups = views_of(backbone, digits[:n], normalisation, n_views=q)
    assert groups.shape == (n, q, 128)
    # Exactly: the same views drawn by hand, each image's own ones embedded alone.
    drawn = random_views(
        digits[:n].repeat_interleave(q, dim=0), RECIPE, torch.Generator().manual_seed(5)
    ).view(n, q, 1, 8, 8)
    net = copy.deepcopy(backbone).eval()
    for index in (0, 7, n - 1):
        alone = net(normalisation(drawn[index]))
        assert_close(groups[index], alone, atol=1e-5, rtol=1e-5)
    # And as one would expect of views: those of one image are closer to each other.
    mild = ViewRecipe(min_scale=0.8, hf_prob=0.0, cj_prob=0.0)
    groups = views_of(backbone, digits[:n], normalisation, n_views=q, recipe=mild)
    within = (groups - groups.mean(dim=1, keepdim=True)).square().mean()
    shuffled = groups.flatten(0, 1)[torch.randperm(n * q)].view(n, q, 128)
    assert within < 0.7 * (shuffled - shuffled.mean(dim=1, keepdim=True)).square().mean()


def test_views_are_fixed_by_the_seed_and_differ_within_an_image(
    backbone: nn.Module, digits: Tensor, normalisation: Normalisation
) -> None:
    first, again, other = (
        views_of(backbone, digits[:10], normalisation, seed=seed) for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.allclose(first, other)
    assert (first[:, 0] - first[:, 1]).abs().amax(dim=1).min() > 1e-3


def test_more_images_do_not_change_the_views_of_the_first(
    backbone: nn.Module, digits: Tensor, normalisation: Normalisation
) -> None:
    few, many = (views_of(backbone, digits[:n], normalisation) for n in (10, 40))
    assert_close(few, many[:10], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("n_images", [64, 130, 160])
def test_calibrated_networks_are_normalised_on_views(digits: Tensor, n_images: int) -> None:
    """Also with 130 images, where a last batch of two would spoil the average."""
    torch.manual_seed(0)
    spec = backbone_spec("resnet10_narrow", image_size=8, in_channels=1)
    net = nn.Sequential(build_backbone(spec), nn.Linear(128, 16), nn.BatchNorm1d(16))
    net[0].layer2.eval()
    images, normalisation = digits[:n_images], Normalisation.of(digits)
    modes = [module.training for module in net.modules()]
    weights = {name: value.clone() for name, value in net.named_parameters()}
    calibrate_batch_norm(net, images, normalisation, recipe=RECIPE, seed=0, device=CPU)
    assert [module.training for module in net.modules()] == modes
    assert all(torch.equal(value, weights[name]) for name, value in net.named_parameters())
    assert all(
        module.momentum == 0.1
        for module in net.modules()
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d)
    )
    views = random_views(images.repeat(8, 1, 1, 1), RECIPE, torch.Generator().manual_seed(1))
    with torch.no_grad():
        z = net.eval()(normalisation(views))
    assert z.mean(dim=0).abs().max() < 0.35
    assert (z.std(dim=0) - 1).abs().max() < 0.35
    assert (z.std(dim=0) - 1).abs().mean() < 0.15


def test_calibration_forgets_what_was_before(digits: Tensor) -> None:
    torch.manual_seed(0)
    net = build_backbone(backbone_spec("resnet10_narrow", image_size=8, in_channels=1))
    states = []
    for _ in range(2):
        calibrate_batch_norm(
            net, digits, Normalisation.of(digits), recipe=RECIPE, seed=0, device=CPU
        )
        states.append(copy.deepcopy(net.state_dict()))
        net(100 * torch.randn(8, 1, 8, 8))
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
