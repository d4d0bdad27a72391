"""Warm-up and intervals, held against Optuna's own pruner."""

import math

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.pruners import ThresholdPruner
from optuna.trial import TrialState, create_trial

from hpo.errors import ConfigError
from hpo.pruning.interval import check_interval, is_due


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    steps=st.sets(st.integers(0, 12), min_size=1, max_size=8),
    n_warmup_steps=st.integers(0, 6),
    interval_steps=st.integers(1, 5),
)
def test_a_check_is_due_when_it_is_for_optunas_threshold_pruner(
    steps: set[int], n_warmup_steps: int, interval_steps: int
) -> None:
    """A pruner that stops whatever it looks at shows when it looks."""
    pruner = ThresholdPruner(
        lower=0.0, n_warmup_steps=n_warmup_steps, interval_steps=interval_steps
    )
    study = optuna.create_study()
    trial = create_trial(
        state=TrialState.RUNNING, intermediate_values=dict.fromkeys(steps, math.nan)
    )
    ours = is_due(max(steps), steps, n_warmup_steps=n_warmup_steps, interval_steps=interval_steps)
    assert ours is pruner.prune(study, trial)


def test_impossible_arguments() -> None:
    with pytest.raises(ConfigError, match="n_warmup_steps: got -1; wanted at least 0"):
        check_interval(n_warmup_steps=-1, interval_steps=1)
    with pytest.raises(ConfigError, match="interval_steps: got 0; wanted at least 1"):
        check_interval(n_warmup_steps=0, interval_steps=0)
