"""The Ray engine: one Tuner a phase runs the trials of a study on a cluster."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from hpo.asking import Asking
from hpo.measuring import Initial
from hpo.meter import Meter, Phase
from hpo.ray_tune.checkpoint_store import CheckpointStore
from hpo.ray_tune.cluster import Cluster, ClusterError
from hpo.ray_tune.driver import StudyDriver
from hpo.ray_tune.parcel import send
from hpo.ray_tune.reports import Task
from hpo.ray_tune.resuming import Resuming
from hpo.storage import StudyDirectory
from hpo.trial_runner import TrialRunner
from hpo.workers.worker import pack
from hpo.workload import Workload

_MAX_DEATHS = 2  # of the processes of one trial, after which it is given up
_FOLDER = "ray_folder"  # study attribute: name of its folder in a storage path of many studies


class RayEngine:
    """Runs the trials of a study on a Ray cluster, as `hpo.workers.pool.Pool` does here.

    Every run is a new Tuner: the study says what was running and where it goes on, and Ray's own
    record of an experiment is never read again.

    Args:
        cluster: where; started here if it was not joined.
        workload: the study's; each node prepares its own from the same configuration.
        directory: the study's.
        initial: the untrained network.
        asking: where trials come from.
        runner: what they are judged by; its reports tell whoever watches.
        meter: the session's clock.
        after_trial: called after each trial that ended, in this process.
    """

    def __init__(
        self,
        cluster: Cluster,
        workload: Workload,
        directory: StudyDirectory,
        initial: Initial,
        *,
        asking: Asking,
        runner: TrialRunner,
        meter: Meter,
        after_trial: Callable[[], None] = lambda: None,
    ) -> None:
        self._cluster, self._directory = cluster, directory
        self._asking, self._runner, self._meter = asking, runner, meter
        self._after_trial = after_trial
        self._workload, self._initial = workload, initial
        self._store = CheckpointStore(_url(workload.config.storage_path, runner, directory))

    def run(self, phase: Phase) -> None:
        """Run trials until there are none left.

        Args:
            phase: what part of the budget they are for.

        Raises:
            Interrupted: when somebody asked to stop; what was running goes on next time.
            TrialsFailedError: when one trial after another ended with an error.
        """
        experiment = f"{phase}-{time.time_ns()}"
        resuming = Resuming(self._store, self._directory, experiment)
        driver = StudyDriver(
            self._asking,
            self._runner,
            resuming,
            self._meter,
            phase=phase,
            after_trial=self._after_trial,
        )
        try:
            if driver.prepare():
                task = self._task(experiment)
                self._cluster.start()
                self._fit(driver, experiment, task)
        finally:
            resuming.sweep(self._runner.study)
        if driver.error is not None:
            raise driver.error

    def _task(self, experiment: str) -> Task:
        workload = self._workload
        found = {"precision": workload.precision, "device": workload.device.type}
        return Task(
            config=workload.config.model_copy(update=found),
            threads=self._cluster.crew.threads,
            identity=workload.identity,
            initial=send(
                self._store, f"{self._store.url}/{experiment}/untrained", pack(self._initial)
            ),
            rungs=tuple(self._runner.rungs),
            folder=str(Path.cwd()),
        )

    def _fit(self, driver: StudyDriver, experiment: str, task: Task) -> None:
        from ray import tune
        from ray.exceptions import RayError
        from ray.tune import TuneError

        from hpo.ray_tune.hooks import CheckpointHook, StudyStopper
        from hpo.ray_tune.lost_workers import losses_counted
        from hpo.ray_tune.scheduler import StudyScheduler, cause
        from hpo.ray_tune.searcher import StudySearcher
        from hpo.ray_tune.study_trainable import trainable_of

        asked = tune.PlacementGroupFactory([self._cluster.asked], strategy="STRICT_PACK")
        tuner = tune.Tuner(
            tune.with_resources(trainable_of(task), asked),
            tune_config=tune.TuneConfig(
                search_alg=StudySearcher(driver),
                scheduler=StudyScheduler(driver),
                num_samples=-1,
                max_concurrent_trials=self._cluster.crew.n_workers,
                reuse_actors=True,
                trial_dirname_creator=lambda trial: f"trial-{trial.config['number']:04d}",
            ),
            run_config=tune.RunConfig(
                name=experiment,
                storage_path=self._store.path,
                storage_filesystem=self._store.system,
                failure_config=tune.FailureConfig(max_failures=_MAX_DEATHS),
                checkpoint_config=tune.CheckpointConfig(num_to_keep=1, checkpoint_at_end=False),
                callbacks=[CheckpointHook(driver)],
                stop=StudyStopper(driver),
                verbose=0,
            ),
        )
        try:
            with _quiet(), losses_counted():
                tuner.fit()
        except (RayError, TuneError, RuntimeError) as error:  # Tune's own, not a trial's
            raise ClusterError(
                f"engine: Ray has ended the run ({cause(str(error))}). The same command goes on "
                "with the trials that were running, from their last checkpoints."
            ) from error


def _url(given: str | None, runner: TrialRunner, directory: StudyDirectory) -> str:
    """The study's own folder: below a storage path, which many studies may share, or below OUT."""
    if given is None:
        return str((directory.out / "ray").absolute())
    name = runner.study.user_attrs.get(_FOLDER)
    if name is None:
        name = f"goldilocks-{time.time_ns():x}"
        runner.study.set_user_attr(_FOLDER, name)
    return f"{given.rstrip('/')}/{name}"


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Ray from saying what our own report says: every trial that it lost or stopped."""
    logger = logging.getLogger("ray.tune")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)
