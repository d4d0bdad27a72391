"""The same trials in other orders."""

from __future__ import annotations

import random
from dataclasses import replace

import optuna
import pytest

from hpo.errors import ConfigError
from hpo.replay import Report, read_recording
from hpo.replay.arrival import shuffled
from hpo.replay.command import replay_outcome


def test_an_order_is_the_same_trials_each_in_its_own_order(whole: optuna.Study) -> None:
    recording = read_recording(whole)
    one, two = (shuffled(recording, random.Random(seed)) for seed in (1, 2))
    assert one == shuffled(recording, random.Random(1))
    assert one != two
    assert len(one) == len(two) == len(recording.events)
    for number in recording.trials:
        own = [event for event in recording.events if event.trial == number]
        assert [event for event in one if event.trial == number] == own


def test_as_many_trials_run_at_once_as_did(whole: optuna.Study) -> None:
    recording = read_recording(whole)
    for n_workers in (1, 3):
        events = shuffled(replace(recording, n_workers=n_workers), random.Random(0))
        reports = [event.trial for event in events if isinstance(event, Report)]
        # All train at one pace, so each group of trials takes its rungs together.
        for start in range(0, 18, n_workers):
            group = reports[3 * start : 3 * (start + n_workers)]
            assert group[:n_workers] * 3 == group
            assert len(set(group)) == n_workers


def test_over_orders_compute_and_regret_have_a_spread(whole: optuna.Study) -> None:
    shuffles = replay_outcome(whole, 20, 0, {"prune": True, "filter": True}).shuffles
    assert shuffles is not None
    assert 0 < shuffles.compute.low <= shuffles.compute.mean <= shuffles.compute.high < 1
    assert shuffles.regret["probe accuracy"].n == 20
    assert shuffles == replay_outcome(whole, 20, 0, {"prune": True, "filter": True}).shuffles
    nothing = replay_outcome(whole, 3, 0, {}).shuffles
    assert nothing is not None
    assert (nothing.compute.low, nothing.compute.high) == (1.0, 1.0)


def test_orders_of_a_pruned_study_are_refused(pruned: optuna.Study) -> None:
    with pytest.raises(ConfigError, match=r"shuffles: \d+ of 40 trials were cut short.*--no-prune"):
        replay_outcome(pruned, 2)
