"""Studies recorded in real storages by the code that decides online; only the training is made up.

Several trials run at once: `Simulator.step` takes one of them to its next rung.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import optuna
from optuna.trial import TrialState

from hpo.config import StudyConfig
from hpo.deciding import decide_broken, report_and_decide
from hpo.decision import Decision
from hpo.history import Finding, History, Reading, Rule
from hpo.ordering import PROBE, next_order
from hpo.rules import rules_of

RUNGS = (6, 18, 54)
PER_EPOCH = 100


@dataclass(frozen=True)
class Course:
    """What a trial would be measured as, if it came to all its rungs.

    Args:
        objective: at each rung.
        alpha: likewise.
        finding: by place of the rung.
        breaks: place of the rung that it never comes to, because its training breaks.
        error: likewise, because of an error.
        accuracy: of its probe after the end; None for no probe.
    """

    objective: tuple[float, ...]
    alpha: tuple[float, ...]
    finding: Mapping[int, Finding] = field(default_factory=dict)
    breaks: int | None = None
    error: int | None = None
    accuracy: float | None = None


class Killed(BaseException):
    """The process died."""


class DyingRule:
    """Dies before it decides: the report is stored, the decision is not."""

    def decide(self, reading: Reading, history: History) -> Decision:
        raise Killed


class Simulator:
    """A study in progress; it keeps nothing that the storage does not, except who runs.

    Args:
        study: where everything is recorded.
        courses: of the trials, in the order in which they start.
        config: what decides.
    """

    def __init__(self, study: optuna.Study, courses: Sequence[Course], config: StudyConfig) -> None:
        self.study, self.courses, self.config = study, courses, config
        direction: Any = study.direction.name.lower()
        self.rule: Rule = rules_of(config, direction=direction)
        study.set_user_attr("config", config.model_dump(mode="json"))
        study.set_user_attr("images", {"train": PER_EPOCH})

    @property
    def over(self) -> bool:
        """Whether every trial has come to its end."""
        trials = self.study.get_trials(deepcopy=False)
        return len(trials) == len(self.courses) and all(t.state.is_finished() for t in trials)

    def start(self) -> None:
        if len(self.study.get_trials(deepcopy=False)) < len(self.courses):
            self.study.ask()

    def running(self) -> list[int]:
        states = (TrialState.RUNNING,)
        return [t.number for t in self.study.get_trials(deepcopy=False, states=states)]

    def step(self, number: int, *, killed: bool = False) -> None:
        """Take a trial to its next rung and decide; where killed, only to its report."""
        frozen = self.study.get_trials(deepcopy=False)[number]
        trial, course = optuna.Trial(self.study, frozen._trial_id), self.courses[number]
        decided = [e for e in RUNGS if f"decision/{e}" in frozen.user_attrs]
        place = len(decided)
        epoch = RUNGS[place]
        if course.error == place:
            trial.set_user_attr("outcome", {"kind": "error", "reason": "out of memory"})
            self.study.tell(trial, state=TrialState.FAIL)
            return
        if course.breaks == place:
            self._stop(trial, decide_broken(trial, epoch, "not finite: loss is nan"))
            return
        alpha = course.alpha[place]
        values = {
            "alpha_req": alpha,
            "rankme": course.objective[place],
            "lidar": -course.objective[place],
            "moved": 0.5,
            "seconds": 2.0 * epoch,
        }
        found, rule = course.finding.get(place), DyingRule() if killed else self.rule
        try:
            decision = report_and_decide(trial, epoch, course.objective[place], values, found, rule)
        except Killed:
            return
        if decision.stop:
            self._stop(trial, decision)
        elif epoch == RUNGS[-1]:
            self.study.tell(trial, course.objective[place])
            if course.accuracy is not None:
                self._probe(number, course.accuracy)

    def _stop(self, trial: optuna.Trial, decision: Decision) -> None:
        trial.set_user_attr("outcome", {"kind": decision.kind, "reason": decision.reason})
        if decision.kind == "collapse":
            trial.set_user_attr("collapse", decision.reason)
        self.study.tell(trial, state=TrialState.PRUNED)

    def _probe(self, number: int, accuracy: float) -> None:
        record = {"order": next_order(self.study), "cross_validated": accuracy, "seconds": 3.0}
        self.study.set_user_attr(f"{PROBE}{number}", record)


def run(
    study: optuna.Study,
    courses: Sequence[Course],
    config: StudyConfig,
    *,
    at_once: int = 1,
    seed: int = 0,
) -> Simulator:
    """Run a whole study, `at_once` trials at a time, whichever of them comes next."""
    simulator, rng = Simulator(study, courses, config), random.Random(seed)
    while not simulator.over:
        while len(simulator.running()) < at_once:
            before = len(simulator.running())
            simulator.start()
            if len(simulator.running()) == before:
                break
        simulator.step(rng.choice(simulator.running()))
    return simulator


def courses(n: int, *, seed: int = 0, probed: bool = True) -> list[Course]:
    """Return random courses; the better of them probe better."""
    rng = random.Random(seed)
    made = []
    for _ in range(n):
        quality = rng.random()
        made.append(
            Course(
                objective=tuple(10 * quality + level + rng.gauss(0, 0.5) for level in range(3)),
                alpha=tuple(2.4 - 1.5 * quality + rng.gauss(0, 0.1) for _ in range(3)),
                accuracy=0.5 + 0.4 * quality if probed else None,
            )
        )
    return made


def settings(**options: Any) -> StudyConfig:
    """Return a configuration of which only what decides counts."""
    return StudyConfig(epochs=RUNGS[-1], rungs=len(RUNGS), objective="rankme", **options)


def recorded(planned: Sequence[Course], *, at_once: int = 1, **options: Any) -> optuna.Study:
    """Return a whole study in memory, to maximise."""
    study = optuna.create_study(direction="maximize")
    run(study, planned, settings(**options), at_once=at_once)
    return study
