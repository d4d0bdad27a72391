"""Which studies the table is made of: a method on a data set each, drawn from the whole space."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image

from benchmarks.picture_folders import FASHION
from hpo.config import StudyConfig
from hpo.data.idx import read_idx
from search_spaces import SearchSpace
from search_spaces.dimensions import Value

METHODS = ("simclr", "barlow_twins", "vicreg", "byol")
N_TRIALS = 61  # the published defaults, then 60 random draws
REPEATED = (5, 15, 25, 35, 45, 55)  # a tenth of the draws, once more under another seed
WIDTHS = "projector_width=auto,64,128,256,512"


@dataclass(frozen=True)
class DataSet:
    """A data set and the size at which two cores train on it in half a minute to a minute.

    Args:
        name: of the data set, or of a folder.
        epochs: of a whole training; rungs are at a 27th, a ninth and a third of them.
        n_measure: images that only the measures see.
        n_probe: labelled images that only probes see, half to fit on and half to report on.
        n_train: images to train on; None for all the others.
        image_size: side in pixels; None for the data's own.
    """

    name: str
    epochs: int
    n_measure: int
    n_probe: int
    n_train: int | None = None
    image_size: int | None = None

    def arguments(self, folder: Path) -> list[str]:
        """Return the options of `goldilocks run` that name the data, made in `folder`."""
        source = self.name
        if self.name == "fashion_mnist":
            source = str(self._fashion(folder))
        given = ["--data", source, "--epochs", str(self.epochs), "--batch-size", "64"]
        given += ["--measure-images", str(self.n_measure), "--probe-images", str(self.n_probe)]
        return given if self.image_size is None else [*given, "--image-size", str(self.image_size)]

    def _fashion(self, folder: Path) -> Path:
        """Write the first images of Fashion-MNIST, shrunk, with their labels, as one file."""
        size, n = self.image_size or 28, self.n_measure + self.n_probe + (self.n_train or 0)
        file = folder / f"fashion_mnist-{n}-{size}.npz"
        if not file.exists():
            labels = FASHION.with_name(FASHION.name.replace("images-idx3", "labels-idx1"))
            images = read_idx(FASHION, 3)[:n]
            small = [np.asarray(Image.fromarray(image).resize((size, size))) for image in images]
            np.savez(file, images=np.stack(small), labels=read_idx(labels, 1)[:n].astype(np.int64))
        return file


DATA_SETS = {
    "digits": DataSet("digits", epochs=54, n_measure=320, n_probe=600),
    "fashion_mnist": DataSet(
        "fashion_mnist", epochs=27, n_measure=1024, n_probe=4000, n_train=2000, image_size=16
    ),
}


def to_the_end(n_trials: int) -> list[str]:
    """Return the options that train every trial to its end and probe it at every rung."""
    return [
        *("--trials", str(n_trials), "--no-prune", "--no-filter", "--rungs", "4"),
        *("--check-labels", "--probe-all", "--probe-rungs", "--both-layers"),
        *("--replicates", "0", "--workers", "2", "--threads", "1", "--keep", "1"),
    ]


class StudyOfTable(Protocol):
    """What is trained and exported: a study of random draws, or one of chosen settings."""

    @property
    def name(self) -> str:
        """Name of the study and of its files."""
        ...

    @property
    def method(self) -> str:
        """Whose trials they are."""
        ...

    @property
    def data(self) -> DataSet:
        """What is trained on."""
        ...

    def arguments(self, folder: Path, n_trials: int) -> list[str]:
        """Return the arguments of `goldilocks run` for the first so many trials."""
        ...


@dataclass(frozen=True)
class Cell:
    """One study of the table.

    Args:
        method: whose space is drawn from.
        data: what is trained on.
    """

    method: str
    data: DataSet

    @property
    def name(self) -> str:
        """Name of the study and of its files."""
        return f"{self.method}-{Path(self.data.name).name}"

    def arguments(self, folder: Path, n_trials: int) -> list[str]:
        """Return the arguments of `goldilocks run` for the first so many trials."""
        return [
            *("run", "--method", self.method, "--out", str(folder / self.name)),
            *self.data.arguments(folder),
            *("--preset", "wide", "--search", "projector_width", "--space", WIDTHS),
            *("--sampler", "random", *to_the_end(n_trials)),
        ]


@dataclass(frozen=True)
class ChosenSettings:
    """A study of settings that somebody chose, each trained once.

    Args:
        name: of the study and of its files.
        method: whose settings they are.
        data: what is trained on.
        settings: what each of them changes of the published defaults, by its name.
        optimizer: "adamw", "lars" or "sgd".
        seed: of the split, the weights and the draws.
    """

    name: str
    method: str
    data: DataSet
    settings: Mapping[str, Mapping[str, Value]]
    optimizer: str = "adamw"
    seed: int = 0

    def arguments(self, folder: Path, n_trials: int) -> list[str]:
        """Return the arguments of `goldilocks run` for the first so many trials."""
        spaces = [
            text
            for name, choices in self._choices().items()
            for text in ("--space", f"{name}={','.join(map(str, choices))}")
        ]
        return [
            *("run", "--method", self.method, "--out", str(folder / self.name)),
            *self.data.arguments(folder),
            *("--optimizer", self.optimizer, "--seed", str(self.seed), *spaces),
            *to_the_end(n_trials),
        ]

    def points(self) -> dict[str, dict[str, Value]]:
        """Return all that varies in each setting, by its name."""
        space = self._space()
        changes = {name: list(choices) for name, choices in self._choices().items()}
        defaults = space.override(changes).defaults
        return {name: {**defaults, **changed} for name, changed in self.settings.items()}

    def _choices(self) -> dict[str, tuple[Value, ...]]:
        """What a search would have to choose from to come upon these settings."""
        space = self._space()
        defaults = {**space.defaults, **space.fixed}
        changed = dict.fromkeys(name for values in self.settings.values() for name in values)
        given = {
            name: tuple(dict.fromkeys(v.get(name, defaults[name]) for v in self.settings.values()))
            for name in changed
        }
        return {name: choices for name, choices in given.items() if len(choices) > 1}

    def _space(self) -> SearchSpace:
        return StudyConfig(method=self.method, optimizer=self.optimizer).search_space()


def cells(
    methods: tuple[str, ...] = METHODS, data: tuple[str, ...] = tuple(DATA_SETS)
) -> list[Cell]:
    """Return the cells by name; data that is no known name is taken for a folder."""
    sets = [DATA_SETS.get(name) or DataSet(name, 27, 1024, 2000) for name in data]
    return [Cell(method, each) for each in sets for method in methods]
