"""The search phase: trials in this process or in several, until trials or budget are used up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import optuna

from hpo.asking import Asking
from hpo.budget import Budget
from hpo.config import StudyConfig
from hpo.counted import counted
from hpo.interruption import StopFlag
from hpo.meter import Meter, Phase
from hpo.observer import Observer
from hpo.online_filter import OnlineFilter
from hpo.pruning import rung_epochs
from hpo.ray_tune.resuming import collect_checkpoints
from hpo.record import read_rows
from hpo.replication import missing_replicates, n_replicates
from hpo.retention import GIB, check_quota
from hpo.rules import asks_for_zone
from hpo.sharing import check_shared, trainings
from hpo.storage import StudyDirectory
from hpo.trial_runner import Failures, Reports, TrialRunner, TrialsFailedError
from hpo.workers.crew import Crew
from hpo.workers.pool import Pool
from hpo.workload import Workload
from search_spaces.space import FIXED

if TYPE_CHECKING:
    from hpo.ray_tune.cluster import Cluster

_CHECKPOINTS_AT_ONCE = 2  # one being written, one between rungs; of each worker
_CHECKPOINTS_KEPT = 2  # the last two finished


class Search:
    """Runs the trials of a study.

    Args:
        study: where they are recorded.
        directory: where checkpoints lie.
        workload: what they are trained and measured on.
        meter: counts the time and says when to stop.
        observer: who watches.
        crew: how many trials at once; by default one, in this process.
        flag: what `meter` looks at; other processes are told when it is set.
        cluster: a Ray cluster that runs the trials instead of processes here.
    """

    def __init__(
        self,
        study: optuna.Study,
        directory: StudyDirectory,
        workload: Workload,
        meter: Meter,
        observer: Observer,
        crew: Crew | None = None,
        flag: StopFlag | None = None,
        cluster: Cluster | None = None,
    ) -> None:
        config = workload.config
        self.study, self.directory, self.workload = study, directory, workload
        self.meter, self.observer, self.config = meter, observer, config
        self.crew, self.flag = crew or Crew(1, config.threads), flag or StopFlag()
        self.cluster = cluster
        self.space = workload.space
        self.budget = Budget.of(config)
        self.rungs = rung_epochs(config.epochs, factor=config.rung_factor, n_rungs=config.rungs)
        plan = workload.plan({**self.space.defaults, **self.space.fixed})
        check_shared(config, workload, plan)
        untrained = workload.begin(plan)
        check_quota(
            None if config.checkpoint_gib is None else round(config.checkpoint_gib * GIB),
            checkpoint_bytes=untrained.checkpoint_bytes,
            n_workers=self.crew.n_workers,
        )
        n_checkpoints = _CHECKPOINTS_AT_ONCE * self.crew.n_workers + _CHECKPOINTS_KEPT
        directory.check_free(n_checkpoints * untrained.checkpoint_bytes)
        workload.gauge.on_batch = meter.tick
        self.initial = workload.gauge.initial(untrained.learner, workload.train)
        reports = Reports(observer.epoch, self._show, observer.note)
        self.runner = TrialRunner(study, directory, workload, self.initial, meter, reports)
        self.asking = Asking(
            study,
            config,
            self.space,
            meter,
            first_rung=self.rungs[0],
            suggest=self.runner.objective.suggest,
            note=observer.note,
            ledger=self.runner.ledger,
        )
        self.filter = OnlineFilter(
            study, directory, workload, meter, observer, self.budget, self.initial.network
        )

    def describe(self) -> str:
        """Say what is about to happen."""
        c, w = self.config, self.workload
        images = f"{len(w.train)} to train on, {len(w.gauge.images)} to measure on"
        if w.probe is not None:
            images += f", {len(w.probe.images)} labelled for the probe"
        if w.n_skipped:
            images += f"; {w.n_skipped} could not be read and were skipped"
        limits = [counted(c.n_trials, "trial")] if c.n_trials else []
        limits += [self.budget.limits.describe()] if self.budget.limits.units else []
        held = {name for name, d in self.space.held.items() if d.held != FIXED}
        fixed = {n: v for n, v in self.space.fixed.items() if n not in held}
        values = ", ".join(f"{name} {value}" for name, value in fixed.items())
        return (
            f"{c.method} on {c.data}, objective {c.objective} ({self.study.direction.name.lower()})"
            f"\nimages: {images}; {w.backbone.in_channels} x {w.gauge.images.shape[-1]} pixels"
            f"\nbackbone: {w.backbone.name}, {w.backbone.dim} features, on {w.device}"
            f"\nrungs: epochs {', '.join(map(str, self.rungs))}; {_stops(c)}"
            f"\nlimits: {' and '.join(limits)}"
            f"\nat once: {self.crew.describe()}"
            f"\nsearched: {', '.join(self.space) or 'nothing'}"
            + (f"\nfixed: {values}" if fixed else "")
        )

    def run(self) -> None:
        """Finish what was interrupted, then start new trials while limits allow.

        Raises:
            TrialsFailedError: when one trial after another ends with an error.
            WorkersDiedError: when one worker after another dies.
            Interrupted: when somebody asked to stop.
        """
        self.observer.phase("searching")
        self._run("search")

    def replicate(self, finalists: Sequence[int]) -> None:
        """Run finalists again under other seeds, as far as the budget goes.

        Args:
            finalists: numbers, the best first.

        Raises:
            As `run` does.
        """
        n_seeds = n_replicates(self.config)
        rows = read_rows(self.study, running=False)
        missing = missing_replicates(finalists, rows, n_seeds=n_seeds, seed=self.config.seed)
        for number, seed in missing:
            self.asking.enqueue_replicate(number, seed)
        if missing or self.asking.waiting_replicates():
            shown = ", ".join(map(str, finalists))
            self.observer.note(f"replicating trials {shown} under {n_seeds} other seed(s)")
            self.observer.phase("replicating")
            self._run("after")

    def _run(self, phase: Phase) -> None:
        if self.cluster is not None:
            self._run_cluster(self.cluster, phase)
            return
        collect_checkpoints(self.study, self.directory)
        if self.crew.n_workers > 1:
            self._run_workers(phase)
        else:
            self._run_here(phase)

    def _run_here(self, phase: Phase) -> None:
        failures = Failures()
        self.meter.phase = phase
        try:
            with trainings(self.workload) as self.runner.objective.begin:
                while (trial := self.asking.next()) is not None:
                    failures.count(self.runner.run(trial))
                    self.filter.after_trial()
        finally:
            self.meter.phase = "idle"

    def _run_workers(self, phase: Phase) -> None:
        pool = Pool(
            self.crew,
            self.workload,
            self.directory,
            self.initial,
            asking=self.asking,
            runner=self.runner,
            meter=self.meter,
            flag=self.flag,
            phase=phase,
            after_trial=self.filter.after_trial,
        )
        with pool:
            pool.run()

    def _run_cluster(self, cluster: Cluster, phase: Phase) -> None:
        from hpo.ray_tune.engine import RayEngine

        engine = RayEngine(
            cluster,
            self.workload,
            self.directory,
            self.initial,
            asking=self.asking,
            runner=self.runner,
            meter=self.meter,
            after_trial=self.filter.after_trial,
        )
        engine.run(phase)

    def _show(self) -> None:
        self.observer.rows(read_rows(self.study, running=True))


def _stops(config: StudyConfig) -> str:
    stops = []
    if asks_for_zone(config):
        stops.append("α far from the zone is filtered out")
    if config.prune:
        stops.append(f"one in {config.rung_factor} goes on")
    return "; ".join(stops) or "every trial is trained to the end"


__all__ = ["Search", "TrialsFailedError"]
