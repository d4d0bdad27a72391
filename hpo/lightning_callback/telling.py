"""A trial is told what was measured, by one process, and all processes hear the verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import optuna

from hpo.decision import GO_ON, Decision
from hpo.errors import ConfigError
from hpo.history import Reading
from hpo.label_free.joining import MEASURED_AS, agree
from hpo.pruners.combined import PRUNER
from hpo.pruners.reporting import report_rung
from hpo.pruners.rule_pruner import check_single_objective
from hpo.pruners.storing import OUTCOME, store_stop
from objectives import get_measure
from objectives.distributed import gather


def check_trial(trial: Any, objective: str) -> None:
    """Check that a trial can be told values of a measure.

    Raises:
        ConfigError: for something else, a study of several objectives, or one that goes the
            other way than the measure.
    """
    if not isinstance(trial, optuna.Trial):
        raise ConfigError(f"trial: got {type(trial).__name__}; wanted an optuna.Trial.")
    check_single_objective(trial.study)
    wanted, direction = get_measure(objective).optimiser_direction, trial.study.direction
    if direction.name.lower() != wanted:
        raise ConfigError(
            f"objective: got {objective}, which is to {wanted}, for a study that is to "
            f"{direction.name.lower()}; wanted optuna.create_study(direction={wanted!r}): pruners "
            "compare what is reported in the study's direction."
        )


def check_processes(trial: optuna.Trial | None, *, own_memory: bool) -> bool:
    """Check that the processes of one training have the same trial.

    Processes that each ask a study for a trial get other parameters each, and train a mixture of
    networks (optuna#6043).

    Args:
        trial: of this process; None where another one holds it.
        own_memory: whether this process was started with a copy of its parent's memory.

    Returns:
        Whether there is a trial at all.

    Raises:
        ConfigError: in all processes alike: other parameters in one of them, none in the first,
            or a study that lives in the memory of the process that started them.
    """
    mine = None if trial is None else (trial.number, dict(trial.params))
    held = gather(mine)
    if all(each is None for each in held):
        return False
    if held[0] is None:
        raise ConfigError(
            "trial: got none in the first of the processes, which reports for all; wanted it there."
        )
    for rank, each in enumerate(held):
        if each is not None and each != held[0]:
            raise ConfigError(
                f"trial: got number {each[0]} with {each[1]} in process {rank}, and number "
                f"{held[0][0]} with {held[0][1]} in process 0; wanted the same trial in all: ask "
                "the study once, before the processes start (strategy='ddp_spawn' starts them "
                "after it), or send the first one's parameters to the others."
            )
    memory = isinstance(trial, optuna.Trial) and isinstance(
        trial.study._storage, optuna.storages.InMemoryStorage
    )
    if own_memory and memory:
        raise ConfigError(
            "trial: got one whose study lives in memory, which the processes of this strategy "
            "only have a copy of; wanted a storage that they share: "
            "optuna.create_study(storage='sqlite:///study.db')."
        )
    return True


def agree_with_study(trial: optuna.Trial, record: Mapping[str, Any]) -> Decision:
    """Hold how a trial is measured against how its study's others were; the first one says it.

    Returns:
        Going on.

    Raises:
        StudyMismatchError: naming what differs.
    """
    agree(trial.study, MEASURED_AS, record)
    return GO_ON


@dataclass(frozen=True)
class Broken:
    """An error in the process that asks, on its way to those that wait for its answer."""

    reason: str


def in_all_processes(trainer: Any, ask: Callable[[], Decision]) -> Decision:
    """Let the first process ask, and give all of them its verdict.

    Raises:
        RuntimeError: in the other processes, where asking failed; in the first its own error.
    """
    answer: Decision | Broken | None = None
    error: Exception | None = None
    if trainer.is_global_zero:
        try:
            answer = ask()
        except Exception as raised:  # sent to the others first, who would wait for ever
            error, answer = raised, Broken(f"{type(raised).__name__}: {raised}")
    answer = trainer.strategy.broadcast(answer, src=0)
    if error is not None:
        raise error
    if not isinstance(answer, Decision):
        reason = answer.reason if isinstance(answer, Broken) else "no answer"
        raise RuntimeError(f"trial: the first process could not tell it: {reason}.")
    return answer


def tell(trial: optuna.Trial, reading: Reading, verdict: Decision) -> Decision:
    """Report a rung to a trial and ask its study whether it goes on.

    Args:
        trial: the running trial.
        reading: what was measured.
        verdict: that the rule of collapse has come to.

    Returns:
        The verdict where it is a stop; else the study's pruner's, with its reason. A stop is
        stored with the trial, a collapse as infeasible.
    """
    report_rung(trial, reading.epoch, reading.objective, reading.values, reading.finding)
    study = trial.study
    if not verdict.stop:
        if not trial.should_prune():
            return verdict
        name = type(study.pruner).__name__
        reason = f"{name} stopped it: {reading.objective:g} reported at {reading.epoch}"
        verdict = Decision(True, reason, PRUNER, {"pruner": name})
    store_stop(study, study.get_trials(deepcopy=False)[trial.number], verdict)
    # One of our pruners may have stored a better reason than its name.
    return stored_stop(trial) or verdict


def stored_stop(trial: optuna.Trial) -> Decision | None:
    """Return the stop that is stored with a trial, by whatever process; None for none."""
    frozen = trial.study.get_trials(deepcopy=False)[trial.number]
    outcome = frozen.user_attrs.get(OUTCOME)
    return None if outcome is None else Decision(True, outcome["reason"], outcome["kind"])


def last_report(trial: optuna.Trial) -> float | None:
    """Return what was last reported to a trial, by whatever process."""
    frozen = trial.study.get_trials(deepcopy=False)[trial.number]
    return None if frozen.last_step is None else frozen.intermediate_values[frozen.last_step]
