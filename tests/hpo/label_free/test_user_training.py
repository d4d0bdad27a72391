"""Somebody's own training function in an Optuna study: what it yields, what is made of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import optuna
import pytest
import torch
from optuna.trial import TrialState

from hpo.errors import ConfigError
from hpo.label_free import Embeddings, label_free_objective
from hpo.record import read_rows
from objectives import assess, distance_from_initialisation, rankme
from tests.hpo.label_free.studies import features, found, only, studied, views_of


def train(trial: optuna.Trial) -> Iterator[Any]:
    """A network whose spectrum steepens, from an untrained one."""
    decay = trial.suggest_float("decay", 0.1, 1.0)
    for epoch in (0, 1, 3):
        yield epoch, found(decay * (1 + epoch / 10), seed=epoch)


def test_it_reports_the_measure_of_what_was_yielded_at_each_rung() -> None:
    study = studied(label_free_objective(train, objective="rankme"))
    trial = only(study)
    decay = trial.params["decay"]
    expected = {e: rankme(features(decay=decay * (1 + e / 10), seed=e)) for e in (1, 3)}
    assert trial.intermediate_values == pytest.approx(expected)
    assert trial.value == trial.intermediate_values[3]
    (row,) = read_rows(study, running=False)
    assert (row.state, row.rungs, row.hyperparameters) == ("finished", (1, 3), trial.params)
    assert row.seconds > 0


def test_all_that_can_be_measured_is_recorded_under_our_names() -> None:
    values = only(studied(label_free_objective(train))).user_attrs["rung/3"]
    decay = only(studied(label_free_objective(train))).params["decay"]
    last, first = found(decay * 1.3, seed=3), found(decay, seed=0)
    whole = assess(last.embeddings, views=last.views, check_scale=False)
    for name in ("alpha_req", "lidar", "guarded_rank", "view_retrieval", "alignment"):
        assert values[name] == pytest.approx(whole[name])
    assert values["moved"] == distance_from_initialisation(last.embeddings, first.embeddings)
    assert "ssl_loss" not in values


def test_the_untrained_network_is_what_collapse_is_held_against() -> None:
    def falls(trial: optuna.Trial, start: bool) -> Iterator[Any]:
        if start:
            yield 0, features(dim=32, decay=0.0)
        yield 1, features(dim=32, decay=2.0)

    def states(start: bool) -> tuple[TrialState, dict[str, float]]:
        objective = label_free_objective(lambda t: falls(t, start), objective="alpha_req")
        trial = only(studied(objective))
        return trial.state, trial.constraints

    assert states(start=False) == (TrialState.COMPLETE, {})
    assert states(start=True) == (TrialState.PRUNED, {"collapse": 1.0})


@pytest.mark.parametrize(("noise", "state"), [(5.0, "COMPLETE"), (0.1, "PRUNED")])
def test_a_dead_projector_counts_where_the_backbone_gained_nothing(
    noise: float, state: str
) -> None:
    rows, alive, dead = features(), features(dim=5, seed=4), torch.ones(120, 5)

    def constant(trial: optuna.Trial) -> Iterator[Any]:
        yield 0, Embeddings(rows, views_of(rows, noise=noise), alive, views_of(alive))
        now = features(seed=2)
        yield 1, Embeddings(now, views_of(now), dead, views_of(dead))

    assert only(studied(label_free_objective(constant))).state.name == state


def test_several_measures_have_a_value_each_and_no_reports() -> None:
    names = ("guarded_rank", "view_retrieval", "alpha_req")
    objective = label_free_objective(train, objective=names)
    study = studied(objective, 3, directions=objective.directions)
    for trial in study.trials:
        values = trial.user_attrs["rung/3"]
        assert trial.values == [*(values[n] for n in names[:2]), abs(values["alpha_req"] - 1)]
        assert trial.intermediate_values == {}
    assert study.best_trials
    pruner = optuna.pruners.HyperbandPruner()
    with pytest.raises(ConfigError, match="pruner: got HyperbandPruner"):
        studied(objective, directions=objective.directions, pruner=pruner)


def test_the_projectors_measures_are_taken_of_the_projector() -> None:
    rows, projected = features(), features(dim=5, seed=4)

    def project(trial: optuna.Trial) -> Iterator[Any]:
        yield Embeddings(rows, views_of(rows), projected, views_of(projected))

    values = only(studied(label_free_objective(project))).user_attrs["rung/1"]
    assert values["rankme"] == pytest.approx(rankme(projected))
    assert values["rankme_backbone"] == pytest.approx(rankme(rows))
    other = assess(projected, views=views_of(projected))
    assert values["alignment"] == pytest.approx(other["alignment"])


def test_a_number_of_ones_own_may_be_recorded_and_optimised() -> None:
    def lossy(trial: optuna.Trial) -> Iterator[Any]:
        yield Embeddings(features(), values={"ssl_loss": 0.25})

    objective = label_free_objective(lossy, objective="ssl_loss")
    assert objective.direction == "minimize"
    assert only(studied(objective)).value == 0.25


def test_features_round_an_offset_are_alive_where_that_is_said() -> None:
    def masked(trial: optuna.Trial) -> Iterator[Any]:
        yield features(decay=0.0) * 0.05 + 1.0

    def state(centred: bool) -> TrialState:
        return only(
            studied(label_free_objective(masked, objective="rankme", centred=centred))
        ).state

    assert (state(False), state(True)) == (TrialState.PRUNED, TrialState.COMPLETE)


def test_trials_in_threads_are_each_told_of_their_own() -> None:
    objective = label_free_objective(train, objective="rankme")
    study = optuna.create_study(direction=objective.direction)
    study.optimize(objective, n_trials=8, n_jobs=4)
    for trial in study.trials:
        decay = trial.params["decay"]
        if trial.state == TrialState.COMPLETE:
            assert trial.value == pytest.approx(rankme(features(decay=decay * 1.3, seed=3)))


def test_a_function_that_fails_fails_alone_and_says_why() -> None:
    def fails(trial: optuna.Trial) -> Iterator[Any]:
        yield features()
        if trial.number == 0:
            raise KeyError("weights")

    study = studied(label_free_objective(fails, objective="rankme"), 2, catch=KeyError)
    assert [trial.state for trial in study.trials] == [TrialState.FAIL, TrialState.COMPLETE]
    assert study.trials[0].user_attrs["outcome"]["reason"] == "KeyError: 'weights'"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"objective": "rank"}, "objective"),
        ({"patience": 0}, "patience: got 0"),
        ({"least_moved": 2.0}, "least_moved: got 2.0"),
        ({"mesures": ()}, "mesures: is no option"),
        ({"space": {"lr": (0.1, 1.0)}}, "space: got .* for 'lr'; wanted a distribution"),
        ({"train": 3}, "train: got 3; wanted a function"),
    ],
)
def test_what_is_wrong_is_said_when_it_is_made(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        label_free_objective(**{"train": train, **arguments})
