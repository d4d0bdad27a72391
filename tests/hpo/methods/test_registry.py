"""Methods by name: those that come along, the user's own, and those that are refused."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import search_spaces
from hpo.errors import ConfigError
from hpo.methods import (
    LEARNERS,
    METHODS,
    REFUSED,
    Learner,
    build_learner,
    build_method,
    find_method,
    projector_of,
)
from hpo.methods.collapse_demonstration import empssl
from tests.hpo.methods.trainings import assert_resumes_exactly

OWN = """
from torch import nn
from hpo.methods import Method, Pair, learner, method
from search_spaces import Float

class Distance(nn.Module):
    def forward(self, a, b):
        return (a - b).square().mean()

@method(knob=Float(0.0, 1.0, default=0.5))
def mine(dim, *, knob):
    return Method(nn.Linear(dim, 4), Pair(Distance()))

@method()
def wrong(dim):
    return nn.Linear(dim, 4)

@learner(knob=Float(0.0, 1.0, default=0.5))
def whole(backbone, *, knob):
    built = nn.Module()
    built.backbone, built.knob = backbone, knob
    return built

@learner()
def nothing(backbone):
    return None

def undeclared(dim):
    return None

number = 3
"""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("own") / "own.py"
    file.write_text(OWN)
    return file


def test_every_method_has_a_search_space_and_every_space_a_method() -> None:
    assert {*METHODS, *LEARNERS} == set(search_spaces.method_names())
    assert not set(METHODS) & set(LEARNERS)
    assert not set(REFUSED) & {*METHODS, *LEARNERS}


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(METHODS))
def test_every_method_resumes_exactly(name: str, digits: Tensor) -> None:
    own = {"wmse": {"embedding_dim": 16, "whitening_size": 32}, "visreg": {"n_local": 1}}
    assert_resumes_exactly(name, digits[:64], **own.get(name, {}))


def test_names_lead_to_builders() -> None:
    assert find_method("simclr").takes == "dim"
    assert find_method("mae").takes == "backbone"
    assert find_method("byol").space is None


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("simclrv2", "method: got 'simclrv2', which is no known method. Did you mean 'simclr'?"),
        ("barlow", "Did you mean 'barlow_twins'?"),
        ("§", r"Known: barlow_twins, .* A method of your own is named FILE\.py:BUILDER\."),
        ("empssl", "'empssl', which is not offered: .*coding rate.*hpo.methods.collapse_demonstra"),
    ],
)
def test_an_unknown_or_refused_method_is_explained(name: str, message: str) -> None:
    for door in (find_method, lambda name: build_method(name, 128)):
        with pytest.raises(ConfigError, match=message):
            door(name)


def test_a_refused_method_can_be_watched_collapsing() -> None:
    assert find_method("hpo.methods.collapse_demonstration:empssl").builder is empssl


def test_a_users_method_is_found_with_its_space(own: Path) -> None:
    found = find_method(f"{own}:mine")
    assert found.takes == "dim"
    assert found.space is not None
    assert list(found.space) == ["knob"]
    built = build_method(f"{own}:mine", 8, knob=0.1)
    assert built.projector(torch.zeros(2, 8)).shape == (2, 4)
    assert isinstance(build_learner(f"{own}:mine", nn.Linear(3, 8), 8, knob=0.1), Learner)


def test_a_users_learner_gets_the_backbone(own: Path) -> None:
    backbone = nn.Linear(3, 8)
    built = build_learner(f"{own}:whole", backbone, 8, knob=0.25)
    assert built.backbone is backbone
    assert built.knob == 0.25
    assert isinstance(projector_of(built), nn.Identity)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("undeclared", "is a function without a space; wanted a function declared with @method"),
        ("number", "is a int without a space"),
        ("missing", "has no 'missing'"),
    ],
)
def test_what_is_no_method_of_a_users_file(own: Path, name: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        find_method(f"{own}:{name}")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("wrong", "built a Linear; wanted a Method"),
        ("nothing", "built a NoneType; wanted a torch module with an attribute `backbone`"),
    ],
)
def test_what_a_builder_must_build(own: Path, name: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build_learner(f"{own}:{name}", nn.Linear(3, 8), 8)
