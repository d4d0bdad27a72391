"""The options of a study that mean something where the user's script makes the study."""

from __future__ import annotations

from typing import Any

from hpo.config import StudyConfig, load_config
from hpo.errors import ConfigError
from hpo.ray_tune.user_options import USED as OF_A_TRAINING

USED = OF_A_TRAINING | {"rungs", "prune", "patience", "least_moved", "keep", "both_layers"}

_SAID_TO_OPTUNA = {
    "trials": "study.optimize(objective, n_trials=…)",
    "budget": "study.optimize(objective, timeout=…)",
    "workers": "study.optimize(objective, n_jobs=…)",
    "sampler": "optuna.create_study(sampler=…)",
    "storage": "optuna.create_study(storage=…)",
    "study_name": "optuna.create_study(study_name=…)",
    "filter": "optuna.create_study(pruner=hpo.pruners.GoldilocksPruner(…))",
    "zone": "optuna.create_study(pruner=hpo.pruners.GoldilocksPruner(…))",
}


def objective_config(options: dict[str, Any]) -> StudyConfig:
    """Check the options of an objective.

    Args:
        options: by the names of `StudyConfig`.

    Raises:
        ConfigError: for an unknown option, an impossible value, or an option that is about which
            trials a study has.
    """
    if others := sorted({*options} & {*StudyConfig.model_fields} - USED):
        name = others[0]
        where = _SAID_TO_OPTUNA.get(name)
        raise ConfigError(
            f"{name}: got {options[name]!r}, which says how goldilocks run chooses trials. "
            + (f"Leave it out and say {where}." if where else "Leave it out.")
        )
    return load_config(None, options)
