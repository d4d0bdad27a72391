"""What the backbone gained over the untrained one, where a projector is in doubt."""

import copy
import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from hpo.embedding import Normalisation, embed_views
from hpo.measuring import Gauge, Initial
from hpo.methods import Learner
from hpo.training import Training
from objectives import view_retrieval
from tests.hpo.test_measuring import N_VIEWS, PLAN, RECIPE, made_gauge, trained

gauge = pytest.fixture(scope="module")(made_gauge)


def untrained(gauge: Gauge, digits: Tensor) -> Initial:
    start = Training(PLAN, digits, Normalisation.of(digits), torch.device("cpu"))
    return gauge.initial(start.learner, digits)


@pytest.fixture(scope="module")
def dead(digits: Tensor) -> Learner:
    """A trained network whose projector says the same of every image."""
    made = copy.deepcopy(trained(digits, lr=PLAN.optimizer.lr))
    with torch.no_grad():
        for parameter in made.projector.parameters():
            parameter.zero_()
    return made


def retrieval(backbone: torch.nn.Module, gauge: Gauge) -> float:
    views = embed_views(
        backbone,
        gauge.images,
        gauge.normalisation,
        recipe=RECIPE,
        n_views=N_VIEWS,
        seed=11,
        device=gauge.device,
    )
    return view_retrieval(views)


def test_a_dead_projector_is_measured_with_what_its_backbone_gained(
    gauge: Gauge, digits: Tensor, dead: Learner
) -> None:
    initial = untrained(gauge, digits)
    found = gauge.measure(dead, initial)
    assert found.projector.kind is not None
    expected = retrieval(dead.backbone, gauge) / retrieval(initial.network, gauge)
    assert found.gain == pytest.approx(expected)
    assert found.gain != pytest.approx(1.0)


def test_a_healthy_network_is_not_asked(gauge: Gauge, digits: Tensor) -> None:
    initial = untrained(gauge, digits)
    found = gauge.measure(trained(digits, lr=PLAN.optimizer.lr), initial)
    assert found.projector.kind is None
    assert math.isnan(found.gain)
    assert initial.retrieval == []


def test_the_untrained_network_is_measured_once(
    gauge: Gauge, digits: Tensor, dead: Learner
) -> None:
    batches = 0

    def count() -> None:
        nonlocal batches
        batches += 1

    counting, initial = replace(gauge, on_batch=count), untrained(gauge, digits)
    first = counting.measure(dead, initial)
    with_untrained, batches = batches, 0
    assert counting.measure(dead, initial) == first
    assert 0 < batches < with_untrained
