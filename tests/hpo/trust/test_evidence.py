"""Scores out of values."""

from __future__ import annotations

import math

import pytest

from hpo.errors import ConfigError
from hpo.trust import StudyEvidence, TrialEvidence
from tests.hpo.trust.made import made_study


@pytest.mark.parametrize(
    ("direction", "scores"),
    [
        ("maximize", [0.5, 1.5, None]),
        ("minimize", [-0.5, -1.5, None]),
        ("closest_to_one", [-0.5, -0.5, None]),
    ],
)
def test_higher_scores_are_better(direction: str, scores: list[float | None]) -> None:
    study = made_study([0.5, 1.5, math.inf], measures={"rankme": direction})
    found = study.scores("rankme", study.trials, 9).tolist()
    assert [None if math.isnan(s) else s for s in found] == scores


def test_who_was_not_measured_has_no_score() -> None:
    study = made_study([1.0], others=[TrialEvidence(1), TrialEvidence(2, rungs={3: {"rankme": 1}})])
    assert [math.isnan(s) for s in study.scores("rankme", study.trials, 9)] == [False, True, True]


def test_the_objective_must_be_a_measure() -> None:
    with pytest.raises(ConfigError, match=r"objective: got 'lidar', wanted one of .*: rankme"):
        StudyEvidence((), "lidar", 0, {"rankme": "maximize"})
