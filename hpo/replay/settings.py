"""The settings of a replay: those that were recorded, and what is changed of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import optuna

from hpo.config import StudyConfig, load_config
from hpo.errors import StorageError

# What decides, and what the choice goes by. The rest (data, method, backbone) may name files that
# are no longer there, and changes no decision about what was recorded.
_DECIDING = (
    "objective", "epochs", "seed", "labels", "check_labels", "trials", "budget", "prune",
    "filter", "zone", "rung_factor", "rungs", "filter_share", "explore_share", "patience",
    "probe_share", "probe_batch", "probe_best", "probe_all", "finalists", "replicates",
    "replicate_share", "shortlist_share", "least_moved",
)  # fmt: skip


def recorded_config(study: optuna.Study) -> StudyConfig:
    """Return the settings that a study decided by.

    Raises:
        StorageError: when it recorded none.
    """
    return load_config(None, _recorded(study))


def changed_config(study: optuna.Study, changes: Mapping[str, Any]) -> StudyConfig:
    """Return the settings of a study with some of them changed.

    Args:
        study: recorded.
        changes: by option name; None keeps what was recorded.

    Raises:
        ConfigError: for an unknown option or an impossible value.
        StorageError: when the study recorded no settings.
    """
    given = {name: value for name, value in changes.items() if value is not None}
    return load_config(None, {**_recorded(study), **given})


def differences(recorded: StudyConfig, replayed: StudyConfig) -> dict[str, tuple[Any, Any]]:
    """Return the settings that differ, each as (recorded, replayed)."""
    return {
        name: (getattr(recorded, name), getattr(replayed, name))
        for name in _DECIDING
        if getattr(recorded, name) != getattr(replayed, name)
    }


def _recorded(study: optuna.Study) -> dict[str, Any]:
    config: Mapping[str, Any] | None = study.user_attrs.get("config")
    if config is None:
        raise StorageError(
            "replay: the study recorded no settings (no attribute config). Only a study run by "
            "`goldilocks run` is replayed."
        )
    return {name: config[name] for name in _DECIDING if config.get(name) is not None}
