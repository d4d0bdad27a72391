"""A study that probes every trial at every rung, as a table wants it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import optuna
import pytest
import torch
from torch import Tensor, nn

import hpo.prober
from hpo.checkpoint import save_checkpoint
from hpo.embedding import embed
from hpo.methods import backbone_of
from hpo.online_filter import OnlineFilter
from hpo.probing import probe, split_probe
from hpo.record import TrialRow, read_rows
from hpo.rung_features import features_keeper
from hpo.study import run_study
from hpo.workload import LabelledImages, Workload, prepare
from tests.hpo.made_study import make_study
from tests.hpo.studies import tiny

# Of the first seven trials by this seed two finish, three die of their learning rate, and two
# fall behind; the eighth repeats one that finished.
TABLE: dict[str, Any] = {
    "trials": 7,
    "epochs": 2,
    "rung_factor": 2,
    "max_images": 340,
    "measure_images": 64,
    "check_labels": True,
    "probe_all": True,
    "probe_rungs": True,
    "probe_images": 40,
    "sampler": "random",
    "filter": False,
    "seed": 7,
    "space": {"lr": [1e-3, 30.0]},
    "finalists": 1,
    "replicates": 1,
}
SHORT = {**TABLE, "trials": 2, "replicates": 0}


class Killed(BaseException):
    """Stands for the end of the process."""


class Made:
    """A study that was run, and how many probes that took."""

    def __init__(self, out: Path, **options: Any) -> None:
        self.config = tiny(out, **options)
        self.n_probes = 0
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(hpo.prober, "probe", self._counted)
            self.study = run_study(self.config)
        self.rows = read_rows(self.study, running=False)

    def _counted(self, *arguments: Any, **named: Any) -> dict[str, float]:
        self.n_probes += 1
        return probe(*arguments, **named)

    def row(self, state: str, *, replicate: bool = False) -> TrialRow:
        found = (r for r in self.rows if r.state == state)
        return next(r for r in found if (r.replicate_of is not None) is replicate)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return Made(tmp_path_factory.mktemp("table") / "s", **TABLE)


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return Made(tmp_path_factory.mktemp("short") / "s", **SHORT)


def records(study: optuna.Study) -> dict[str, dict[str, float]]:
    """All probes but for what they took and when they were made."""
    return {
        key: {name: value for name, value in record.items() if name not in ("seconds", "order")}
        for key, record in study.user_attrs.items()
        if key.startswith(("probe/", "rung_probe/"))
    }


def wanted(rows: list[TrialRow]) -> set[str]:
    """A probe of each trial at each rung; the last of a finished one is a probe as any other."""
    keys = {"probe/untrained", "probe/pixels"}
    for row in rows:
        keys |= {f"rung_probe/{row.number}/{epoch}" for epoch in row.rungs}
        if row.state == "finished" and row.replicate_of is None:
            keys -= {f"rung_probe/{row.number}/{row.epoch}"}
            keys |= {f"probe/{row.number}"}
    return keys


def test_every_trial_is_probed_at_each_rung_that_it_reached_once(table: Made) -> None:
    assert {row.state for row in table.rows} == {"finished", "collapsed", "pruned"}
    assert table.row("finished").rungs == (1, 2)
    assert table.row("finished", replicate=True).rungs == (1, 2)
    assert table.row("pruned").rungs == (1,)
    found = records(table.study)
    assert set(found) == wanted(table.rows)
    assert table.n_probes == len(found)
    assert all(0 <= record["cross_validated"] <= 1 for record in found.values())


@pytest.fixture(scope="module")
def workload(table: Made) -> Workload:
    return prepare(table.config)


def probed_directly(workload: Workload, row: TrialRow, epoch: int) -> dict[str, float]:
    """Train a trial's network to an epoch, and probe it with nothing in between."""
    assert workload.probe is not None
    training = workload.begin(workload.plan(row.hyperparameters, row.seed))
    for _ in range(epoch):
        training.run_epoch()
    network, seed = backbone_of(training.learner), workload.config.seed
    x, _ = embed(
        network, None, workload.probe.images, workload.normalisation, device=workload.device
    )
    labels = workload.probe.labels
    record = dict(probe(x, labels, split_probe(labels, seed=seed), seed=seed))
    del record["seconds"]
    return record


@pytest.mark.parametrize(
    ("state", "replicate", "epoch"),
    [
        ("finished", False, 1),
        ("finished", False, 2),
        ("finished", True, 2),
        ("collapsed", False, 1),
        ("pruned", False, 1),
    ],
)
def test_it_is_what_a_probe_of_the_network_as_it_was_there_says(
    table: Made, workload: Workload, state: str, replicate: bool, epoch: int
) -> None:
    row = table.row(state, replicate=replicate)
    last = state == "finished" and not replicate and epoch == row.epoch
    key = f"probe/{row.number}" if last else f"rung_probe/{row.number}/{epoch}"
    assert records(table.study)[key] == probed_directly(workload, row, epoch)


def test_probes_on_the_way_decide_nothing(table: Made) -> None:
    """What they add to a study is their records and nothing else."""
    options = {**TABLE, "probe_rungs": False, "trials": 2, "replicates": 0}
    without = run_study(tiny(table.config.out.parent / "without", **options))
    found = {t.number: t.intermediate_values for t in table.study.trials[:2]}
    assert {t.number: t.intermediate_values for t in without.trials} == found
    assert not any(key.startswith("rung_probe/") for key in without.user_attrs)
    orders = [v["order"] for k, v in table.study.user_attrs.items() if k.startswith("rung_probe/")]
    assert set(orders) == {0}


def test_killed_between_its_writes_a_study_has_all_probes_in_the_end(
    short: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once before a rung's checkpoint, and once before the probes that follow the last trial."""
    out, saves = tmp_path / "s", list[int]()

    def save(path: Path, state: dict[str, Any]) -> None:
        saves.append(1)
        if len(saves) == 2:
            raise Killed
        save_checkpoint(path, state)

    monkeypatch.setattr("hpo.objective.save_checkpoint", save)
    with pytest.raises(Killed):
        run_study(tiny(out, **SHORT))
    features = sorted(path.name for path in (out / "features").glob("trial-0000-*"))
    assert features == ["trial-0000-0001.safetensors", "trial-0000-0002.safetensors"]

    ended: list[int] = []
    after_trial = OnlineFilter.after_trial

    def killed_after_the_last(online: OnlineFilter) -> None:
        ended.append(1)
        if len(ended) == SHORT["trials"]:
            raise Killed
        after_trial(online)

    monkeypatch.setattr(OnlineFilter, "after_trial", killed_after_the_last)
    with pytest.raises(Killed):
        run_study(tiny(out, **SHORT))
    monkeypatch.undo()
    study = run_study(tiny(out, **SHORT))
    assert set(records(study)) == wanted(read_rows(study, running=False))
    assert records(study) == records(short.study)


@pytest.mark.slow
def test_two_workers_make_the_same_probes_as_one(short: Made, tmp_path: Path) -> None:
    study = run_study(tiny(tmp_path / "s", **SHORT, **{"workers": 2}))
    assert {row.worker for row in read_rows(study, running=False)} == {0, 1}
    assert records(study) == records(short.study)


class Broken(nn.Module):
    """Features of which one is not a number."""

    def forward(self, images: Tensor) -> Tensor:
        features = images.new_ones(len(images), 128)
        features[0, 0] = math.nan
        return features


class Learning:
    """As much of a training as a keeper looks at."""

    def __init__(self, backbone: nn.Module) -> None:
        self.learner, self.epoch = nn.Module(), 2
        self.learner.backbone = backbone


def test_features_that_are_not_finite_are_not_kept_and_not_probed(tmp_path: Path) -> None:
    options = {"probe_all": True, "probe_rungs": True, "max_images": 340, "probe_images": 40}
    made = make_study(tmp_path / "study", **options)
    keep = features_keeper(made.workload, made.directory, lambda: None)
    keep(0, Learning(Broken()))  # type: ignore[arg-type]
    keep(1, Learning(made.network(1)))  # type: ignore[arg-type]
    kept = [path.name for path in (made.directory.out / "features").iterdir()]
    assert kept == ["trial-0001-0002.safetensors"]
    prober = made.prober()
    assert prober.on_the_way(0, 2) is None
    record = prober.on_the_way(1, 2)
    assert record is not None
    assert record["order"] == 0
    probes = {key for key in made.study.user_attrs if "probe/" in key}
    assert probes == {"rung_probe/1/2"}


@pytest.mark.parametrize("options", [{"probe_all": True}, {"labels": False}])
def test_nothing_is_embedded_unless_it_was_asked_for(
    tmp_path: Path, options: dict[str, Any]
) -> None:
    made = make_study(tmp_path / "study", max_images=340, **options)
    keep = features_keeper(made.workload, made.directory, lambda: None)
    keep(0, Learning(made.network(1)))  # type: ignore[arg-type]
    assert not (made.directory.out / "features").exists()


def test_a_stop_is_heeded_while_features_are_embedded(tmp_path: Path) -> None:
    options = {"probe_all": True, "probe_rungs": True, "max_images": 340, "probe_images": 40}
    made = make_study(tmp_path / "study", **options)
    assert isinstance(made.workload.probe, LabelledImages)

    def stop() -> None:
        raise Killed

    keep = features_keeper(made.workload, made.directory, stop)
    with pytest.raises(Killed), torch.no_grad():
        keep(0, Learning(made.network(1)))  # type: ignore[arg-type]
    assert not (made.directory.out / "features").exists()
