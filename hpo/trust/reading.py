"""From a study's storage to the evidence that trust is judged from. Reading only."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import optuna
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial

from hpo.errors import StorageError
from hpo.ordering import PROBE
from hpo.record import RUNG, TrialRow, read_rows
from hpo.trust.evidence import LINEAR, Direction, StudyEvidence, TrialEvidence
from hpo.trust.prior import read_priors

_LEAST_MOVED = 0.1  # as in `hpo.options`
_PLACES = 12
_UNNAMED = "objective"
_SHOTS = "few_shot_"
_OTHER_LAYERS = ("_backbone", "_projector")

Rungs = dict[int, dict[str, float]]


def read_evidence(study: optuna.Study) -> StudyEvidence:
    """Read what trust in a study's measures is judged from.

    The linear probe's accuracy is pooled over all labelled images, each judged while held out:
    (cross_validated · n_fit + reported · n_reported) / n. That of the k-NN and the few-shot probes
    is over the fitting part, as it was recorded. An objective without a record of measures, of
    somebody else's loop, is called "objective".

    Args:
        study: with one objective.

    Raises:
        StorageError: for a study with several objectives, which has no one order of its trials.
    """
    if len(study.directions) != 1:
        raise StorageError(
            f"study: got {len(study.directions)} objectives, wanted one: trials of several have no "
            "one order that could be the probe's. Look at the Pareto front instead."
        )
    attrs, found = study.user_attrs, read_rows(study, running=False)
    trials = {t.number: t for t in study.get_trials(deepcopy=False)}
    rows = [_placed(row, trials[row.number]) for row in found]
    config: Mapping[str, Any] = attrs.get("config", {})
    rungs = {row.number: _rungs(trials[row.number]) for row in rows}
    measures = _measures(rungs.values())
    objective = str(config.get("objective", _UNNAMED))
    if objective not in measures:
        maximised = study.direction != StudyDirection.MINIMIZE
        measures = {objective: "maximize" if maximised else "minimize", **measures}
        _add_objective(rungs, trials, objective)
    barred, epoch = _compared(rows, float(config.get("least_moved", _LEAST_MOVED)))
    n_labelled = int(attrs.get("images", {}).get("probe", 0))
    evidence = [_trial(row, rungs[row.number], barred, epoch, n_labelled) for row in rows]
    choice = attrs.get("choice")
    chosen = None if choice is None else int(choice["number"])
    return StudyEvidence(
        trials=tuple(t for t in evidence if t.state != "waiting"),
        objective=objective,
        epoch=epoch,
        measures=measures,
        n_tested=_n_tested(rows, n_labelled),
        chosen=chosen,
        chosen_by_probe=bool(config.get("labels")) and f"{PROBE}{chosen}" in attrs,
        priors=read_priors(),
    )


def _placed(row: TrialRow, trial: FrozenTrial) -> TrialRow:
    """A trial without a record of measures is where it reported last."""
    step = trial.last_step
    if row.epoch or step is None:
        return row
    return replace(row, epoch=step, objective=trial.intermediate_values[step])


def _rungs(trial: FrozenTrial) -> Rungs:
    return {
        int(key.removeprefix(RUNG)): {
            name: float(value) for name, value in values.items() if isinstance(value, int | float)
        }
        for key, values in trial.user_attrs.items()
        if key.startswith(RUNG)
    }


def _measures(every: Any) -> dict[str, Direction]:
    """Direction of each recorded measure; what is recorded beside them is none."""
    from objectives import MEASURES

    names = sorted({name for rungs in every for values in rungs.values() for name in values})
    known = {name: _registered(name) for name in names}
    return {name: MEASURES[own].direction for name, own in known.items() if own in MEASURES}


def _registered(name: str) -> str:
    for layer in _OTHER_LAYERS:
        name = name.removesuffix(layer)
    return name


def _add_objective(
    rungs: Mapping[int, Rungs], trials: Mapping[int, FrozenTrial], name: str
) -> None:
    for number, own in rungs.items():
        for epoch, value in trials[number].intermediate_values.items():
            own.setdefault(epoch, {})[name] = value


def _compared(rows: Sequence[TrialRow], least_moved: float) -> tuple[dict[int, str], int]:
    """Why each comparable trial may not be chosen, empty where it may, and their epoch."""
    from hpo.candidates import candidates_of  # these two load torch
    from hpo.goldilocks import eligible

    candidates = candidates_of(rows)
    epoch = max((c.epoch for c in candidates), default=0)
    here = [c for c in candidates if c.epoch == epoch]
    if not any(math.isfinite(c.moved) for c in here):  # nobody measured it, so it bars nobody
        here = [replace(c, moved=1.0) for c in here]
    reasons = eligible(here, least_moved=least_moved)
    return {c.number: reasons.get(c.number, "") for c in here}, epoch


def _trial(
    row: TrialRow, rungs: Rungs, barred: Mapping[int, str], epoch: int, n_labelled: int
) -> TrialEvidence:
    again = row.replicate_of is not None and row.state == "finished" and row.epoch == epoch
    return TrialEvidence(
        number=row.number,
        state=row.state,
        rungs=rungs,
        at_end=row.number in barred or again,
        barred=barred.get(row.number, ""),
        accuracies=_accuracies(row.probe, n_labelled),
        replicate_of=row.replicate_of,
    )


def _accuracies(probe: Mapping[str, float], n_labelled: int) -> dict[str, float]:
    if not probe:
        return {}
    rest = {name: probe[name] for name in probe if name == "knn" or name.startswith(_SHOTS)}
    # The same count of right answers, summed in another order, has to be the same accuracy.
    found = {LINEAR: _pooled(probe, n_labelled), **rest}
    return {name: round(float(accuracy), _PLACES) for name, accuracy in found.items()}


def _pooled(probe: Mapping[str, float], n_labelled: int) -> float:
    n_reported = int(probe.get("n_reported", 0))
    n_fit = n_labelled - n_reported
    fitted, reported = (probe.get(name, math.nan) for name in ("cross_validated", "reported"))
    if n_fit <= 0 or not math.isfinite(fitted):
        return reported if n_reported else fitted
    return fitted if not n_reported else (fitted * n_fit + reported * n_reported) / n_labelled


def _n_tested(rows: Sequence[TrialRow], n_labelled: int) -> dict[str, int]:
    """Images behind the accuracies of each probe, linear first."""
    probes = [row.probe for row in rows if row.probe]
    n_reported = max((int(probe.get("n_reported", 0)) for probe in probes), default=0)
    n_labelled = max(n_labelled, n_reported, 1)
    n_fit = max(n_labelled - n_reported, 1)
    names = dict.fromkeys(name for p in probes for name in _accuracies(p, n_labelled))
    order = sorted(names, key=lambda name: (name != LINEAR, name != "knn", _shots(name)))
    return {name: n_labelled if name == LINEAR else n_fit for name in order}


def _shots(name: str) -> int:
    shots = name.removeprefix(_SHOTS)
    return int(shots) if shots.isdecimal() else 0
