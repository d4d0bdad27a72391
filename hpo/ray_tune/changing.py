"""Hyperparameters that change in the middle of a training, as population based training does it."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from hpo.errors import ConfigError
from hpo.training import Training
from search_spaces import Value

CHANGEABLE = frozenset({"lr", "weight_decay", "warmup_share"})
"""The optimiser's. Another loss, network or view would make what was trained so far mean less."""


def check_changed(trained: Mapping[str, Value], wanted: Mapping[str, Value]) -> None:
    """Check that a training may go on with other hyperparameters than it was begun with.

    Args:
        trained: what the checkpoint was trained with.
        wanted: what it is to go on with.

    Raises:
        ConfigError: for a difference in any that is not the optimiser's.

    >>> check_changed({"lr": 0.1, "temperature": 0.5}, {"lr": 0.2, "temperature": 0.5})
    """
    names = sorted({*trained, *wanted} - CHANGEABLE)
    differ = [name for name in names if trained.get(name) != wanted.get(name)]
    if differ:
        name = differ[0]
        raise ConfigError(
            f"{name}: got {wanted.get(name)!r} for a training that was begun with "
            f"{trained.get(name)!r}; only {', '.join(sorted(CHANGEABLE))} may change in the "
            "middle. Leave the others out of hyperparam_mutations."
        )


def with_optimizer_of(training: Training, state: Mapping[str, Any]) -> dict[str, Any]:
    """Return a training's state with the rates of another training, at the state's own place.

    Momenta and weights stay as they are.

    Args:
        training: fresh, with the plan to go on with.
        state: `Training.state_dict` of the training so far; left as it is.
    """
    epoch = int(state["epoch"])
    scheduler = training.scheduler
    # The state keeps the rates it was saved with, and the first step would be taken with them.
    rates = [
        base * factor(epoch * training.steps_per_epoch)
        for base, factor in zip(scheduler.base_lrs, scheduler.lr_lambdas, strict=True)
    ]
    optimizer = copy.copy(state["optimizer"])
    optimizer["param_groups"] = [
        {
            **saved,
            "lr": rate,
            "initial_lr": fresh["initial_lr"],
            "weight_decay": fresh["weight_decay"],
        }
        for saved, fresh, rate in zip(
            optimizer["param_groups"], training.optimizer.param_groups, rates, strict=True
        )
    ]
    return {**state, "optimizer": optimizer}
