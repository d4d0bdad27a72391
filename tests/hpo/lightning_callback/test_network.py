"""Which layers of a module are read, and in which numbers."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from hpo.errors import ConfigError, DataError
from hpo.lightning_callback.network import Network


class Student(nn.Module):
    """Other names than Lightly's examples."""

    def __init__(self) -> None:
        super().__init__()
        self.student = nn.Conv2d(3, 4, 1)
        self.head = nn.Linear(256, 2)


def test_layers_are_found_by_the_names_that_are_passed() -> None:
    module = Student()
    named = Network.of(module, "student", "head")
    images = torch.randn(5, 3, 8, 8)
    features = named.features(images)
    assert torch.equal(features, module.student(images).flatten(1))
    assert named.embeddings(features).shape == (5, 2)


def test_layers_may_be_functions_of_the_module() -> None:
    def embed(module: Any, images: Tensor) -> Tensor:
        return module.student(images).mean(dim=(2, 3))

    network = Network.of(Student(), embed, None)
    features = network.features(torch.randn(5, 3, 8, 8))
    assert features.shape == (5, 4)
    assert network.projector is None
    assert network.embeddings(features) is features


def test_a_missing_layer_is_named_with_those_that_are_there() -> None:
    with pytest.raises(ConfigError, match=r"embed: got none, and Student .*student, head"):
        Network.of(Student(), None, None)
    with pytest.raises(ConfigError, match=r"projector: got 'neck', which Student does not have"):
        Network.of(Student(), "student", "neck")


def test_what_is_no_row_for_each_image_is_refused() -> None:
    def pooled(module: Any, images: Tensor) -> Tensor:
        return module.student(images).mean(dim=0)

    def pair(module: Any, images: Tensor) -> Any:
        return images, images

    images = torch.randn(5, 3, 8, 8)
    with pytest.raises(DataError, match=r"embed: got \(4, 8, 8\) for 5 images"):
        Network.of(Student(), pooled, None).features(images)
    with pytest.raises(DataError, match="embed: got tuple for 5 images"):
        Network.of(Student(), pair, None).features(images)


def test_numbers_are_those_of_the_parameters_whatever_the_training_casts_to() -> None:
    network = Network.of(Student(), "student", None)
    images = torch.randn(5, 3, 8, 8)
    exact = network.features(images)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(network.features(images), exact)
    network.module.to(torch.bfloat16)
    rounded = network.features(images)
    assert rounded.dtype == torch.float32
    assert torch.allclose(rounded, exact, atol=0.05)
    network.module.to(torch.float64)
    assert network.features(images).dtype == torch.float64
