"""Methods of the user's own: builder and space belong together."""

import pytest
from torch import Tensor, nn

from hpo.errors import ConfigError
from hpo.methods import Learner, Method, Pair, learner, method
from hpo.methods.declaration import declaration_of
from search_spaces import Float

KNOB = Float(0.0, 1.0, default=0.5)


def test_a_builder_keeps_what_it_is() -> None:
    def mine(dim: int, *, knob: float) -> int:
        """Mine."""
        return dim

    declared = method(knob=KNOB)(mine)
    assert declared is mine
    assert declared(3, knob=0.1) == 3
    found = declaration_of(declared)
    assert found is not None
    assert (found.space, found.takes) == ({"knob": KNOB}, "dim")


def test_a_learner_takes_the_backbone() -> None:
    @learner()
    def mine(backbone: nn.Module) -> nn.Module:
        return backbone

    found = declaration_of(mine)
    assert found is not None
    assert (found.space, found.takes) == ({}, "backbone")


@pytest.mark.parametrize("thing", [None, 3, len, Learner])
def test_anything_else_is_not_declared(thing: object) -> None:
    assert declaration_of(thing) is None


def test_space_and_arguments_must_be_the_same() -> None:
    with pytest.raises(ConfigError, match=r"mine: its space has \['knbo'\], its .* are \['knob'\]"):

        @method(knbo=KNOB)
        def mine(dim: int, *, knob: float) -> None: ...


def test_the_hyperparameters_stand_after_a_star() -> None:
    with pytest.raises(ConfigError, match=r"mine: got the signature \(dim: .*after a `\*`"):

        @method(knob=KNOB)
        def mine(dim: int, knob: float) -> None: ...


def test_there_is_a_first_argument() -> None:
    with pytest.raises(ConfigError, match="wanted one argument, backbone, and its"):

        @learner(knob=KNOB)
        def mine(*, knob: float) -> None: ...


def test_a_declared_method_trains(digits: Tensor) -> None:
    class Distance(nn.Module):
        def forward(self, a: Tensor, b: Tensor) -> Tensor:
            return (a - b).square().mean()

    @method(knob=KNOB)
    def mine(dim: int, *, knob: float) -> Method:
        return Method(nn.Linear(dim, 4), Pair(Distance()))

    net = nn.Sequential(nn.Flatten(), nn.LazyLinear(8))
    made = Learner(net, mine(8, knob=0.1))
    views = [digits[:6].float(), digits[6:12].float()]
    made(views).backward()
    assert net[1].weight.grad is not None
