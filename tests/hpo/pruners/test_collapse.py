"""CollapsePruner on real studies."""

import optuna
import pytest
from optuna.pruners import NopPruner
from optuna.samplers import TPESampler
from optuna.trial import TrialState

from hpo.decision import Decision
from hpo.errors import ConfigError
from hpo.history import Finding
from hpo.pruners import CollapsePruner, CombinedPruner, HalvingPruner, report_rung
from tests.hpo.pruners.studies import DEAD, frozen, in_memory, reported

NEAR = Finding("dimensional", "backbone", "RankMe 1.9", clear=False)


def test_a_trial_that_says_it_is_dead_is_stopped_with_its_words() -> None:
    study = in_memory(CollapsePruner())
    trial = reported(study, 1e9)
    trial.set_user_attr("collapse", "backbone collapsed, constant")
    assert trial.should_prune()
    assert frozen(study, trial).user_attrs["outcome"] == {
        "kind": "collapse",
        "reason": "backbone collapsed, constant",
    }


def test_so_is_one_that_dies_before_its_first_report() -> None:
    pruner = CollapsePruner()
    study = in_memory(pruner)
    trial = study.ask()
    trial.set_user_attr("collapse", "not finite in step 3")
    expected = Decision(True, "not finite in step 3", "collapse")
    assert pruner.decide(study, frozen(study, trial)) == expected
    assert trial.should_prune()
    assert frozen(study, trial).constraints == {"collapse": 1.0}


def test_near_its_threshold_a_collapse_stops_at_the_second_rung_in_a_row() -> None:
    study = in_memory(CollapsePruner(patience=2))
    trial = reported(study, 1.0, epoch=2, finding=NEAR)
    assert not trial.should_prune()
    report_rung(trial, 6, 1.0)
    report_rung(trial, 18, 1.0, finding=NEAR)
    assert not trial.should_prune()
    report_rung(trial, 54, 1.0, finding=NEAR)
    assert trial.should_prune()
    assert frozen(study, trial).user_attrs["decision/54"]["evidence"]["seen"] == 2


def test_a_replicates_own_rungs_count_for_it() -> None:
    """It is nobody's peer, but it was seen dead twice all the same."""
    study = in_memory(CollapsePruner(patience=2))
    trial = study.ask()
    trial.set_user_attr("replicate_of", 0)
    report_rung(trial, 2, 1.0, finding=NEAR)
    report_rung(trial, 6, 1.0, finding=NEAR)
    assert trial.should_prune()


def test_the_dead_are_nobodys_peers() -> None:
    study = in_memory(CombinedPruner([CollapsePruner(), HalvingPruner(min_peers=1)]))
    for _ in range(3):
        trial = reported(study, 100.0, finding=DEAD)
        assert trial.should_prune()
        study.tell(trial, state=TrialState.PRUNED)
    said = reported(study, 100.0)
    said.set_user_attr("collapse", "dead")
    reported(study, 0.0)
    assert not reported(study, 1.0).should_prune()


def test_the_sampler_keeps_away_from_where_trials_collapse() -> None:
    """Half of the space is dead and looks best of all: TPE must learn that it is, and leave."""
    study = optuna.create_study(
        direction="maximize",
        pruner=CollapsePruner(),
        sampler=TPESampler(seed=0, n_startup_trials=10),
    )

    def objective(trial: optuna.Trial) -> float:
        x = trial.suggest_float("x", 0.0, 1.0)
        dead = x > 0.5
        report_rung(trial, 1, 10.0 if dead else x, finding=DEAD if dead else None)
        if trial.should_prune():
            raise optuna.TrialPruned
        return -abs(x - 0.2)

    study.optimize(objective, n_trials=40)
    late = [trial.params["x"] > 0.5 for trial in study.trials[15:]]
    assert sum(late) / len(late) < 0.2


@pytest.mark.parametrize(
    ("changed", "message"),
    [({"kinds": ["odd"]}, r"kinds: got \['odd'\]"), ({"patience": 0}, "patience: got 0")],
)
def test_impossible_arguments(changed: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        CollapsePruner(**changed)  # type: ignore[arg-type]


def test_only_the_kinds_asked_for_stop() -> None:
    study = in_memory(CollapsePruner(["constant"]))
    assert not reported(study, 1.0, finding=DEAD).should_prune()
    assert reported(study, 1.0, finding=Finding("constant", "backbone", "a point")).should_prune()


def test_a_study_of_several_objectives_is_refused() -> None:
    study = optuna.create_study(directions=["maximize", "minimize"])
    trial = study.ask()
    with pytest.raises(ConfigError, match="directions: got 2; wanted one"):
        CollapsePruner().prune(study, frozen(study, trial))
    with pytest.raises(ConfigError, match="directions: got 2; wanted one"):
        CombinedPruner([NopPruner()]).prune(study, frozen(study, trial))
