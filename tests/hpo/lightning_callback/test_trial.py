"""A trial of an Optuna study: told, asked, pruned."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import optuna
import pytest
from torch import Tensor

from hpo.errors import ConfigError, StudyMismatchError
from hpo.lightning_callback import LabelFreeCallback
from hpo.pruners import GoldilocksPruner
from hpo.pruning import Zone
from tests.hpo.lightning_callback.modules import PACKAGES, loader, module, trainer


def objective_of(
    images: Tensor, folder: Path, *, epochs: int = 3, of_module: Any = None, **options: Any
) -> Any:
    """An objective as people write it, without a word about pruning."""

    def objective(trial: optuna.Trial) -> float:
        lr = trial.suggest_float("lr", 0.1, 0.5)
        label_free = LabelFreeCallback(loader(images[:64]), trial=trial, **options)
        run = trainer(PACKAGES[0], folder, callbacks=[label_free], max_epochs=epochs)
        run.fit(module(PACKAGES[0], **{"lr": lr, **(of_module or {})}), loader(images))
        return label_free.values["guarded_alpha"]

    return objective


def test_each_measure_is_reported_with_all_values(small: Tensor, tmp_path: Path) -> None:
    study = optuna.create_study(direction="maximize")
    study.optimize(objective_of(small, tmp_path, epochs=2), n_trials=1)
    (trial,) = study.trials
    assert list(trial.intermediate_values) == [1, 2]
    assert trial.value == trial.intermediate_values[2]
    assert trial.user_attrs["rung/2"]["guarded_alpha"] == trial.value
    assert trial.user_attrs["rung/2"].keys() == {"guarded_alpha", "rankme", "alpha_req", "moved"}


def test_a_pruned_trial_ends_its_epoch_and_is_pruned_without_a_word_in_the_objective(
    small: Tensor, tmp_path: Path
) -> None:
    pruner = optuna.pruners.ThresholdPruner(lower=100.0, n_warmup_steps=2)
    study = optuna.create_study(direction="maximize", pruner=pruner)
    study.optimize(objective_of(small, tmp_path, epochs=9), n_trials=1)
    (trial,) = study.trials
    assert trial.state.name == "PRUNED"
    assert trial.last_step == 2
    assert trial.user_attrs["outcome"]["kind"] == "pruner"
    assert trial.user_attrs["outcome"]["reason"].startswith("ThresholdPruner stopped it")
    assert trial.constraints == {}


def test_our_pruners_judge_by_other_measures_and_give_their_reason(
    small: Tensor, tmp_path: Path
) -> None:
    pruner = GoldilocksPruner(zone=Zone(90.0, 91.0), measure="alpha_req")
    study = optuna.create_study(direction="maximize", pruner=pruner)
    study.optimize(objective_of(small, tmp_path), n_trials=1)
    reason = study.trials[0].user_attrs["outcome"]["reason"]
    assert "outside the zone [90, 91] at epoch 1" in reason


def test_a_collapsed_trial_is_infeasible_whatever_the_studys_pruner(
    small: Tensor, tmp_path: Path
) -> None:
    study = optuna.create_study(direction="maximize", pruner=optuna.pruners.NopPruner())
    dead = {"shrink": True, "lr": 3.0}
    study.optimize(objective_of(small, tmp_path, epochs=9, of_module=dead), n_trials=1)
    (trial,) = study.trials
    assert trial.state.name == "PRUNED"
    assert trial.constraints == {"collapse": 1.0}
    assert trial.user_attrs["outcome"]["kind"] == "collapse"
    assert trial.last_step is not None
    assert trial.last_step < 9


def test_the_result_of_a_pruned_trial_is_that_it_was_pruned(small: Tensor, tmp_path: Path) -> None:
    pruner = optuna.pruners.ThresholdPruner(lower=100.0)
    study = optuna.create_study(direction="maximize", pruner=pruner)
    trial = study.ask()
    label_free = LabelFreeCallback(loader(small[:64]), trial=trial)
    run = trainer(PACKAGES[0], tmp_path, callbacks=[label_free], max_epochs=2)
    with pytest.raises(optuna.TrialPruned, match="ThresholdPruner"):
        run.fit(module(PACKAGES[0]), loader(small))
    with pytest.raises(optuna.TrialPruned, match="ThresholdPruner"):
        label_free.result()


def test_a_study_that_goes_the_other_way_is_refused(small: Tensor) -> None:
    trial = optuna.create_study(direction="minimize").ask()
    with pytest.raises(ConfigError, match="guarded_alpha, which is to maximize, for a study that"):
        LabelFreeCallback(loader(small), trial=trial)
    LabelFreeCallback(loader(small), trial=trial, measures=("alpha_req",))


def test_a_study_of_several_objectives_is_refused(small: Tensor) -> None:
    trial = optuna.create_study(directions=["maximize", "maximize"]).ask()
    with pytest.raises(ConfigError, match="directions: got 2"):
        LabelFreeCallback(loader(small), trial=trial)


def test_two_callbacks_may_not_tell_one_trial(small: Tensor, tmp_path: Path) -> None:
    trial = optuna.create_study(direction="maximize").ask()
    two = [LabelFreeCallback(loader(small), trial=trial, name=name) for name in ("a", "b")]
    run = trainer(PACKAGES[0], tmp_path, callbacks=two, max_epochs=1)
    with pytest.raises(ConfigError, match="trial: got one in several callbacks"):
        run.fit(module(PACKAGES[0]), loader(small))


def test_a_study_whose_trials_were_measured_otherwise_is_refused_before_the_training(
    small: Tensor, tmp_path: Path
) -> None:
    study = optuna.create_study(direction="maximize")
    study.optimize(objective_of(small, tmp_path, epochs=1), n_trials=1)
    assert study.user_attrs["measured_as"]["n_images"] == 64
    assert study.user_attrs["measured_as"]["n_views"] == 2
    with pytest.raises(StudyMismatchError, match="unit"):
        study.optimize(objective_of(small, tmp_path, every_n_steps=2), n_trials=1)
    with pytest.raises(StudyMismatchError, match="images"):
        study.optimize(objective_of(small.flip(0), tmp_path), n_trials=1)
    assert [trial.intermediate_values.keys() for trial in study.trials] == [{1}, set(), set()]


def test_a_study_that_cannot_be_asked_ends_the_training_with_its_error(
    small: Tensor, tmp_path: Path
) -> None:
    class Broken(optuna.pruners.BasePruner):
        def prune(self, study: optuna.Study, trial: optuna.trial.FrozenTrial) -> bool:
            raise OSError("the disk is full")

    study = optuna.create_study(direction="maximize", pruner=Broken())
    with pytest.raises(OSError, match="the disk is full"):
        study.optimize(objective_of(small, tmp_path), n_trials=1)
