"""Search spaces in whichever form, on a trial."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from hpo.errors import ConfigError
from hpo.label_free import label_free_objective
from objectives import rankme
from search_spaces import Float, SearchSpace
from tests.hpo.label_free.studies import features, only, studied

DISTRIBUTIONS = {
    "decay": FloatDistribution(0.1, 1.0, log=True),
    "seed": IntDistribution(0, 6, step=3),
    "size": CategoricalDistribution((90, 120)),
}


def from_config(config: dict[str, Any]) -> Iterator[Any]:
    yield features(decay=config["decay"], seed=config.get("seed", 0))


def test_a_space_is_suggested_and_its_values_given() -> None:
    study = studied(label_free_objective(from_config, DISTRIBUTIONS, objective="rankme"))
    trial = only(study)
    assert trial.distributions == DISTRIBUTIONS
    assert trial.user_attrs["hyperparameters"] == trial.params
    space = SearchSpace("mine", {"decay": Float(0.1, 1.0, default=0.5)}, {"seed": 5})
    trial = only(studied(label_free_objective(from_config, space, objective="rankme")))
    assert trial.user_attrs["hyperparameters"] == {**trial.params, "seed": 5}
    assert trial.value == pytest.approx(rankme(features(decay=trial.params["decay"], seed=5)))


def test_an_enqueued_point_is_used_and_one_that_nobody_asks_for_refused() -> None:
    objective = label_free_objective(from_config, DISTRIBUTIONS, objective="rankme")
    study = optuna.create_study(direction=objective.direction)
    study.enqueue_trial({"decay": 0.5})
    study.enqueue_trial({"decoy": 0.5})
    study.optimize(objective, n_trials=1)
    assert study.trials[0].params["decay"] == 0.5
    with pytest.raises(ConfigError, match=r"decoy: .* Did you mean 'decay'"):
        study.optimize(objective, n_trials=1)
