"""A study and the driver of a Tune run on it, with nobody who trains."""

from __future__ import annotations

import time
from functools import cache
from pathlib import Path
from typing import Any

import optuna
from ray.tune.experiment import Trial

from hpo.asking import Asking
from hpo.budget import Budget
from hpo.interruption import StopFlag
from hpo.measuring import Initial
from hpo.meter import Meter
from hpo.ray_tune.checkpoint_store import CheckpointStore
from hpo.ray_tune.driver import StudyDriver
from hpo.ray_tune.reports import REPORT, Report
from hpo.ray_tune.resuming import Resuming
from hpo.ray_tune.scheduler import StudyScheduler
from hpo.ray_tune.searcher import StudySearcher
from hpo.storage import StudyDirectory
from hpo.trial_runner import Reports, TrialRunner
from hpo.workload import Workload, prepare
from tests.hpo.studies import tiny


class Driven:
    """What Tune would call, called by a test.

    Args:
        out: where the study's files lie.
        options: of the study.
    """

    def __init__(self, out: Path, study: optuna.Study | None = None, **options: Any) -> None:
        config = tiny(out, max_images=400, measure_images=64, engine="ray", **options)
        workload, initial = _prepared(config.objective)
        workload = Workload(**{**vars(workload), "config": config})
        self.directory = StudyDirectory(out)
        self.directory.prepare()
        if study is None:
            optuna.logging.set_verbosity(optuna.logging.WARNING)
            study = optuna.create_study(direction="maximize")
        self.study, self.flag, self.notes = study, StopFlag(), list[str]()
        self.meter = Meter(study, Budget.of(config), self.flag, started=time.monotonic())
        reports = Reports(note=self.notes.append)
        self.runner = TrialRunner(study, self.directory, workload, initial, self.meter, reports)
        asking = Asking(
            study,
            config,
            workload.space,
            self.meter,
            first_rung=self.runner.rungs[0],
            suggest=self.runner.objective.suggest,
            note=self.notes.append,
            ledger=self.runner.ledger,
        )
        resuming = Resuming(CheckpointStore(str(out / "ray")), self.directory, "experiment")
        self.driver = StudyDriver(asking, self.runner, resuming, self.meter)
        self.searcher, self.scheduler = StudySearcher(self.driver), StudyScheduler(self.driver)
        self.rungs = tuple(self.runner.rungs)
        self._trials: dict[int, Trial] = {}
        self._n_reports = 0

    def suggest(self) -> int | None:
        """Ask for a trial as Tune does; returns its number."""
        trial_id = f"ray-{len(self._trials)}"
        config = self.searcher.suggest(trial_id)
        if not isinstance(config, dict):
            return None
        trial = Trial("stub", config=config, trial_id=trial_id, stub=True)
        self._trials[config["number"]] = trial
        return int(config["number"])

    def result(self, number: int, rung: int, record: dict[str, Any] | None, **said: Any) -> str:
        """Hand on a worker's report as Tune does, and end the trial if it is to stop."""
        self._n_reports += 1
        measured = tuple(r for r in self.rungs if r <= rung)
        given = {
            "serial": str(self._n_reports),
            "epoch": rung,
            "rung": rung,
            "record": record,
            "rungs_measured": measured,
            "whole": (1.0, 1.0, 100),
            **said,
        }
        return self.hand_on(number, Report(**given))

    def hand_on(self, number: int, report: Report) -> str:
        trial = self._trials[number]
        answer = self.scheduler.on_trial_result(None, trial, {REPORT: report})
        if answer == StudyScheduler.STOP:
            self.searcher.on_trial_complete(trial.trial_id, {REPORT: report})
        return answer

    def give_up(self, number: int) -> None:
        """Lose a trial's process for the last time, as Tune does."""
        trial = self._trials[number]
        self.scheduler.on_trial_error(None, trial)
        self.searcher.on_trial_complete(trial.trial_id, error=True)


def record(rank: float, alpha: float = 1.0, finding: dict[str, Any] | None = None) -> Any:
    """What a worker measures at a rung."""
    values = {"rankme": rank, "alpha_req": alpha, "moved": 0.5, "seconds": 1.0}
    return {"values": values, "finding": finding}


@cache
def _prepared(objective: str) -> tuple[Workload, Initial]:
    config = tiny(Path("never-written"), max_images=400, measure_images=64, objective=objective)
    workload = prepare(config)
    plan = workload.plan({**workload.space.defaults, **workload.space.fixed})
    return workload, workload.gauge.initial(workload.begin(plan).learner, workload.train)
