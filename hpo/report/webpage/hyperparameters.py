"""What was searched, where each trial lay in it, and which of it mattered."""

from __future__ import annotations

import math
from typing import Any

import optuna
from optuna.distributions import CategoricalDistribution
from optuna.trial import TrialState

from hpo.report.webpage.json_values import json_value
from hpo.report.webpage.material import Material
from hpo.report.webpage.trials_table import KINDS, OPEN, searched_names

FEWEST_FINISHED = 4


def importances_of(material: Material) -> tuple[dict[str, float], str]:
    """Ask Optuna which hyperparameters decided over the objective.

    PED-ANOVA, Optuna's own choice: how differently the better trials are spread over a
    hyperparameter's range than all of them. It draws nothing at random.

    Args:
        material: of the study; its finished trials count, replicates do not.

    Returns:
        Importance in [0, 1] by name, the largest first, of sum 1; and why there is none, empty
        where there is.

    Source:
        Watanabe, Bansal, Hutter 2023 (IJCAI), arXiv 2304.10255.
    """
    own = {row.number for row in material.own}
    finished = [
        trial
        for trial in material.trials
        if trial.number in own
        and trial.state == TrialState.COMPLETE
        and trial.value is not None
        and math.isfinite(trial.value)
    ]
    if len(finished) < FEWEST_FINISHED:
        return {}, f"{len(finished)} finished trials; {FEWEST_FINISHED} or more are wanted"
    if len({trial.value for trial in finished}) == 1:
        return {}, "all finished trials have the same objective"
    varied = [
        name
        for name in searched_names(material)
        if len({str(trial.params[name]) for trial in finished if name in trial.params}) > 1
    ]
    if not varied:
        return {}, "no hyperparameter differs between the finished trials"
    # A study of its own in memory: replicates are left out, and the real one is only read.
    alone = optuna.create_study(direction=material.direction)
    alone.add_trials(finished)
    found = optuna.importance.get_param_importances(alone, params=varied)
    if not all(math.isfinite(value) for value in found.values()):
        return {}, "Optuna could not tell it from these trials"
    return found, ""


def places_of(material: Material, importances: dict[str, float]) -> dict[str, Any]:
    """Say where each trial lies in the space, for the landscape and the parallel coordinates.

    Args:
        material: of the study.
        importances: by name; the two most important are shown first.

    Returns:
        "dimensions": name, whether its axis is logarithmic, ends or choices; "shown": two names;
        "trials": number, state, kind, whether chosen, objective, α, and the value in each
        dimension, None where a trial has none; "zone": ends of α, None for an open one.
    """
    names = searched_names(material)
    order = [*importances, *(name for name in names if name not in importances)]
    dimensions = [_dimension(material, name) for name in order]
    zone = material.zone
    return {
        "objective": material.objective,
        "maximise": material.direction == "maximize",
        "zone": json_value([zone.low, zone.high]),
        "shown": order[:2],
        "dimensions": dimensions,
        "trials": [
            {
                "number": row.number,
                "state": row.state,
                "kind": KINDS.get(row.state, OPEN),
                "chosen": row is material.chosen,
                "objective": json_value(row.objective),
                "alpha": json_value(row.alpha),
                "values": [
                    _placed(material.trials[row.number].params.get(each["name"]), each)
                    for each in dimensions
                ],
            }
            for row in material.own
        ],
    }


def _dimension(material: Material, name: str) -> dict[str, Any]:
    found = [t.distributions[name] for t in material.trials if name in t.distributions]
    values = [t.params[name] for t in material.trials if name in t.params]
    numeric = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
    if isinstance(found[0], CategoricalDistribution) or not numeric:
        every = [c for d in found for c in getattr(d, "choices", ())] or values
        return {"name": name, "choices": list(dict.fromkeys(str(c) for c in every)), "log": False}
    lows = [getattr(d, "low", min(values)) for d in found]
    highs = [getattr(d, "high", max(values)) for d in found]
    log = any(getattr(d, "log", False) for d in found) and min(lows) > 0
    ends = json_value([float(min(lows)), float(max(highs))])
    return {"name": name, "choices": None, "log": log, "low": ends[0], "high": ends[1]}


def _placed(value: Any, dimension: dict[str, Any]) -> Any:
    """A choice is written as its text, so that 1 and True and "1" stay what the axis shows."""
    if value is None or dimension["choices"] is None:
        return json_value(value)
    return str(value)
