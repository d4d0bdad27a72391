"""Our training in somebody's Optuna study: what it measures, tells, refuses, and leaves alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import optuna
import pytest
import torch
from optuna.pruners import HyperbandPruner, NopPruner, ThresholdPruner
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from hpo.errors import ConfigError, StudyMismatchError
from hpo.label_free import LabelFreeObjective
from hpo.pruners import CollapsePruner, CombinedPruner, GoldilocksPruner
from hpo.record import read_rows
from hpo.study import run_study
from tests.hpo.label_free.studies import OPTIONS, made, only, studied
from tests.hpo.studies import tiny

GIVEN = {"lr": 1e-3, "weight_decay": 0.01, "temperature": 0.2}
DEAD = {"lr": 1e6, "weight_decay": 0.01, "temperature": 0.2}
POINTS = [{**GIVEN, "lr": lr} for lr in (3e-4, 1e-3, 2e-3, 4e-3)]


@pytest.fixture(scope="module")
def objective() -> LabelFreeObjective:
    return made()


def measured(trial: FrozenTrial) -> dict[str, dict[str, float]]:
    """What a trial was measured as at each rung, without the time that it took."""
    return {
        key: {name: value for name, value in values.items() if name != "seconds"}
        for key, values in trial.user_attrs.items()
        if key.startswith("rung/")
    }


def values_by_rate(study: optuna.Study) -> dict[float, float | None]:
    return {trial.params["lr"]: trial.value for trial in study.trials}


def test_it_measures_what_a_study_of_goldilocks_run_measures(tmp_path: Path) -> None:
    config = tiny(
        tmp_path / "study",
        **{**OPTIONS, "trials": 1, "prune": False, "filter": False, "replicates": 0},
        fix=GIVEN,
    )
    theirs = only(run_study(config))
    trial = only(studied(made(fix=GIVEN, prune=False)))
    assert measured(trial) == measured(theirs)
    assert trial.intermediate_values == theirs.intermediate_values
    assert trial.value == theirs.value
    assert {*theirs.user_attrs} - {*trial.user_attrs} == {
        "decision/1", "decision/2", "order/1", "order/2", "worker", "alpha_req", "moved",
    }  # fmt: skip


def test_a_study_reads_as_one_of_ours(objective: LabelFreeObjective) -> None:
    study = studied(objective, 2, pruner=ThresholdPruner(upper=-1e9))
    (first, second) = read_rows(study, running=False)
    assert (first.state, first.epoch, first.kind) == ("pruned", 1, "pruner")
    assert first.reason.startswith("ThresholdPruner stopped it: ")
    assert first.spent["epochs"] == 1.0
    assert first.n_images == first.spent_images == 320
    assert first.train_seconds > 0
    assert first.measure_seconds > 0
    assert second.hyperparameters["lr"] == study.trials[1].params["lr"]
    assert study.user_attrs["config"]["method"] == "simclr"


def test_threads_give_the_values_that_one_trial_at_a_time_gives(
    objective: LabelFreeObjective,
) -> None:
    found = []
    for n_jobs in (1, 2):
        study = optuna.create_study(direction=objective.direction, pruner=NopPruner())
        for point in POINTS:
            study.enqueue_trial(point)
        study.optimize(objective, n_trials=len(POINTS), n_jobs=n_jobs)
        found.append(values_by_rate(study))
    assert found[0] == found[1]
    assert len(set(found[0].values())) == len(POINTS)


def test_a_script_keeps_its_own_random_numbers(objective: LabelFreeObjective) -> None:
    before = torch.get_rng_state()
    studied(objective)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("kind", ["sqlite", "journal"])
def test_studies_of_one_database_are_told_apart_and_resumed(
    kind: str, tmp_path: Path, objective: LabelFreeObjective
) -> None:
    def storage() -> Any:
        if kind == "sqlite":
            return f"sqlite:///{tmp_path / 'all.db'}"
        return JournalStorage(JournalFileBackend(str(tmp_path / "all.log")))

    for name in ("one", "two", "one"):
        studied(objective, study_name=name, storage=storage(), load_if_exists=True)
    one = optuna.load_study(study_name="one", storage=storage())
    two = optuna.load_study(study_name="two", storage=storage())
    assert [len(study.trials) for study in (one, two)] == [2, 1]
    # The sampler began anew and drew the same: the same trial has the same value.
    assert {trial.value for trial in (*one.trials, *two.trials)} == {two.trials[0].value}
    with pytest.raises(StudyMismatchError, match="seed: the study has 0, this run 1"):
        one.optimize(made(seed=1, epochs=1), n_trials=1)
    assert one.trials[-1].state == TrialState.FAIL
    assert "rung/1" not in one.trials[-1].user_attrs


def test_a_point_may_be_enqueued_in_part_and_under_another_seed(
    objective: LabelFreeObjective,
) -> None:
    study = optuna.create_study(direction=objective.direction)
    study.enqueue_trial({"lr": 1e-3})
    study.enqueue_trial(GIVEN)
    study.enqueue_trial(GIVEN, user_attrs={"seed": 7})
    study.optimize(objective, n_trials=3)
    first, second, third = study.trials
    assert first.params["lr"] == 1e-3
    assert {*first.params} == {*GIVEN}
    assert second.params == third.params
    assert second.value != third.value


@pytest.mark.parametrize(
    ("point", "message"),
    [
        ({"learning_rate": 1e-3}, "learning_rate: got it in an enqueued trial"),
        ({"projector_width": 64}, "projector_width: .* give search="),
    ],
)
def test_an_enqueued_value_that_nobody_asks_for_is_an_error(
    point: dict[str, Any], message: str, objective: LabelFreeObjective
) -> None:
    study = optuna.create_study(direction=objective.direction)
    study.enqueue_trial(point)
    with pytest.raises(ConfigError, match=message):
        study.optimize(objective, n_trials=1)
    assert study.trials[0].user_attrs["outcome"]["kind"] == "error"


def test_a_study_in_the_other_direction_is_refused_before_anything_is_trained(
    objective: LabelFreeObjective,
) -> None:
    study = optuna.create_study()
    with pytest.raises(ConfigError, match=r"direction=objective\.direction"):
        study.optimize(objective, n_trials=1)
    assert study.trials[0].params == {}


@pytest.mark.parametrize("pruner", [NopPruner(), CollapsePruner(), ThresholdPruner(lower=-1e9)])
def test_a_dead_trial_is_infeasible_whatever_the_pruner(
    pruner: optuna.pruners.BasePruner,
) -> None:
    study = studied(made(fix=DEAD), pruner=pruner)
    trial = only(study)
    assert trial.state == TrialState.PRUNED
    assert trial.constraints == {"collapse": 1.0}
    assert trial.user_attrs["outcome"]["kind"] == "collapse"
    assert read_rows(study, running=False)[0].state == "collapsed"


def test_our_pruners_and_optunas_judge_together(objective: LabelFreeObjective) -> None:
    zone = GoldilocksPruner(5.0, 6.0, measure="alpha_req")
    study = studied(objective, pruner=CombinedPruner([CollapsePruner(), zone, HyperbandPruner()]))
    trial = only(study)
    assert trial.user_attrs["outcome"]["kind"] == "zone"
    assert list(trial.intermediate_values) == [1]


def test_what_is_trained_to_the_end_is_not_pruned_there(objective: LabelFreeObjective) -> None:
    late = ThresholdPruner(upper=-1e9, n_warmup_steps=2)
    assert only(studied(objective, pruner=late)).state == TrialState.COMPLETE


def test_a_network_that_did_not_move_is_never_the_best() -> None:
    study = studied(made(epochs=1, least_moved=1.0))
    trial = only(study)
    assert trial.state == TrialState.COMPLETE
    assert trial.constraints["unmoved"] == pytest.approx(1 - trial.user_attrs["rung/1"]["moved"])
    with pytest.raises(ValueError, match="feasible"):
        _ = study.best_trial


def test_several_measures_are_optimised_without_reports() -> None:
    names = ("guarded_rank", "alpha_req")
    objective = made(objective=names, epochs=1)
    assert objective.directions == ["maximize", "minimize"]
    study = studied(objective, directions=objective.directions)
    trial = only(study)
    found = trial.user_attrs["rung/1"]
    assert trial.values == [found["guarded_rank"], abs(found["alpha_req"] - 1)]
    assert trial.intermediate_values == {}
    assert [best.number for best in study.best_trials] == [0]


def test_several_measures_have_no_pruner_and_dead_trials_are_told_all_the_same() -> None:
    objective = made(objective=("rankme", "alpha_req"), epochs=1, fix=DEAD)
    trial = only(studied(objective, directions=objective.directions))
    assert (trial.state, trial.constraints) == (TrialState.PRUNED, {"collapse": 1.0})
    with pytest.raises(ConfigError, match="pruner: got HyperbandPruner in a study of 2"):
        studied(objective, directions=objective.directions, pruner=HyperbandPruner())
    with pytest.raises(ConfigError, match=r"directions=objective\.directions"):
        _ = objective.direction


def test_a_trial_that_fails_fails_alone(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(OWN_METHOD)
    objective = LabelFreeObjective(
        "digits", f"{tmp_path / 'own.py'}:own", **{**OPTIONS, "epochs": 1}
    )
    study = optuna.create_study(direction=objective.direction)
    for weight in (2.0, 0.5):
        study.enqueue_trial({"lr": 1e-3, "weight_decay": 0.01, "weight": weight})
    study.optimize(objective, n_trials=2, catch=RuntimeError)
    assert [trial.state for trial in study.trials] == [TrialState.FAIL, TrialState.COMPLETE]
    outcome = {"kind": "error", "reason": "RuntimeError: no memory left"}
    assert study.trials[0].user_attrs["outcome"] == outcome


OWN_METHOD = """
from torch import nn
from torch.nn.functional import cosine_similarity

from hpo.methods import Method, Pair, method
from search_spaces import Float


class Alike(nn.Module):
    def __init__(self, weight):
        super().__init__()
        self.weight = weight

    def forward(self, a, b):
        if self.weight > 1:
            raise RuntimeError("no memory left")
        return (a.std(0) - 1).square().mean() - self.weight * cosine_similarity(a, b).mean()


@method(weight=Float(0.1, 10.0, default=0.5))
def own(dim, *, weight):
    return Method(nn.Linear(dim, 32), Pair(Alike(weight)))
"""


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sampler": "random"}, "sampler: .* optuna.create_study"),
        ({"epoch": 3}, "did you mean 'epochs'"),
        ({"objective": "rank_me"}, "objective: .*Did you mean 'rankme'"),
        ({"objective": ("rankme", "rankme")}, "objective: .* each once"),
        ({"objective": ("rankme", "lidar"), "out": "here"}, "out: .* no best"),
        ({"objective": ("guarded_rank", "idest")}, "objective: idest wants at least 1000"),
        ({"keep": 2}, "keep: got 2 without out"),
        ({"batch_size": 10_000}, "images|batch_size"),
        ({"fix": {"temprature": 1.0}}, "temperature"),
    ],
)
def test_what_is_wrong_is_said_when_it_is_made(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        made(**options)
