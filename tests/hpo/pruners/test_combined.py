"""Several pruners as one, ours and Optuna's; Hyperband's brackets."""

import copy
import pickle

import optuna
import pytest
from optuna.pruners import (
    BasePruner,
    HyperbandPruner,
    MedianPruner,
    NopPruner,
    PatientPruner,
    SuccessiveHalvingPruner,
    ThresholdPruner,
)
from optuna.trial import FrozenTrial, TrialState

from hpo.errors import ConfigError
from hpo.pruners import CollapsePruner, CombinedPruner, GoldilocksPruner, HalvingPruner
from tests.hpo.pruners.studies import DEAD, attrs, frozen, in_memory, reported


def outcome(study: optuna.Study, trial: optuna.Trial) -> object:
    return attrs(study, trial)["outcome"]


def hyperband() -> HyperbandPruner:
    return HyperbandPruner(min_resource=1, max_resource=9, reduction_factor=3)


# Reasons


def test_the_reason_of_whoever_stopped_it_is_kept() -> None:
    pruners = [CollapsePruner(), GoldilocksPruner(0.0, 10.0), HalvingPruner(min_peers=1)]
    study = in_memory(CombinedPruner(pruners))
    reported(study, 5.0)
    dead, outside, behind = (
        reported(study, 1.0, finding=DEAD),
        reported(study, -5.0),
        reported(study, 1.0),
    )
    assert all(trial.should_prune() for trial in (dead, outside, behind))
    assert outcome(study, dead) == {"kind": "collapse", "reason": DEAD.reason}
    assert outcome(study, outside) == {
        "kind": "zone",
        "reason": "the value -5.00 is 5.00 outside the zone [0, 10] at epoch 6",
    }
    assert outcome(study, behind) == {
        "kind": "halving",
        "reason": "place 2 of 3 at epoch 6; the best 1 go on",
    }


def test_a_pruner_of_optunas_is_named() -> None:
    study = in_memory(CombinedPruner([CollapsePruner(), ThresholdPruner(upper=1.0)]))
    trial = reported(study, 2.5)
    assert trial.should_prune()
    reason = "ThresholdPruner stopped it: 2.5 reported at epoch 6"
    assert outcome(study, trial) == {"kind": "pruner", "reason": reason}
    assert attrs(study, trial)["decision/6"]["evidence"] == {  # type: ignore[index]
        "pruner": "ThresholdPruner"
    }
    assert not reported(study, 0.5).should_prune()


def test_combinations_may_be_combined() -> None:
    inner = CombinedPruner([NopPruner(), GoldilocksPruner(0.0, 1.0)])
    study = in_memory(CombinedPruner([CollapsePruner(), inner]))
    trial = reported(study, 2.0)
    assert trial.should_prune()
    assert outcome(study, trial)["kind"] == "zone"  # type: ignore[index]


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@pytest.mark.parametrize("inside", [True, False])
def test_optunas_patience_and_ours_go_together(inside: bool) -> None:
    """Round ours, or beside it: only who has not got better for a while is asked about."""
    zone = GoldilocksPruner(0.0, 1.0)
    patient = PatientPruner(zone if inside else None, patience=1)
    study = in_memory(patient if inside else CombinedPruner([CollapsePruner(), patient]))
    trial = study.ask()
    stops = []
    for step, value in enumerate([3.0, 4.0, 3.5, 3.0]):
        trial.report(value, step)
        stops.append(trial.should_prune())
    assert stops == [False, False, False, True]


@pytest.mark.parametrize(
    ("pruners", "message"),
    [
        ([], "pruners: got none; wanted Optuna pruners"),
        ([CollapsePruner(), "median"], r"pruners: got \['str'\]"),
        ([HyperbandPruner(), HyperbandPruner()], "pruners: got two Hyperbands; wanted one"),
    ],
)
def test_impossible_arguments(pruners: list[BasePruner], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        CombinedPruner(pruners)


# Hyperband


def test_only_with_a_hyperband_it_is_one() -> None:
    assert isinstance(CombinedPruner([CollapsePruner(), hyperband()]), HyperbandPruner)
    assert not isinstance(CombinedPruner([CollapsePruner(), MedianPruner()]), HyperbandPruner)
    nested = CombinedPruner([CollapsePruner(), CombinedPruner([hyperband()])])
    assert isinstance(nested, HyperbandPruner)


class Spy(optuna.samplers.TPESampler):
    """TPE that takes note of which trials it is shown."""

    def __init__(self) -> None:
        super().__init__(n_startup_trials=1, seed=0)
        self.shown: list[tuple[int, list[int]]] = []

    def sample_relative(self, study: optuna.Study, trial: FrozenTrial, space: object) -> object:  # type: ignore[override]
        numbers = [other.number for other in study.get_trials(deepcopy=False)]
        self.shown.append((trial.number, numbers))
        return super().sample_relative(study, trial, space)  # type: ignore[arg-type]


def objective(trial: optuna.Trial) -> float:
    x = trial.suggest_float("x", 0.0, 1.0)
    for step in range(1, 10):
        trial.report(x * step, step)
        if trial.should_prune():
            raise optuna.TrialPruned
    return x * 9


def study_of(pruner: BasePruner) -> tuple[optuna.Study, Spy]:
    spy = Spy()
    study = optuna.create_study(
        study_name="brackets", direction="maximize", sampler=spy, pruner=pruner
    )
    study.optimize(objective, n_trials=30)
    return study, spy


def test_the_sampler_learns_from_one_bracket_at_a_time() -> None:
    alone, of_alone = study_of(hyperband())
    pruner = CombinedPruner([CollapsePruner(), hyperband()])
    combined, of_combined = study_of(pruner)
    assert of_combined.shown == of_alone.shown
    assert [t.params for t in combined.trials] == [t.params for t in alone.trials]
    assert [t.state for t in combined.trials] == [t.state for t in alone.trials]
    # The comparison says something: there are brackets, and trials were kept from the sampler.
    assert isinstance(pruner, HyperbandPruner)
    brackets = [pruner._get_bracket_id(combined, trial) for trial in combined.trials]
    assert len(set(brackets)) > 1
    for number, shown in of_combined.shown[2:]:
        assert {brackets[other] for other in shown} == {brackets[number]}
    assert TrialState.PRUNED in {trial.state for trial in combined.trials}


def test_a_stop_of_hyperbands_is_named_and_others_keep_theirs() -> None:
    study, _ = study_of(CombinedPruner([GoldilocksPruner(-1.0, 8.0), hyperband()]))
    ends = [t.user_attrs["outcome"] for t in study.trials if t.state == TrialState.PRUNED]
    assert {end["kind"] for end in ends} == {"pruner", "zone"}
    named = [end["reason"] for end in ends if end["kind"] == "pruner"]
    assert all(reason.startswith("HyperbandPruner stopped it: ") for reason in named)


@pytest.mark.parametrize("members", [[CollapsePruner()], [CollapsePruner(), hyperband()]])
def test_copies_are_what_the_original_is(members: list[BasePruner]) -> None:
    pruner = CombinedPruner(members)
    for other in (copy.deepcopy(pruner), pickle.loads(pickle.dumps(pruner))):
        assert type(other) is type(pruner)
        assert [type(p) for p in other.pruners] == [type(p) for p in pruner.pruners]


def test_successive_halving_of_optunas_keeps_its_rungs() -> None:
    halving = SuccessiveHalvingPruner(min_resource=1, reduction_factor=2)
    study = in_memory(CombinedPruner([CollapsePruner(), halving]))
    ends = []
    for value in (5.0, 4.0, 3.0, 6.0):
        trial = study.ask()
        trial.report(value, 1)
        ends.append(trial.should_prune())
    assert ends == [False, True, True, False]
    assert "completed_rung_0" in frozen(study, trial).system_attrs
