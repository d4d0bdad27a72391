"""A worker of a cluster by itself, in this process: what it trains, keeps and says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hpo.devices import DeviceLostError
from hpo.errors import StudyMismatchError
from hpo.ray_tune.checkpoint_store import FILE, CheckpointStore
from hpo.ray_tune.parcel import send
from hpo.ray_tune.reports import REPORT, Report, Task
from hpo.ray_tune.study_trainable import StudyTrainable, trainable_of
from hpo.workers.worker import pack
from hpo.workload import prepare
from tests.hpo.studies import tiny

METHOD = """
from pathlib import Path
from hpo.devices import DeviceLostError
from hpo.methods import METHODS, method
from search_spaces import Float

@method(temperature=Float(0.05, 1.0, default=0.2, log=True))
def mine(dim, *, temperature):
    told = Path({here!r}) / "raise"
    if told.exists():
        exec(told.read_text())
    return METHODS["simclr"](dim, temperature=temperature)
"""
RUNGS = (1, 3)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Outside of an experiment a Trainable makes a folder for its log in the home directory."""
    folder = tmp_path_factory.mktemp("worker")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ray.tune.trainable.trainable.DEFAULT_STORAGE_PATH", str(folder))
        yield folder


@pytest.fixture(scope="module")
def task(here: Path) -> Task:
    (here / "my_method.py").write_text(METHOD.format(here=str(here)))
    config = tiny(
        here / "s",
        engine="ray",
        method=f"{here}/my_method.py:mine",
        epochs=3,
        max_images=400,
        measure_images=64,
    )
    workload = prepare(config)
    plan = workload.plan({**workload.space.defaults, **workload.space.fixed})
    initial = workload.gauge.initial(workload.begin(plan).learner, workload.train)
    store = CheckpointStore(str(here / "ray"))
    return Task(
        config=config,
        threads=1,
        identity=workload.identity,
        initial=send(store, f"{store.url}/untrained", pack(initial)),
        rungs=RUNGS,
        folder=str(Path.cwd()),
    )


@pytest.fixture
def worker(task: Task) -> Iterator[StudyTrainable]:
    made = begin(task)
    yield made
    made.stop()


def begin(task: Task, **config: Any) -> StudyTrainable:
    defaults = {"lr": 1e-3, "weight_decay": 0.01, "temperature": 0.2}
    given = {"number": 0, "hyperparameters": defaults, "seed": None, "checkpoint": None}
    return trainable_of(task)(config={**given, **config})


def step(worker: StudyTrainable) -> Report:
    report: Report = worker.train()[REPORT]
    return report


def failing(here: Path, code: str, worker: StudyTrainable) -> Report:
    """What it says of a step in which a user's code is run."""
    (here / "raise").write_text(code)
    try:
        return step(worker)
    finally:
        (here / "raise").unlink()


def to_the_end(worker: StudyTrainable) -> list[Report]:
    reports = [step(worker)]
    while reports[-1].rung != RUNGS[-1]:
        reports.append(step(worker))
    return reports


def test_it_says_what_it_measured_and_spent_and_goes_on_from_a_checkpoint(
    worker: StudyTrainable, task: Task, here: Path
) -> None:
    first = step(worker)
    assert (first.epoch, first.rung, first.rungs_measured) == (1, 1, (1,))
    assert first.n_images > 0
    saved = CheckpointStore(str(here / "kept"))
    worker.save_checkpoint(saved.path)
    rest = to_the_end(worker)
    assert rest[-1].record is not None
    assert sum(report.n_images for report in rest) == 2 * first.n_images
    other = begin(task, checkpoint=saved.url)
    again = to_the_end(other)
    other.stop()
    # What was measured before is said again, and not trained again.
    assert (again[0].rung, again[0].record, again[0].n_images) == (1, first.record, 0)
    assert again[-1].record is not None
    assert again[-1].record["values"]["rankme"] == rest[-1].record["values"]["rankme"]
    assert len({report.serial for report in (first, *rest, *again)}) == 1 + len(rest) + len(again)
    assert FILE in {path.name for path in Path(saved.path).iterdir()}


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("raise RuntimeError('no luck\\ntoday')", "RuntimeError: no luck"),
        ("raise MemoryError", "MemoryError"),
        ("bytearray(2**62)", "MemoryError"),
    ],
)
def test_what_ends_one_trial_is_said_and_the_next_one_trains(
    code: str, said: str, worker: StudyTrainable, here: Path
) -> None:
    report = failing(here, code, worker)
    assert (report.error, report.fault, report.rung) == (said, None, 0)
    assert worker.reset_config({**worker.config, "number": 1})
    assert step(worker).rung == 1


def test_a_lost_device_is_for_ray_to_mend(worker: StudyTrainable, here: Path) -> None:
    with pytest.raises(DeviceLostError, match="device 1"):
        failing(here, "raise DeviceLostError('device 1: gone')", worker)


def test_what_no_trial_would_survive_is_a_fault(task: Task, here: Path) -> None:
    worker = begin(Task(**{**vars(task), "identity": {"images": "others"}}))
    report = step(worker)
    worker.stop()
    assert isinstance(report.fault, StudyMismatchError)
    assert "in the worker of trial 0" in report.fault.__notes__[0]
    assert report.error == ""
