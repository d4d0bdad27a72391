"""Chosen settings wait in a study for `goldilocks run` to train them, each as it was named."""

import gzip
import math
import time
from pathlib import Path

import numpy as np
import pytest

from benchmarks.tabular import cells as table_cells
from benchmarks.tabular.cells import METHODS, ChosenSettings, cells
from benchmarks.tabular.collapse_settings import FAMILIES, Family, setting_of, studies
from benchmarks.tabular.collect import enqueue_settings
from benchmarks.tabular.sweep_settings import CENTRE, axes, centre_value, sweeps
from hpo.asking import Asking
from hpo.budget import Budget
from hpo.cli.run_options import ranges
from hpo.config import StudyConfig
from hpo.interruption import StopFlag
from hpo.meter import Clock
from hpo.methods import build_method
from hpo.storage import StudyDirectory, load_study

ALL = [*studies(), *sweeps()]


def config_of(study: ChosenSettings, folder: Path) -> StudyConfig:
    """What `goldilocks run` makes of the arguments, as far as they concern the space."""
    given = study.arguments(folder, len(study.settings))
    spaces = [given[i + 1] for i, word in enumerate(given) if word == "--space"]
    return StudyConfig(
        method=study.method,
        optimizer=given[given.index("--optimizer") + 1],
        space=ranges(spaces) or {},
        seed=int(given[given.index("--seed") + 1]),
    )


@pytest.fixture(autouse=True)
def two_pictures(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Fashion-MNIST is Debian's package, which not every machine has: two pictures in its place."""
    for name, head in (("images-idx3", (2051, 2, 28, 28)), ("labels-idx1", (2049, 2))):
        content = np.array(head, ">i4").tobytes() + bytes(math.prod(head[1:]))
        (tmp_path / f"train-{name}-ubyte.gz").write_bytes(gzip.compress(content))
    monkeypatch.setattr(table_cells, "FASHION", tmp_path / "train-images-idx3-ubyte.gz")


@pytest.mark.parametrize("study", ALL, ids=lambda study: study.name)
def test_every_point_is_one_of_the_space_that_the_command_searches(
    study: ChosenSettings, tmp_path: Path
) -> None:
    space = config_of(study, tmp_path).search_space()
    points = study.points()
    assert list(points) == list(study.settings)
    for name, point in points.items():
        assert set(point) == set(space.dimensions)
        assert all(space.dimensions[key].contains(value) for key, value in point.items())
        assert study.settings[name].items() <= point.items()
    assert len({str(sorted(point.items())) for point in points.values()}) == len(points)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_every_method_of_the_collapse_study_can_be_built_with_its_settings(family: Family) -> None:
    study = next(s for s in studies() if s.name.startswith(f"{family.name}-"))
    for point in study.points().values():
        own = {k: v for k, v in point.items() if k not in ("lr", "weight_decay")}
        build_method(study.method, 128, **own)


def test_without_a_stopped_gradient_the_target_is_the_online_branch() -> None:
    for name in ("simsiam", "byol"):
        reference = f"benchmarks.tabular.collapse_methods:{name}"
        assert build_method(reference, 128, target="online").target == "self"
        assert build_method(reference, 128, target="stopped").target == "stop-grad"


def test_settings_are_enqueued_once_and_handed_out_as_they_are(tmp_path: Path) -> None:
    study = studies()[0]
    for _ in range(2):
        enqueue_settings(study, tmp_path)
    stored = load_study(StudyDirectory(tmp_path / study.name))
    assert len(stored.get_trials()) == len(study.settings)
    config = config_of(study, tmp_path).model_copy(update={"trials": len(study.settings)})
    space = config.search_space()
    clock = Clock(Budget.of(config), StopFlag(), started=time.monotonic())
    asking = Asking(
        stored, config, space, clock, first_rung=6, suggest=space.suggest, note=lambda text: None
    )
    handed = {}
    while (trial := asking.next()) is not None:
        handed[trial.user_attrs["setting"]] = trial.params
    assert handed == study.points()


def test_each_axis_has_its_values_once_with_the_centre_among_them() -> None:
    for method in METHODS:
        (study,) = sweeps((method,), ("digits",))
        for axis, values in axes(method).items():
            assert centre_value(method, axis) in values
            on_axis = [name for name in study.settings if name.startswith(f"{axis}=")]
            assert len(on_axis) == len(values) - 1
        assert study.settings[CENTRE] == {}


def test_sweeps_are_trained_and_measured_as_the_table_is(tmp_path: Path) -> None:
    (sweep,), (cell,) = sweeps(("byol",), ("digits",)), cells(("byol",), ("digits",))
    of_table = set(cell.arguments(tmp_path, 9)) - {"random", "--sampler", "--preset", "wide"}
    of_table -= {"--search", "projector_width", "projector_width=auto,64,128,256,512"}
    assert of_table <= set(sweep.arguments(tmp_path, 9))


def test_what_is_said_of_a_setting_is_found_by_the_studys_name() -> None:
    family, said = setting_of("simsiam_sgd-fashion_mnist-1", "lr 10")
    assert (family, said.expected) == ("simsiam_sgd", "collapse")
