"""Embeddings of a user's own network: the same views always, and nothing else is touched."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from hpo.errors import ConfigError
from hpo.label_free import embed


def network() -> nn.Module:
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Dropout(0.5)).train()


def noisy(batch: Tensor) -> Tensor:
    return batch + torch.rand_like(batch)


IMAGES = torch.rand(40, 6, generator=torch.Generator().manual_seed(0))


def test_the_views_are_the_same_whenever_they_are_drawn() -> None:
    net = network()
    first = embed(net, IMAGES, noisy, n_views=3)
    torch.rand(7)
    again = embed(net, IMAGES, noisy, n_views=3)
    other = embed(net, IMAGES, noisy, n_views=3, seed=1)
    assert isinstance(first.views, Tensor)
    assert isinstance(again.views, Tensor)
    assert isinstance(other.views, Tensor)
    assert first.views.shape == (40, 3, 8)
    assert torch.equal(first.views, again.views)
    assert not torch.equal(first.views, other.views)
    assert not torch.equal(first.views[:, 0], first.views[:, 1])


def test_the_training_goes_on_as_without_it() -> None:
    net, projector = network(), nn.Linear(8, 2)
    modes = [part.training for part in net.modules()]
    before = {name: value.clone() for name, value in net.state_dict().items()}
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    found = embed(net, IMAGES, noisy, projector=projector)
    assert torch.equal(torch.rand(3), expected)
    assert [part.training for part in net.modules()] == modes
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert isinstance(found.embeddings, Tensor)
    assert not found.embeddings.requires_grad


def test_what_is_measured_does_not_depend_on_the_batches() -> None:
    net, projector = network(), nn.Linear(8, 2)
    whole = embed(net, IMAGES, projector=projector)
    parts = embed(net, IMAGES, projector=projector, batch_size=7)
    torch.testing.assert_close(whole.embeddings, parts.embeddings)
    torch.testing.assert_close(whole.embeddings, net.eval()(IMAGES).detach())
    assert isinstance(whole.embeddings, Tensor)
    torch.testing.assert_close(whole.projector, projector(whole.embeddings).detach())
    assert whole.views is whole.projector_views is None


def test_one_view_is_none() -> None:
    with pytest.raises(ConfigError, match="n_views: got 1"):
        embed(network(), IMAGES, noisy, n_views=1)


@pytest.mark.parametrize(
    ("augment", "got"),
    [
        (lambda batch: batch[:3], "got 3 views for a batch of 10 images"),
        (lambda batch: batch.repeat(2, 1), "got 20 views for a batch of 10 images"),
        (lambda batch: list(batch), "got list for a batch of 10 images"),
    ],
)
def test_views_are_one_of_each_image(augment: Any, got: str) -> None:
    with pytest.raises(ConfigError, match=f"augment: {got}; wanted a tensor with one view of each"):
        embed(network(), IMAGES[:10], augment)
