"""Our training as a Ray Trainable, for experiments with any of Ray's searchers and schedulers."""

from __future__ import annotations

import math
from contextlib import ExitStack
from pathlib import Path
from typing import Any, ClassVar

import ray
import torch
from ray.tune import PlacementGroupFactory, Trainable
from threadpoolctl import threadpool_limits

from hpo.checkpoint import load_checkpoint, save_checkpoint
from hpo.config import StudyConfig
from hpo.errors import ConfigError
from hpo.history import Finding
from hpo.pruning import rung_epochs
from hpo.pruning.collapse import UNDEFINED
from hpo.ray_tune.changing import check_changed, with_optimizer_of
from hpo.ray_tune.resources import trial_resources
from hpo.ray_tune.results import result_keys
from hpo.ray_tune.sampled import hyperparameters_in
from hpo.ray_tune.user_options import user_config
from hpo.sharing import check_shared, trainings
from hpo.training import Diverged
from hpo.trial_training import TrialTraining
from hpo.workload import Workload, prepare
from objectives import MEASURES, get_measure

_FILE = "trial.pt"
_NAMES = (
    *MEASURES,
    "alignment_backbone", "rankme_backbone", "uniformity_backbone",
    "alpha_r_squared", "moved", "seconds",
)  # fmt: skip


def trainable(
    data: str = "digits",
    method: str = "simclr",
    *,
    epochs: int = 54,
    every_n_epochs: int | None = None,
    **options: Any,
) -> type[Trainable]:
    """Return a Ray Trainable that trains what Ray samples and reports every label-free measure.

    A step trains to the next rung and measures there. Its result has every measure by its name,
    `epoch`, `objective` (what `objective` names, as an optimiser sees it), `moved`, `collapse` (the
    kind that was seen, "" for none) and `done`. Values are nan where they are undefined. A training
    whose loss is no longer finite ends, with `collapse` "not finite".

    What Ray samples are hyperparameters of the method, by name, such as
    `search_spaces.get(method).to_ray()`; what it leaves out has the method's default. A space with
    choices that depend on the number of images is fitted with `SearchSpace.for_images`.

    Only these options travel to the workers: each prepares the images itself, from the cache of
    decoded images on its node.

    Args:
        data: as in `goldilocks run`; on every node under the same path.
        method: what to train.
        epochs: of a whole training.
        every_n_epochs: of a step; None takes a study's rungs: `hpo.pruning.rung_epochs`.
        options: of `StudyConfig`, as far as they are about one trial; `devices` above 1 trains on
            several devices of one node.

    Returns:
        A class for `tune.Tuner`. It asks for one core a device, or `threads`; and for a GPU a
        device where `device` is "cuda", or "auto" and the cluster has GPUs; `tune.with_resources`
        and `trial_resources` ask for something else. With `reuse_actors=True` trials that follow
        each other keep the images.

    Raises:
        ConfigError: for an unknown option or one that says how trials are chosen.
    """
    if every_n_epochs is not None and not 1 <= every_n_epochs <= epochs:
        raise ConfigError(
            f"every_n_epochs: got {every_n_epochs}; wanted 1 to {epochs}, the epochs."
        )
    config = user_config({"data": data, "method": method, "epochs": epochs, **options})

    class LabelFree(LabelFreeTrainable):
        study = config
        step_epochs = every_n_epochs

    return LabelFree


class LabelFreeTrainable(Trainable):
    """Trains one trial, rung by rung; `trainable` makes the class that Ray is given.

    Attributes:
        study: the options.
        step_epochs: epochs of a step; None for rungs.
    """

    study: ClassVar[StudyConfig]
    step_epochs: ClassVar[int | None] = None

    @classmethod
    def default_resource_request(cls, config: dict[str, Any]) -> PlacementGroupFactory:
        """Return what a trial asks for unless somebody says otherwise."""
        study = cls.study
        n_cores = study.devices * (study.threads or 1)
        n_gpus = study.devices if _wants_gpus(study) else 0
        return trial_resources(study.devices, cpus_per_trial=n_cores, gpus_per_trial=n_gpus)

    def setup(self, config: dict[str, Any]) -> None:
        """Prepare the images and begin the training of a trial.

        Raises:
            GoldilocksError: for anything wrong with data, device or hyperparameters.
        """
        study = self.study
        if study.threads is not None:
            torch.set_num_threads(study.threads)
            threadpool_limits(study.threads, user_api="blas")
        self._open = ExitStack()
        workload = self._workload = prepare(study)
        plan = workload.plan({**workload.space.defaults, **workload.space.fixed})
        check_shared(study, workload, plan)
        self._initial = workload.gauge.initial(workload.begin(plan).learner, workload.train)
        self._begin = self._open.enter_context(trainings(workload))
        self._rungs = _rungs(study, self.step_epochs)
        self.reset_config(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Begin another trial, on the same images."""
        workload: Workload = self._workload
        self._hyperparameters = hyperparameters_in(new_config, workload.space)
        training = self._begin(workload.plan(self._hyperparameters))
        self._run = TrialTraining(training, workload.gauge, self._initial)
        return True

    def step(self) -> dict[str, Any]:
        """Train to the next rung and measure."""
        run = self._run
        rung = next((rung for rung in self._rungs if rung > run.epoch), self._rungs[-1])
        try:
            run.reach(rung)
        except Diverged as diverged:
            broken = Finding("not finite", "training", f"not finite: {diverged}")
            return self._result(rung, {}, broken) | {"done": True}
        # A checkpoint of the end goes on by saying again what was measured there.
        record = run.rungs.get(str(rung)) or run.measure()
        found = None if record["finding"] is None else Finding(**record["finding"])
        return self._result(rung, record["values"], found)

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Write the training as it is between two epochs."""
        state = {"hyperparameters": self._hyperparameters, **self._run.state()}
        save_checkpoint(Path(checkpoint_dir) / _FILE, state)

    def load_checkpoint(self, checkpoint: Any) -> None:
        """Go on from a checkpoint; the optimiser's hyperparameters may have changed since.

        Raises:
            ConfigError: when others have.
            StorageError: when it is missing or damaged.
        """
        state = load_checkpoint(Path(checkpoint) / _FILE)
        trained = state["hyperparameters"]
        check_changed(trained, self._hyperparameters)
        if trained != self._hyperparameters:
            state["training"] = with_optimizer_of(self._run.training, state["training"])
        self._run.restore(state)

    def cleanup(self) -> None:
        """Let the other devices go."""
        self._open.close()

    def _result(self, rung: int, values: dict[str, float], found: Finding | None) -> dict[str, Any]:
        measure = get_measure(self.study.objective)
        objective = measure.objective(values.get(measure.name, math.nan))
        if found is None and not math.isfinite(objective):
            reason = f"{measure.name} is undefined at epoch {rung}"
            found = Finding(UNDEFINED, measure.layer, reason)
        return {
            **dict.fromkeys(_NAMES, math.nan),
            **values,
            **result_keys(found),
            "objective": objective,
            "epoch": rung,
            "done": rung >= self._rungs[-1],
        }


def _rungs(config: StudyConfig, every_n_epochs: int | None) -> list[int]:
    if every_n_epochs is None:
        return rung_epochs(config.epochs, factor=config.rung_factor, n_rungs=config.rungs)
    steps = range(every_n_epochs, config.epochs, every_n_epochs)
    return [*steps, config.epochs]


def _wants_gpus(config: StudyConfig) -> bool:
    if config.device == "auto" and ray.is_initialized():
        cluster: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
        return cluster.get("GPU", 0.0) > 0
    return config.device == "cuda"
