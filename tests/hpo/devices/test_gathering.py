"""Two devices train what one does: loss, gradient, banks, centres and momentum copies."""

import math
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from hpo.devices import DeviceGroup
from hpo.errors import ConfigError
from hpo.methods import METHODS
from hpo.training import Training, TrainingPlan
from tests.hpo.devices.trials import OWN, alone, digits, plan

# The other methods take their turn with the slow tests.
FAST = ("simclr", "vicreg", "barlow_twins", "byol", "mocov2", "dino")


def of(method: str, **changed: Any) -> TrainingPlan:
    # Barlow Twins' loss is a thousand times that of the others.
    lr = 1e-3 if method == "barlow_twins" else 0.05
    return plan(method=f"{OWN}:without_norms", method_parameters={"of": method}, lr=lr, **changed)


PLANS = {name: of(name) for name in METHODS}
PLANS["simclr in two parts"] = of("simclr", accumulate=2)
PLANS["simclr, clipped"] = of("simclr", clip_norm=0.1)
PLANS["vicreg that gathers itself"] = plan(method=f"{OWN}:gathering_itself")
PLANS["a mean over images"] = plan(method=f"{OWN}:shared_reconstruction")
SLOW = sorted(set(METHODS) - set(FAST))


Result = tuple[float, dict[str, Tensor]]


def trained(made: Training) -> Result:
    return made.run_epoch(), {name: t.clone() for name, t in made.learner.state_dict().items()}


@pytest.fixture(scope="module")
def by_one() -> dict[str, Result]:
    """Before the group is open: DINO's centre looks at `torch.distributed`."""
    return {name: trained(alone(each)) for name, each in PLANS.items()}


@pytest.fixture(scope="module")
def group(by_one: dict[str, Result]) -> Iterator[DeviceGroup]:
    with DeviceGroup(2, "cpu", digits, timeout_seconds=60) as opened:
        yield opened


def test_the_single_device_is_not_disturbed(by_one: dict[str, Result]) -> None:
    assert all(math.isfinite(loss) for loss, _ in by_one.values())


@pytest.mark.parametrize("name", [name for name in PLANS if name not in SLOW])
def test_two_devices_train_what_one_does(
    name: str, group: DeviceGroup, by_one: dict[str, Result]
) -> None:
    compare(name, group, by_one)


@pytest.mark.slow
@pytest.mark.parametrize("name", SLOW)
def test_the_other_methods_too(name: str, group: DeviceGroup, by_one: dict[str, Result]) -> None:
    compare(name, group, by_one)


def compare(name: str, group: DeviceGroup, by_one: dict[str, Result]) -> None:
    """After three steps, to 1e-5 of the loss and 1e-4 of the way that the weights went."""
    made = group.training(PLANS[name], *digits())
    start = {key: t.clone() for key, t in made.learner.state_dict().items()}
    loss, state = trained(made)
    expected_loss, expected = by_one[name]
    assert loss == pytest.approx(expected_loss, rel=1e-5, abs=1e-6)
    assert list(state) == list(expected)
    way = distance(expected, start)
    assert way > 0
    assert distance(state, expected) < 1e-4 * way


def distance(one: dict[str, Tensor], other: dict[str, Tensor]) -> float:
    return math.sqrt(sum((one[k].double() - other[k].double()).square().sum().item() for k in one))


def test_a_loss_of_its_own_that_may_compare_images_is_refused(group: DeviceGroup) -> None:
    with pytest.raises(ConfigError, match="Reconstruction that computes its own loss"):
        group.training(plan(method=f"{OWN}:reconstruction"), *digits())
    assert math.isfinite(group.training(plan(), *digits()).run_epoch())


def test_every_device_ends_with_the_same_weights_teacher_and_bank(group: DeviceGroup) -> None:
    """With BatchNorm too: the leader's state, loaded by all, changes nothing for any of them."""
    results = []
    for reload in (False, True):
        made = group.training(plan(method="mocov2"), *digits())
        made.run_epoch()
        if reload:
            made.load_state_dict(made.state_dict())
        results.append((made.run_epoch(), made.learner.state_dict()))
    assert results[0][0] == results[1][0]
    for key, tensor in results[0][1].items():
        assert torch.equal(tensor, results[1][1][key]), key
