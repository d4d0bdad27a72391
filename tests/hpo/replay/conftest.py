"""Two recorded studies: one run to the end by every trial, one with every rule on."""

from __future__ import annotations

import optuna
import pytest

from tests.hpo.replay.simulator import courses, recorded


@pytest.fixture(scope="module")
def whole() -> optuna.Study:
    """20 trials to the end, three at a time, each probed; the best probe is the best rankme."""
    return recorded(courses(20, seed=4), at_once=3, prune=False, filter=False, labels=True)


@pytest.fixture(scope="module")
def pruned() -> optuna.Study:
    return recorded(courses(40, seed=4), at_once=3, labels=True)
