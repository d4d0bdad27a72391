"""Which trials may be compared, when some finished and when none did."""

from __future__ import annotations

import torch

from hpo.record import TrialRow
from hpo.selection import backbone_weights, candidates_of


def row(number: int, state: str, epoch: int, objective: float = 1.0) -> TrialRow:
    values = {"alpha_req": 1.0, "moved": 0.5} if epoch else {}
    return TrialRow(number, state, epoch, objective, values, "", 0.0, 0.0, {})


def test_only_the_finished_are_compared_when_there_are_any() -> None:
    rows = [row(0, "finished", 9), row(1, "pruned", 3), row(2, "collapsed", 9)]
    assert [c.number for c in candidates_of(rows)] == [0]


def test_otherwise_those_at_the_highest_rung_that_a_living_trial_reached() -> None:
    rows = [
        row(0, "pruned", 3),
        row(1, "out of budget", 3),
        row(2, "pruned", 1),
        row(3, "collapsed", 9),
        row(4, "failed", 9),
    ]
    assert [c.number for c in candidates_of(rows)] == [0, 1]


def test_trials_that_reached_no_rung_are_nobody() -> None:
    assert candidates_of([row(0, "out of budget", 0), row(1, "waiting", 0)]) == []


def test_the_backbone_alone_is_taken_out_of_a_training_state() -> None:
    learner = {"backbone.conv1.weight": torch.ones(1), "projector.0.weight": torch.ones(1)}
    learner["teacher.0.backbone.conv1.weight"] = torch.ones(1)
    assert set(backbone_weights({"learner": learner})) == {"conv1.weight"}
