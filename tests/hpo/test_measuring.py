"""Measuring changes nothing, and gives what the measures give on the same embeddings."""

import copy
import math
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import objectives
from hpo.backbones import backbone_spec
from hpo.embedding import Normalisation, project
from hpo.measuring import Gauge, Initial, Measurement
from hpo.methods import Learner
from hpo.optimization import OptimizerPlan
from hpo.training import Training, TrainingPlan
from hpo.views import ViewPlan, ViewRecipe, random_views

RECIPE = ViewRecipe(hf_prob=0.0)
N_VIEWS = 3
PLAN = TrainingPlan(
    backbone=backbone_spec("resnet10_narrow", image_size=8, in_channels=1),
    method="simclr",
    optimizer=OptimizerPlan(lr=0.05, weight_decay=0.0),
    n_epochs=8,
    batch_size=16,
    views=ViewPlan(RECIPE, RECIPE),
    seed=0,
)


def made_gauge(digits: Tensor) -> Gauge:
    return Gauge(
        images=digits[:96],
        normalisation=Normalisation.of(digits),
        recipe=RECIPE,
        n_views=N_VIEWS,
        seed=11,
        device=torch.device("cpu"),
    )


gauge = pytest.fixture(scope="module")(made_gauge)


def trained(digits: Tensor, lr: float) -> Learner:
    plan = replace(PLAN, optimizer=replace(PLAN.optimizer, lr=lr))
    made = Training(plan, digits, Normalisation.of(digits), torch.device("cpu"))
    for _ in range(PLAN.n_epochs):
        made.run_epoch()
    return made.learner


@pytest.fixture(scope="module")
def initial(gauge: Gauge, digits: Tensor) -> Initial:
    untrained = Training(PLAN, digits, Normalisation.of(digits), torch.device("cpu"))
    return gauge.initial(untrained.learner, digits)


@pytest.fixture(scope="module")
def learner(digits: Tensor) -> Learner:
    return trained(digits, lr=PLAN.optimizer.lr)


def test_measuring_changes_nothing_and_repeats_itself(
    gauge: Gauge, initial: Initial, learner: Learner
) -> None:
    learner.train()
    before = copy.deepcopy(learner.state_dict())
    random_state = torch.get_rng_state()
    first, again = gauge.measure(learner, initial), gauge.measure(learner, initial)
    for name, value in learner.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert all(module.training for module in learner.modules())
    assert torch.equal(torch.get_rng_state(), random_state)
    assert first == again


def by_hand(learner: Learner, images: Tensor, normalisation: Normalisation) -> tuple[Tensor, ...]:
    """Features and embeddings of clean images, and features of views, in one go each."""
    net = copy.deepcopy(learner).eval()
    repeated = images.repeat_interleave(N_VIEWS, dim=0)
    views = random_views(repeated, RECIPE, torch.Generator().manual_seed(11))
    with torch.no_grad():
        features = net.backbone(normalisation(images / 255))
        of_views = net.backbone(normalisation(views)).view(len(images), N_VIEWS, -1)
        return features, net.projector(features), of_views


def test_the_values_are_those_of_the_measures(
    gauge: Gauge, initial: Initial, learner: Learner
) -> None:
    values = gauge.measure(learner, initial).values
    features, embeddings, views = by_hand(learner, gauge.images, gauge.normalisation)
    with torch.no_grad():
        projector = copy.deepcopy(learner).eval().projector
        projected = torch.stack([projector(v) for v in views.unbind(dim=1)], dim=1)
    fit = objectives.alpha_req(features, first_rank=4, last_rank=100)
    expected = {
        "alignment": objectives.alignment(projected),
        "alignment_backbone": objectives.alignment(views),
        "alpha_req": fit.alpha,
        "alpha_r_squared": fit.r_squared,
        "covariance_rank": objectives.covariance_rank(features),
        "guarded_alpha": objectives.guarded_alpha(features, views),
        "guarded_lidar": objectives.guarded_lidar(views),
        "guarded_rank": objectives.guarded_rank(features, views),
        "idest": objectives.idest(features).dimension,
        "lidar": objectives.lidar(views),
        "lidar_noise_corrected": objectives.lidar_noise_corrected(views),
        "moved": objectives.distance_from_initialisation(features, initial.features),
        "nesum": objectives.nesum(features),
        "participation_ratio": objectives.participation_ratio(features),
        "rankme": objectives.rankme(embeddings),
        "rankme_backbone": objectives.rankme(features),
        "self_cluster": objectives.self_cluster(features),
        "stable_rank": objectives.stable_rank(features),
        "uniformity": objectives.uniformity(embeddings),
        "uniformity_backbone": objectives.uniformity(features),
        "view_retrieval": objectives.view_retrieval(views),
    }
    assert values == pytest.approx(expected, rel=1e-3)
    assert all(math.isfinite(value) for value in values.values())


def test_both_layers_add_the_projectors_values_and_change_no_other(
    gauge: Gauge, initial: Initial, learner: Learner
) -> None:
    both = replace(gauge, both_layers=True)
    one, two = gauge.measure(learner, initial), both.measure(learner, initial)
    added = {name: value for name, value in two.values.items() if name not in one.values}
    assert {name: two.values[name] for name in one.values} == one.values
    assert (two.backbone, two.projector) == (one.backbone, one.projector)
    assert both.record_digest() != gauge.record_digest()

    _, embeddings, views = by_hand(learner, gauge.images, gauge.normalisation)
    projected = project(learner.projector, views, device=gauge.device)
    of_one = ("covariance_rank", "nesum", "participation_ratio", "self_cluster", "stable_rank")
    of_views = ("guarded_lidar", "lidar", "lidar_noise_corrected", "view_retrieval")
    expected = {
        "alpha_req": objectives.alpha_req(embeddings, first_rank=4, last_rank=100).alpha,
        "guarded_alpha": objectives.guarded_alpha(embeddings, projected),
        "guarded_rank": objectives.guarded_rank(embeddings, projected),
        "idest": objectives.idest(embeddings).dimension,
        **{name: getattr(objectives, name)(embeddings) for name in of_one},
        **{name: getattr(objectives, name)(projected) for name in of_views},
    }
    wanted = {f"{name}_projector": value for name, value in expected.items()}
    assert added == pytest.approx(wanted, rel=1e-3)
    # Each measure is there for both layers now: by its own name, and by the other layer's.
    other = [name for name in two.values if name.endswith(("_projector", "_backbone"))]
    assert {name.rpartition("_")[0] for name in other} == objectives.MEASURES.keys() - {"ssl_loss"}


def test_a_dead_projector_leaves_its_values_undefined_and_the_backbones_as_they_are(
    gauge: Gauge, initial: Initial, learner: Learner
) -> None:
    dead = copy.deepcopy(learner)
    with torch.no_grad():
        for parameter in dead.projector.parameters():
            parameter.zero_()
    both = replace(gauge, both_layers=True)
    one, two = gauge.measure(dead, initial).values, both.measure(dead, initial).values
    assert {name: two[name] for name in one} == pytest.approx(one, rel=0, abs=0, nan_ok=True)
    assert math.isnan(two["alpha_req_projector"])
    assert two["guarded_rank_projector"] == -math.inf < two["guarded_rank"]


def test_the_reports_are_those_of_backbone_and_projector(
    gauge: Gauge, initial: Initial, learner: Learner
) -> None:
    found = gauge.measure(learner, initial)
    features, embeddings, _ = by_hand(learner, gauge.images, gauge.normalisation)
    for report, values in ((found.backbone, features), (found.projector, embeddings)):
        assert report.kind is None
        assert report.evidence["rank"] == pytest.approx(objectives.rankme(values), rel=1e-3)


@pytest.mark.parametrize(
    "changed",
    [
        {"images": torch.zeros(96, 1, 8, 8, dtype=torch.uint8)},
        {"normalisation": Normalisation((0.5,), (0.5,))},
        {"recipe": ViewRecipe(hf_prob=0.0, min_scale=0.3)},
        {"n_views": 4},
        {"seed": 12},
    ],
)
def test_each_condition_is_in_the_record(gauge: Gauge, changed: dict[str, Any]) -> None:
    assert replace(gauge).record_digest() == gauge.record_digest()
    assert replace(gauge, **changed).record_digest() != gauge.record_digest()


def test_one_pixel_or_one_image_less_is_another_record(gauge: Gauge) -> None:
    pixel = gauge.images.clone()
    pixel[0, 0, 0, 0] += 1
    for images in (pixel, gauge.images[:-1]):
        assert replace(gauge, images=images).record_digest() != gauge.record_digest()


def test_who_is_told_of_batches_is_no_condition(gauge: Gauge) -> None:
    other = replace(gauge, on_batch=lambda: print())
    assert other.record_digest() == gauge.record_digest()


@pytest.mark.parametrize("part", ["backbone", "projector"])
def test_weights_that_are_not_finite_are_reported(
    gauge: Gauge, initial: Initial, learner: Learner, part: str
) -> None:
    broken = copy.deepcopy(learner)
    with torch.no_grad():
        next(getattr(broken, part).parameters()).fill_(math.nan)
    found = gauge.measure(broken, initial)
    kinds = {"backbone": found.backbone.kind, "projector": found.projector.kind}
    assert kinds[part] == "not finite"
    assert "96 of 96 embeddings" in getattr(found, part).reason
    assert found.values == {}


def test_dead_weights_are_a_collapse_and_leave_measures_undefined(
    gauge: Gauge, initial: Initial, learner: Learner
) -> None:
    dead = copy.deepcopy(learner)
    with torch.no_grad():
        for norm in dead.backbone.modules():
            if isinstance(norm, nn.BatchNorm2d):
                norm.weight.zero_()
                norm.bias.fill_(1.0)
    found = gauge.measure(dead, initial)
    assert found.backbone.kind == "constant"
    assert math.isnan(found.values["alpha_req"])
    assert math.isnan(found.values["moved"])


def test_a_network_that_did_not_learn_has_not_moved(
    gauge: Gauge, initial: Initial, learner: Learner, digits: Tensor
) -> None:
    """Though it went through every step of a training, and so did its BatchNorm."""
    still = trained(digits, lr=1e-9)
    unmoved = gauge.measure(still, initial).values["moved"]
    assert 0 <= unmoved < 0.02
    assert gauge.measure(learner, initial).values["moved"] > max(0.05, 5 * unmoved)


def test_the_initial_network_is_a_copy(gauge: Gauge, digits: Tensor) -> None:
    made = Training(PLAN, digits, Normalisation.of(digits), torch.device("cpu"))
    before = copy.deepcopy(made.learner.state_dict())
    found = gauge.initial(made.learner, digits)
    assert all(
        torch.equal(value, before[name]) for name, value in made.learner.state_dict().items()
    )
    assert found.features.shape == (96, 128)
    made.run_epoch()
    weights = found.network.state_dict()["conv1.weight"]
    assert torch.equal(weights, before["backbone.conv1.weight"])


def test_a_callback_can_stop_the_measuring(
    gauge: Gauge, initial: Initial, learner: Learner
) -> None:
    class Stop(Exception):
        pass

    def stop() -> None:
        raise Stop

    with pytest.raises(Stop):
        replace(gauge, on_batch=stop).measure(learner, initial)
    assert isinstance(gauge.measure(learner, initial), Measurement)


def test_without_a_projector_features_are_measured_about_their_mean(
    gauge: Gauge, learner: Learner, digits: Tensor
) -> None:
    """An offset that all images share changes nothing then, and everything otherwise."""

    class Shifted(nn.Module):
        def __init__(self, offset: float) -> None:
            super().__init__()
            self.net, self.offset = copy.deepcopy(learner.backbone), offset

        def forward(self, images: Tensor) -> Tensor:
            return self.net(images) + self.offset

    found = {}
    for centred, offset in product((True, False), (0.0, 50.0)):
        about, made = replace(gauge, centred=centred), nn.Module()
        made.backbone = Shifted(offset)
        found[centred, offset] = about.measure(made, about.initial(made, digits))
    assert found[True, 50.0].backbone.kind is None
    assert found[False, 50.0].backbone.kind == "constant"
    for name in ("rankme", "alpha_req", "view_retrieval", "guarded_rank"):
        near = pytest.approx(found[True, 0.0].values[name], rel=1e-3)
        assert found[True, 50.0].values[name] == near
    assert found[False, 50.0].values["rankme"] < 0.5 * found[True, 0.0].values["rankme"]
    assert replace(gauge, centred=True).record_digest() != gauge.record_digest()
