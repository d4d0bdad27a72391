"""Probes of real backbones: made once, kept, and without a trace in the backbone."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from hpo.errors import ConfigError, StorageError
from hpo.prober import Prober, backbone_weights, feature_cache
from hpo.probing import trial_backbone
from tests.hpo.made_study import MadeStudy, make_study


@pytest.fixture
def made(tmp_path: Path) -> MadeStudy:
    made = make_study(tmp_path / "study")
    for _ in range(2):
        made.add()
    return made


def state_bytes(network: nn.Module) -> dict[str, bytes]:
    return {name: t.numpy().tobytes() for name, t in network.state_dict().items()}


def test_a_probe_is_recorded_with_its_place_in_the_order(made: MadeStudy) -> None:
    prober = made.prober()
    prober.baselines(made.network(999))
    first, second = prober.trial(1), prober.trial(0)
    attrs = made.study.user_attrs
    assert attrs["probe/1"] == first
    assert attrs["probe/0"] == second
    assert (attrs["probe/untrained"]["order"], attrs["probe/pixels"]["order"]) == (0, 0)
    assert (first["order"], second["order"]) == (1, 2)
    assert 0 < first["cross_validated"] <= 1
    assert {"knn", "few_shot_1", "regularisation", "reported", "n_reported"} <= set(first)
    assert prober.accuracies == {n: attrs[f"probe/{n}"]["cross_validated"] for n in (0, 1)}


def test_a_probe_that_was_made_is_never_made_again(made: MadeStudy) -> None:
    first = made.prober().trial(0)
    made.directory.checkpoint(0).unlink()
    for path in (made.directory.out / "features").iterdir():
        path.unlink()
    assert made.again().prober().trial(0) == first


def test_another_process_embeds_nothing(made: MadeStudy) -> None:
    """The features alone are left; the record is gone, as if killed before it was stored."""
    first = made.prober().trial(0)
    other = MadeStudy(made.directory, made.workload, make_study(made.directory.out / "b").study)
    other.add()
    other.directory.checkpoint(0).write_bytes(b"never read")
    assert other.prober().trial(0)["cross_validated"] == first["cross_validated"]


def test_features_are_of_the_trial_and_of_its_epoch(made: MadeStudy) -> None:
    prober = made.prober()
    prober.trial(0)
    prober.trial(1)
    names = sorted(path.name for path in (made.directory.out / "features").iterdir())
    assert names == ["trial-0000-0006.safetensors", "trial-0001-0006.safetensors"]


@pytest.mark.parametrize("mode", [True, False])
def test_every_buffer_and_weight_is_the_same_to_the_byte_after_a_probe(
    made: MadeStudy, mode: bool
) -> None:
    network = made.network(3).train(mode)
    # As training leaves one part in evaluation mode, so must the probe.
    frozen = next(m for m in network.modules() if isinstance(m, nn.BatchNorm2d)).eval()
    before = state_bytes(network)
    modes = [m.training for m in network.modules()]
    made.prober().baselines(network)
    assert "probe/untrained" in made.study.user_attrs
    assert state_bytes(network) == before
    assert any(name.endswith("running_var") for name in before)
    assert [m.training for m in network.modules()] == modes
    assert not frozen.training
    assert all(p.grad is None for p in network.parameters())


def test_the_check_of_bytes_can_fail(made: MadeStudy) -> None:
    network = made.network(3).train()
    before = state_bytes(network)
    with torch.no_grad():
        network(torch.rand(4, made.workload.backbone.in_channels, 8, 8))
    assert state_bytes(network) != before


def test_the_end_of_the_searchs_time_does_not_break_a_probe_off(made: MadeStudy) -> None:
    from hpo.budget import Budget
    from hpo.interruption import StopFlag
    from hpo.meter import BudgetSpent, Meter

    meter = Meter(made.study, Budget(1.0), StopFlag(), started=-1e6)
    meter.phase = "search"
    with pytest.raises(BudgetSpent):
        meter.tick()
    prober = Prober(made.study, made.directory, made.workload, meter, made.notes)
    prober.trial(0)
    assert meter.phase == "search"
    assert made.probes() == [0]


def test_the_cost_of_a_probe_is_measured(made: MadeStudy) -> None:
    prober = made.prober()
    assert not prober.probe_seconds > 0
    prober.baselines(made.network(999))
    untrained = made.study.user_attrs["probe/untrained"]["seconds"]
    assert prober.probe_seconds == untrained > 0
    assert prober.trial(0)["seconds"] > 0
    both = [untrained, made.study.user_attrs["probe/0"]["seconds"]]
    assert prober.probe_seconds == pytest.approx(sum(both) / 2)


def test_what_is_left_of_a_trial_says_whether_it_can_be_probed(made: MadeStudy) -> None:
    prober = made.prober()
    assert prober.can_probe(0)
    prober.trial(0)
    made.directory.checkpoint(0).unlink()
    made.directory.checkpoint(1).unlink()
    assert prober.can_probe(0)
    assert not prober.can_probe(1)
    with pytest.raises(StorageError, match="checkpoint cannot be read"):
        prober.trial(1)


def kept_on_the_way(made: MadeStudy, number: int, epoch: int) -> Path:
    """Keep features of a network at a rung, as a trial does; return their file."""
    assert made.workload.probe is not None
    cache = feature_cache(made.directory, made.workload, made.workload.probe)
    images = made.workload.probe.images
    features = torch.randn(len(images), made.workload.backbone.dim)
    cache.features(trial_backbone(number, epoch), lambda: features)
    return cache.path(trial_backbone(number, epoch))


def test_a_probe_on_the_way_is_recorded_under_its_rung(made: MadeStudy) -> None:
    kept_on_the_way(made, 0, 2)
    prober = made.prober()
    record = prober.on_the_way(0, 2)
    assert record is not None
    assert made.study.user_attrs["rung_probe/0/2"] == record
    assert (record["order"], prober.accuracies, prober.known(0)) == (0, {}, None)
    assert prober.on_the_way(0, 1) is None


def test_a_probe_on_the_way_that_was_made_needs_its_features_no_more(made: MadeStudy) -> None:
    """Nor are they read again: that would take as long as the study has trials, each time."""
    path = kept_on_the_way(made, 0, 2)
    first = made.prober().on_the_way(0, 2)
    path.unlink()
    assert made.again().prober().on_the_way(0, 2) == first


def test_damaged_features_of_a_rung_are_passed_over_and_noted_once(made: MadeStudy) -> None:
    path = kept_on_the_way(made, 0, 2)
    path.write_bytes(path.read_bytes()[:-9])
    prober = made.prober()
    assert [prober.on_the_way(0, 2) for _ in range(3)] == [None, None, None]
    assert [line.split(": ")[1][:8] for line in made.notes.lines] == ["not used"]
    assert "rung_probe/0/2" not in made.study.user_attrs


def test_without_labelled_images_nobody_probes(tmp_path: Path) -> None:
    made = make_study(tmp_path / "study", labels=False)
    with pytest.raises(ConfigError, match="labels: the study has no labelled images"):
        made.prober()


def test_the_backbone_alone_is_taken_out_of_a_training_state() -> None:
    learner = {"backbone.conv1.weight": torch.ones(1), "projector.0.weight": torch.ones(1)}
    learner["teacher.0.backbone.conv1.weight"] = torch.ones(1)
    assert set(backbone_weights({"learner": learner})) == {"conv1.weight"}
