"""Which replicates are still to be run, and what they say together."""

import math

import optuna
import pytest
from optuna.trial import TrialState, create_trial

from hpo.config import StudyConfig
from hpo.record import TrialRow
from hpo.replication import (
    finished_replicates,
    missing_replicates,
    n_replicates,
    runs_of,
)


def row(number: int, of: int | None = None, seed: int | None = None) -> TrialRow:
    return TrialRow(
        number=number,
        state="finished",
        epoch=9,
        objective=1.0,
        values={},
        reason="",
        train_seconds=0.0,
        measure_seconds=0.0,
        hyperparameters={},
        replicate_of=of,
        seed=seed,
    )


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"trials": 8}, 0),
        ({"trials": 8, "replicates": 3}, 3),
        ({"budget": "1h"}, 2),
        ({"budget": "1h", "replicates": 0}, 0),
    ],
)
def test_replicates_are_run_where_a_budget_has_room_or_when_asked_for(
    options: dict[str, object], expected: int
) -> None:
    assert n_replicates(StudyConfig.model_validate(options)) == expected


def test_every_finalist_gets_its_next_seed_before_any_gets_one_more() -> None:
    pairs = missing_replicates([4, 2], [row(2), row(4)], n_seeds=2, seed=7)
    assert [number for number, _ in pairs] == [4, 2, 4, 2]
    seeds = [seed for _, seed in pairs]
    assert seeds[0] == seeds[1] != seeds[2] == seeds[3]
    assert 7 not in seeds


def test_what_was_run_before_is_not_run_again() -> None:
    first = missing_replicates([4, 2], [], n_seeds=2, seed=7)
    done = [row(9, of=4, seed=first[0][1])]
    assert missing_replicates([4, 2], done, n_seeds=2, seed=7) == first[1:]
    assert missing_replicates([4, 2], done, n_seeds=0, seed=7) == []


def test_seeds_stay_within_what_a_seed_may_be() -> None:
    assert all(
        0 <= seed < 2**31 for _, seed in missing_replicates([0], [], n_seeds=3, seed=2**31 - 1)
    )


@pytest.fixture
def study() -> optuna.Study:
    study = optuna.create_study(direction="maximize")
    for value, attrs in (
        (2.0, {}),
        (3.0, {}),
        (2.5, {"replicate_of": 0, "seed": 1}),
        (9.0, {"replicate_of": 1, "seed": 1}),
    ):
        study.add_trial(
            create_trial(
                value=value,
                intermediate_values={9: value},
                user_attrs={"rung/9": {}, **attrs},
            )
        )
    study.add_trial(
        create_trial(
            state=TrialState.PRUNED,
            intermediate_values={3: 7.0},
            user_attrs={"rung/3": {}, "replicate_of": 0, "seed": 2},
        )
    )
    return study


def test_runs_are_the_trial_s_own_and_those_of_its_finished_replicates(
    study: optuna.Study,
) -> None:
    found = runs_of(study, [0, 1], {0: 0.5, 2: 0.625, 7: 0.9})
    assert [run.objective for run in found[0]] == [2.0, 2.5]
    assert [run.objective for run in found[1]] == [3.0, 9.0]
    assert [run.accuracy for run in found[0]] == [0.5, 0.625]
    assert all(math.isnan(run.accuracy) for run in found[1])
    assert finished_replicates(study, [0]) == [2]
    assert finished_replicates(study, [0, 1]) == [2, 3]
