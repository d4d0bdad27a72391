"""The values are those of `objectives.assess` on the same features; the network stays as it is."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from hpo.errors import ConfigError, DataError
from hpo.lightning_callback.gauge import LoaderGauge
from hpo.lightning_callback.images import MeasuringImages
from hpo.lightning_callback.network import Network
from hpo.lightning_callback.start import Start
from objectives import MEASURES, assess, distance_from_initialisation
from tests.hpo.lightning_callback.modules import PACKAGES, Views, loader, module

ALL = tuple(name for name in MEASURES if name != "ssl_loss")


def gauge(images: Any, measures: Any = ALL, **options: Any) -> LoaderGauge:
    return LoaderGauge(MeasuringImages(images), measures, **options)


def settled(network: Any, images: Tensor) -> Any:
    """Send enough batches through for BatchNorm to know the data."""
    network.train()
    with torch.no_grad():
        for _ in range(30):
            network.projection_head(network.backbone(images).flatten(1))
    return network


def snapshot(network: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in network.state_dict().items()}


def random_states() -> tuple[Any, ...]:
    arrays: Any = np.random.get_state()  # noqa: NPY002 - what transforms draw from
    return torch.get_rng_state().tolist(), random.getstate(), arrays[1].tolist(), arrays[2]


class Offset(nn.Module):
    """As of masked methods: images differ by little of what they share."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.backbone = nn.Sequential(nn.Flatten(), nn.Linear(768, 32))
        nn.init.constant_(self.backbone[1].bias, 20.0)


def test_every_measure_is_what_assess_says_of_the_same_features(small: Tensor) -> None:
    network = settled(module(PACKAGES[0]), small)
    images = loader(small[:120])
    start, _ = gauge(images).start(Network.of(network, None, None), 0, 1)
    found = gauge(images).measure(Network.of(network, None, None), start, 0, 1)

    network.eval()
    batches = list(MeasuringImages(images).batches())
    views = [torch.cat([batch.views[view] for batch in batches]) for view in range(2)]
    with torch.no_grad():
        h = [network.backbone(view).flatten(1) for view in views]
        z = [network.projection_head(features) for features in h]
    backbone = assess(h[0], views=torch.stack(h, 1), reference=start.backbone, check_scale=False)
    projector = assess(z[0], views=torch.stack(z, 1), check_scale=False)
    for name in ALL:
        expected = projector if name in ("rankme", "alignment", "uniformity") else backbone
        # Batches of another size round features differently, in float32.
        assert found.values[name] == pytest.approx(expected[name], rel=1e-4), name
    moved = distance_from_initialisation(h[0], start.features)
    assert found.values["moved"] == pytest.approx(moved, abs=1e-6)


def test_a_measure_leaves_weights_statistics_modes_and_random_states_alone(small: Tensor) -> None:
    network = settled(module(PACKAGES[0]), small)
    network.backbone[1].eval()
    before, modes = snapshot(network), [part.training for part in network.modules()]
    drawn = random_states()
    reader = Network.of(network, None, None)
    start, _ = gauge(loader(small)).start(reader, 0, 1)
    gauge(loader(small)).measure(reader, start, 0, 1)
    after = snapshot(network)
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert modes == [part.training for part in network.modules()]
    assert random_states() == drawn
    assert all(parameter.grad is None for parameter in network.parameters())


def test_an_error_in_the_middle_leaves_everything_as_it_was_too(small: Tensor) -> None:
    network = module(PACKAGES[0])

    def breaks(module: Any, images: Tensor) -> Tensor:
        module.backbone(images)
        raise RuntimeError("broken")

    before, modes = snapshot(network), [part.training for part in network.modules()]
    with pytest.raises(RuntimeError, match="broken"):
        gauge(loader(small)).start(Network.of(network, breaks, None), 0, 1)
    after = snapshot(network)
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert modes == [part.training for part in network.modules()]
    assert network.backbone[1].momentum == 0.1


def test_a_living_network_of_three_steps_is_not_taken_for_dead(small: Tensor) -> None:
    network = module(PACKAGES[0])
    reader = Network.of(network, None, None)
    start, _ = gauge(loader(small)).start(reader, 0, 1)
    network.train()
    with torch.no_grad():
        for part in small.split(54):
            network.projection_head(network.backbone(part).flatten(1))
    found = gauge(loader(small)).measure(reader, start, 0, 1)
    # Its weights are those of the start, and so its BatchNorm describes the data as there.
    assert found.values["moved"] == pytest.approx(0.0, abs=1e-6)
    assert not found.projector.collapsed
    assert math.isfinite(found.values["guarded_rank"])


def test_weights_that_are_not_finite_are_a_collapse_and_no_error(small: Tensor) -> None:
    network = settled(module(PACKAGES[0]), small)
    reader = Network.of(network, None, None)
    start, _ = gauge(loader(small)).start(reader, 0, 1)
    with torch.no_grad():
        network.backbone[4].weight.fill_(math.nan)
    found = gauge(loader(small)).measure(reader, start, 0, 1)
    assert found.backbone.kind == "not finite"
    assert found.values == {}


def test_a_dead_projector_is_held_against_what_the_backbone_gained(small: Tensor) -> None:
    network = settled(module(PACKAGES[0]), small)
    reader = Network.of(network, None, None)
    start, first = gauge(loader(small)).start(reader, 0, 1)
    assert start.retrieval == first.values["view_retrieval"] > 0
    assert math.isnan(first.gain)
    with torch.no_grad():
        for parameter in network.projection_head.parameters():
            parameter.zero_()
    found = gauge(loader(small)).measure(reader, start, 0, 1)
    assert found.gain == pytest.approx(found.values["view_retrieval"] / start.retrieval)
    half = replace(start, retrieval=start.retrieval / 2)
    again = gauge(loader(small)).measure(reader, half, 0, 1)
    assert again.gain == pytest.approx(2.0 * found.gain)
    without = gauge(loader(small), ("rankme",)).start(reader, 0, 1)[0]
    assert math.isnan(without.retrieval)


def test_a_start_from_an_older_checkpoint_knows_no_retrieval(small: Tensor) -> None:
    network = Network.of(settled(module(PACKAGES[0]), small), None, None)
    start = gauge(loader(small)).start(network, 0, 1)[0]
    state = start.as_state()
    assert Start.of_state(state).retrieval == start.retrieval
    del state["retrieval"]
    assert math.isnan(Start.of_state(state).retrieval)


def test_features_of_a_network_without_projector_are_taken_about_their_mean(small: Tensor) -> None:
    reader = Network.of(Offset(), None, None)
    start, found = gauge(loader(small), ("rankme", "guarded_rank")).start(reader, 0, 1)
    assert not found.backbone.collapsed
    about_zero = gauge(loader(small), ("rankme",), centred=False).start(reader, 0, 1)[1]
    assert about_zero.values["rankme"] < 0.5 * found.values["rankme"]
    assert start.backbone.spread > 0.5


def test_features_that_begin_all_but_equal_are_dead_when_they_get_more_so(small: Tensor) -> None:
    network = Offset()
    network.projection_head = nn.Linear(32, 16)
    reader = Network.of(network, None, None)
    start, found = gauge(loader(small), ("guarded_rank",)).start(reader, 0, 1)
    assert start.backbone.spread < 0.1
    assert not found.backbone.collapsed
    with torch.no_grad():
        network.backbone[1].weight.mul_(0.1)
    found = gauge(loader(small), ("guarded_rank",)).measure(reader, start, 0, 1)
    assert found.backbone.kind == "constant"


def test_other_images_than_at_the_start_are_an_error(small: Tensor) -> None:
    reader = Network.of(module(PACKAGES[0]), None, None)
    start, _ = gauge(loader(small[:64])).start(reader, 0, 1)
    with pytest.raises(DataError, match="got other images, or the same in another order"):
        gauge(loader(small[:64].flip(0))).measure(reader, start, 0, 1)


def test_views_that_cannot_be_drawn_again_are_found_before_the_training(small: Tensor) -> None:
    generator = torch.Generator()

    class Unseeded(Views):
        def __getitem__(self, index: int) -> Any:
            image = self.images[index]
            return [image + torch.rand(image.shape, generator=generator) for _ in range(2)], 0, ""

    with pytest.raises(DataError, match="random views drawn from torch, numpy or random"):
        gauge(DataLoader(Unseeded(small), batch_size=32)).check()
    with pytest.raises(DataError, match="no batch when read a second time"):
        gauge(iter([([small, small], 0)])).check()
    with pytest.raises(ConfigError, match="views: got none from the loader, and lidar need them"):
        gauge([small], ("rankme", "lidar")).check()
