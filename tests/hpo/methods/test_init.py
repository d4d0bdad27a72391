"""Methods by name, with the hyperparameters of their search spaces."""

import pytest
from torch import Tensor

import search_spaces
from hpo.errors import ConfigError
from hpo.methods import METHODS, build_method
from tests.hpo.methods.steps import small_learner, two_views


def own_parameters(name: str) -> dict[str, float]:
    defaults = search_spaces.get(name, optimizer="adamw").defaults
    return {k: float(v) for k, v in defaults.items() if k not in ("lr", "weight_decay")}


def test_every_method_has_a_search_space_and_every_space_a_method() -> None:
    assert set(METHODS) == set(search_spaces.method_names())


@pytest.mark.parametrize("name", METHODS)
def test_every_hyperparameter_of_the_space_has_an_effect(name: str, digits: Tensor) -> None:
    parameters = own_parameters(name)
    assert parameters
    views = two_views(digits)
    learner = small_learner(name, **parameters)
    loss = learner(views).item()
    for parameter, value in parameters.items():
        changed = small_learner(name, **{**parameters, parameter: 2 * value})
        if parameter == "one_minus_momentum":  # shows in the teacher's movement, not in a step
            assert changed.momentum == pytest.approx(1 - 2 * value)
        else:
            assert changed(views).item() != pytest.approx(loss, rel=1e-4), parameter


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("simclrv2", "method: got 'simclrv2', .* Did you mean 'simclr'?"),
        ("barlow", "Did you mean 'barlow_twins'?"),
        ("dino", "Known: barlow_twins, byol, simclr, vicreg."),
    ],
)
def test_an_unknown_method_is_refused_with_the_nearest_name(name: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build_method(name, 128)
