"""Our training as an objective for anybody's Optuna study."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import optuna
import torch
from threadpoolctl import threadpool_limits

from hpo.deciding import decide_broken
from hpo.errors import ConfigError, DataError
from hpo.judging import record_stop
from hpo.label_free.drawing import drawing
from hpo.label_free.goal import Aimed, Goal
from hpo.label_free.joining import MEASURED_AS, join
from hpo.label_free.keeping import Keeping
from hpo.label_free.options import objective_config
from hpo.label_free.suggesting import suggest
from hpo.label_free.telling import Gate, Telling, failure_recorded, record_cost
from hpo.prober import backbone_weights
from hpo.pruning import rung_epochs
from hpo.sharing import check_shared, trainings
from hpo.training import Diverged, TrainingPlan
from hpo.trial_training import TrialTraining, untrained_of
from hpo.workload import prepare


class LabelFreeObjective(Aimed):
    """Trains what an Optuna trial suggests and returns its label-free measure; no labels needed.

    At each rung (epochs 2, 6, 18 and 54 by default) the network is measured and the value reported,
    so that any pruner works, Optuna's or those of `hpo.pruners`. A collapsed trial is pruned and
    told to the sampler as infeasible; a finished one whose network has not moved away from its
    initialisation by `least_moved` has the constraint `unmoved`, so that `study.best_trial` is
    never one that did not learn. All measures, costs and reasons are user attributes of the trial.

    With several measures there is a value for each and, because Optuna has none, no pruning: only
    a collapse ends a trial before its end.

    Any sampler and storage will do, and one objective may serve several studies. Values depend on
    the hyperparameters and the seed alone, also with `n_jobs` above 1: its threads take turns at
    training, an epoch each, because torch has one generator for all of them, and only measure at
    the same time. To train several trials at once start the script several times on one storage.
    A trial that fails is recorded with the reason; `study.optimize(catch=RuntimeError)` goes on.
    A trial with the user attribute `seed` (`enqueue_trial(…, user_attrs={"seed": 7})`) is trained
    under that seed.

    Args:
        data: as in `goldilocks run`: `digits`, a folder, a file or `torchvision:NAME`.
        method: what to train; its search space is suggested.
        objective: name of a measure, or several names.
        epochs: of a whole training.
        out: folder for the backbones of the best trials (`keep`, 5 by default), in a folder for
            each study: see `hpo.label_free.keeping.Keeping`. None: no network is kept.
        options: of `StudyConfig`, as far as they are about one trial, such as `backbone`,
            `image_size`, `space`, `search`, `fix`, `seed`, `device`; `prune=False` trains
            collapsed trials to the end.

    Attributes:
        config: the effective configuration.
        space: what is suggested.
        rungs: epochs at which a trial is measured.

    Raises:
        ConfigError: for an unknown option, or one that says how trials are chosen.
        DataError: for images that cannot be read, or too few of them.
        StorageError: for a folder that cannot be written.

    >>> objective = LabelFreeObjective("digits", "simclr", epochs=2, image_size=8)
    >>> objective.direction, objective.rungs, list(objective.space)
    ('maximize', [1, 2], ['lr', 'weight_decay', 'temperature'])
    """

    def __init__(
        self,
        data: str = "digits",
        method: str = "simclr",
        *,
        objective: str | Sequence[str] = "guarded_alpha",
        epochs: int = 54,
        out: str | Path | None = None,
        **options: Any,
    ) -> None:
        goal = self._goal = Goal.of(objective)
        given = {"data": data, "method": method, "epochs": epochs, "objective": goal.names[0]}
        config = self.config = objective_config({**given, **options})
        if out is not None and goal.several:
            raise ConfigError(
                f"out: got {str(out)!r} with {len(goal.names)} objectives, which have no best "
                "trial; leave one of the two out."
            )
        if out is None and "keep" in options:
            raise ConfigError(f"keep: got {options['keep']!r} without out, the folder; give both.")
        if config.threads is not None:
            torch.set_num_threads(config.threads)
            threadpool_limits(config.threads, user_api="blas")
        workload = self._workload = prepare(config)
        self.space = workload.space
        self.rungs = rung_epochs(config.epochs, factor=config.rung_factor, n_rungs=config.rungs)
        self._check_images()
        plan = workload.plan({**self.space.defaults, **self.space.fixed})
        check_shared(config, workload, plan)
        with drawing(workload.device):
            learner = workload.begin(plan).learner
            self._initial = workload.gauge.initial(learner, workload.train)
        self._keeping = None if out is None else Keeping(Path(out), workload, goal)
        self._gate = Gate(config.prune, config.patience, config.least_moved)
        self._identity = workload.identity | ({"objective": goal.names} if goal.several else {})
        n_images = {"train": len(workload.train), "measure": len(workload.gauge.images)}
        self._facts = {
            "config": config.model_dump(mode="json"),
            MEASURED_AS: workload.gauge.record(),
            "images": {**n_images, "probe": 0, "skipped": workload.n_skipped},
        }

    def __call__(self, trial: optuna.Trial) -> float | tuple[float, ...]:
        """Run a trial, as `study.optimize(objective)` does.

        Returns:
            The measure at the end, in `direction`; or one for each objective, in `directions`.

        Raises:
            optuna.TrialPruned: when the trial collapsed, or the study's pruner stopped it.
            ConfigError: for a study with another direction, or enqueued values that the space
                does not have.
            StudyMismatchError: for a study whose trials were trained or measured differently.
        """
        workload = self._workload
        with failure_recorded(trial), trainings(workload) as begin:
            join(trial.study, self._goal, self._identity, self._facts)
            telling = Telling(trial, self._goal, self._gate)
            plan = self._plan(trial)
            with drawing(workload.device):
                initial = untrained_of(workload, self._initial, plan)
                run = TrialTraining(begin(plan), workload.gauge, initial)
            try:
                for rung in self.rungs:
                    self._reach(trial, run, rung)
                    telling.rung(rung, run.measure())
                    if rung < self.rungs[-1]:
                        telling.ask()
            finally:
                self._record_cost(trial, run)
            value = telling.end()
            if self._keeping is not None:
                self._keeping.keep(trial, backbone_weights(run.training.state_dict()))
        return value

    def _plan(self, trial: optuna.Trial) -> TrainingPlan:
        hyperparameters = suggest(trial, self.space)
        trial.set_user_attr(MEASURED_AS, self._workload.gauge.record_digest())
        trial.set_user_attr("hyperparameters", hyperparameters)
        return self._workload.plan(hyperparameters, trial.user_attrs.get("seed"))

    def _reach(self, trial: optuna.Trial, run: TrialTraining, rung: int) -> None:
        try:
            while run.epoch < rung:
                with drawing(self._workload.device):
                    run.reach(run.epoch + 1)
        except Diverged as diverged:
            decision = decide_broken(trial, rung, f"not finite: {diverged}")
            record_stop(trial, decision)
            raise optuna.TrialPruned(decision.reason) from None

    def _record_cost(self, trial: optuna.Trial, run: TrialTraining) -> None:
        record_cost(
            trial,
            epochs=run.n_images / self._workload.images_per_epoch,
            images=run.n_images,
            train_seconds=run.train_seconds,
            measure_seconds=run.measure_seconds,
            n_devices=self.config.devices,
        )

    def _check_images(self) -> None:
        """The images were set aside for the first measure alone."""
        n_images, dim = len(self._workload.gauge.images), self._workload.backbone.dim
        for measure in self._goal.measures:
            if (fewest := measure.minimum_samples(dim)) > n_images:
                raise DataError(
                    f"objective: {measure.name} wants at least {fewest} images to measure on, and "
                    f"{n_images} were set aside; raise measure_images, give more images, or name "
                    f"{measure.name} first."
                )
