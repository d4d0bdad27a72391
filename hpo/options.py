"""Every option of a study and its default; the names are the same in YAML and on the line."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

import search_spaces
from hpo.budget import parse_budget
from hpo.errors import ConfigError
from hpo.known_names import BACKBONES, METHODS, OBJECTIVES, known
from hpo.named_object import is_reference
from hpo.option_problems import Problems, about
from hpo.view_options import ViewOptions
from hpo.written_numbers import number_or_word, numbers_within

_OF_RAY = ("address", "max_concurrent", "cpus_per_trial", "gpus_per_trial", "storage_path")
Override = dict[str, float | int | str | bool | list[float | int | str]] | list[float | int | str]


class StudyConfig(BaseModel):
    """Every option of `goldilocks run`; the names are the same in YAML and on the command line."""

    # What was given is not repeated in pydantic's own words: it may hold a password.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    data: str = "digits"
    data_root: Path | None = None
    max_images: int | None = Field(None, ge=1)
    image_size: int | None = Field(None, ge=8, le=512)
    max_unreadable_share: float = Field(0.01, ge=0, lt=1)
    labels: bool = False
    check_labels: bool = False

    method: str = "simclr"
    objective: str = "guarded_alpha"  # DEFAULT_OBJECTIVE of `objectives`, likewise
    backbone: str = "auto"
    weights: Path | None = None
    epochs: int = Field(54, ge=1)
    batch_size: int = Field(128, ge=4)
    optimizer: Literal["adamw", "lars", "sgd"] = "adamw"
    accumulate: int = Field(1, ge=1)
    clip_norm: float | None = Field(None, gt=0)
    compile: bool = False
    precision: Literal["auto", "bfloat16", "float32"] = "auto"
    pipeline: Literal["batched", "lightly"] = "batched"
    views: ViewOptions = ViewOptions()

    preset: str = "default"
    space: dict[str, Override] = {}
    search: list[str] = []
    search_views: bool = False
    fix: dict[str, float | int | str] = {}

    warm_start: list[str] = []
    from_trials: int = Field(3, ge=1)
    trials: int | None = Field(None, ge=1)
    budget: str | None = None
    sampler: Literal["random", "tpe"] = "tpe"
    rung_factor: int = Field(3, ge=2)
    rungs: int = Field(4, ge=1)
    prune: bool = True
    filter: bool = True
    zone: str | None = None
    filter_share: float = Field(2 / 3, gt=0, le=1)
    explore_share: float = Field(0.1, ge=0, lt=1)
    patience: int = Field(2, ge=1)
    probe_share: float = Field(0.1, ge=0, lt=1)
    probe_batch: int = Field(4, ge=1)
    probe_best: int | None = Field(None, ge=2)
    probe_all: bool = False
    probe_rungs: bool = False
    probe_images: int | None = Field(None, ge=2)
    finalists: int = Field(3, ge=1)
    replicates: int | None = Field(None, ge=0)
    replicate_share: float = Field(0.1, ge=0, lt=1)
    keep: int = Field(5, ge=1)
    checkpoint_gib: float | None = Field(None, gt=0)
    shortlist_share: float = Field(1 / 3, gt=0, le=1)
    least_moved: float = Field(0.1, ge=0, le=1)
    measure_images: int = Field(1024, ge=2)
    lidar_views: int = Field(10, ge=2)
    both_layers: bool = False

    log: list[Literal["mlflow", "tensorboard", "wandb"]] = []
    out: Path = Path("studies/study")
    storage: str | None = None
    study_name: str | None = Field(None, min_length=1, max_length=255)
    seed: int = Field(0, ge=0, lt=2**31)
    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: int | None = Field(None, ge=1)
    devices: int = Field(1, ge=1)
    workers: int | None = Field(None, ge=1)
    loader_workers: int | None = Field(None, ge=0)
    engine: Literal["optuna", "ray"] = "optuna"
    address: str | None = None
    max_concurrent: int | None = Field(None, ge=1)
    cpus_per_trial: float = Field(1.0, gt=0)
    gpus_per_trial: float | None = Field(None, ge=0)
    storage_path: str | None = None
    cache_dir: Path | None = None
    cache_gib: float = Field(32.0, ge=0)

    @field_validator("method")
    @classmethod
    def _known_method(cls, value: str) -> str:
        if value not in METHODS:
            # Loads torch, so only for a method of the user's, or for the reason why it is not one.
            from hpo.methods import find_method

            find_method(value)
        return value

    @field_validator("objective")
    @classmethod
    def _known_objective(cls, value: str) -> str:
        return known("objective", value, OBJECTIVES)

    @field_validator("backbone")
    @classmethod
    def _known_backbone(cls, value: str) -> str:
        if is_reference(value) or value.startswith("timm:"):
            return value
        return known("backbone", value, BACKBONES)

    @field_validator("budget")
    @classmethod
    def _readable_budget(cls, value: str | None) -> str | None:
        if value is not None:
            parse_budget(value)
        return value

    @field_validator("zone")
    @classmethod
    def _readable_zone(cls, value: str | None) -> str | None:
        if value is not None:
            # Loads torch, so only where somebody gave one.
            from hpo.pruning.zone import Zone

            Zone.parse(value)
        return value

    @field_validator("storage")
    @classmethod
    def _usable_storage(cls, value: str | None) -> str | None:
        if value is None:
            return None
        from hpo.storage_url import checked_url

        return checked_url(value)

    @field_validator("log", "warm_start", mode="before")
    @classmethod
    def _one_or_several(cls, value: object) -> object:
        return [value] if isinstance(value, str) else value

    @field_validator("warm_start")
    @classmethod
    def _without_password(cls, value: list[str]) -> list[str]:
        from hpo.storage_url import checked_url

        for url in (text.partition("#")[0] for text in value if "://" in text):
            try:
                checked_url(url)
            except ConfigError as error:
                raise ValueError(str(error).removeprefix("storage: ")) from None
        return value

    @field_validator("fix", mode="before")
    @classmethod
    def _numbers_as_numbers(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        for name, entry in value.items():
            if isinstance(entry, bool):
                # Pydantic would take yes for 1.
                hint = "YAML reads on, off, yes and no as truth values: put them in quotes"
                raise ValueError(f"fix.{name}: got {entry!r}; wanted a number or a word. {hint}.")
        # YAML reads 1e-3 (no dot) as a word, and so would the command line.
        return {name: number_or_word(entry) for name, entry in value.items()}

    @field_validator("space", mode="before")
    @classmethod
    def _numbers_in_ranges(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        return {name: numbers_within(entry) for name, entry in value.items()}

    @model_validator(mode="after")
    def _a_cluster_needs_ray(self) -> Self:
        if self.engine != "ray":
            for name in _OF_RAY:
                if (given := getattr(self, name)) != type(self).model_fields[name].default:
                    raise ValueError(f"{name}: got {given!r} without --engine ray; add it.")
        return self

    @model_validator(mode="after")
    def _a_name_needs_a_shared_database(self) -> Self:
        if self.study_name is not None and self.storage is None:
            raise ValueError(
                f"study_name: got {self.study_name!r} without storage; the file study.db of a "
                "directory holds its study alone. Add --storage, or leave the name out."
            )
        return self

    @model_validator(mode="after")
    def _probes_on_the_way_are_for_tables(self) -> Self:
        if self.probe_rungs and not self.probe_all:
            raise ValueError("probe_rungs: got true without probe_all; add --probe-all.")
        if self.probe_rungs and self.engine == "ray":
            raise ValueError(
                "probe_rungs: got true with --engine ray, whose nodes have no labelled images; "
                "leave one of the two out."
            )
        if self.probe_images is not None and not self.uses_labels:
            raise ValueError(
                f"probe_images: got {self.probe_images} for a study without labels; add --labels, "
                "--check-labels or --probe-all."
            )
        return self

    @model_validator(mode="after")
    def _labels_choose_or_check(self) -> Self:
        if self.labels and self.check_labels:
            raise ValueError(
                "check_labels: got true together with labels; it is for a choice without labels. "
                "Leave one of the two out."
            )
        if self.probe_best is not None and (not self.labels or self.probe_all):
            raise ValueError(
                f"probe_best: got {self.probe_best} "
                + ("together with probe_all" if self.probe_all else "without labels")
                + "; it says how many of the best are probed with --labels, instead of rounds."
            )
        return self

    @property
    def uses_labels(self) -> bool:
        """Whether labelled images are set aside for probes, whatever these are used for."""
        return self.labels or self.check_labels or self.probe_all

    @property
    def n_trials(self) -> int | None:
        """Trials to run at most: 16 when neither trials nor budget were given, else as given."""
        return 16 if self.trials is None and self.budget is None else self.trials

    def search_space(self) -> search_spaces.SearchSpace:
        """Return the method's search space as this study searches it.

        Raises:
            ConfigError: naming the option that does not fit the space.
        """
        both = sorted({*self.search} & {*self.fix})
        if both:
            raise ConfigError(
                f"search: {both[0]!r} is to be searched and to be fixed; leave out one of the two."
            )
        own = None
        if self.method not in METHODS:
            from hpo.methods import find_method

            own = find_method(self.method).space
        tried = Problems()
        with about("preset"):
            space = search_spaces.get(
                self.method,
                optimizer=self.optimizer,
                preset=self.preset,
                dimensions=own,
                views=self.search_views,
            )
        with tried.about("space"):
            space = space.override(self.space)
        with tried.about("search"):
            space = space.search(self.search)
        # A view's option that was set by hand is not searched.
        given = self.views.model_dump(exclude_none=True)
        set_by_hand = {name: given[name] for name in given if name in space.dimensions}
        with tried.about("fix"):
            space = space.freeze({**set_by_hand, **self.fix})
        tried.tell()
        return space


# What may differ between two runs of one study: how far it goes and where it runs, not what it is.
CHANGEABLE = frozenset(
    {
        "trials", "budget", "out", "device", "threads", "workers", "loader_workers",
        "data_root", "finalists", "replicates", "keep", "checkpoint_gib",
        "cache_dir", "cache_gib", "storage", "study_name", "log",
        "warm_start", "from_trials",
        "engine", "address", "max_concurrent", "cpus_per_trial", "gpus_per_trial", "storage_path",
    }
)  # fmt: skip
