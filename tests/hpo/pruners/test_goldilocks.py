"""GoldilocksPruner on real studies; upstream's ThresholdPruner is its model."""

import math

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.pruners import ThresholdPruner
from optuna.trial import TrialState, create_trial

from hpo.errors import ConfigError, GoldilocksError
from hpo.pruners import GoldilocksPruner, report_rung
from hpo.pruning import GOLDILOCKS, Zone
from tests.hpo.pruners.studies import frozen, in_memory, reported

ends = st.none() | st.floats(-3, 3)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    ends=st.tuples(ends, ends).filter(lambda pair: pair != (None, None)),
    values=st.dictionaries(
        st.integers(0, 9), st.floats(-4, 4) | st.just(math.nan), min_size=1, max_size=6
    ),
    n_warmup_steps=st.integers(0, 5),
    interval_steps=st.integers(1, 4),
)
def test_with_two_ends_it_is_optunas_threshold_pruner(
    ends: tuple[float | None, float | None],
    values: dict[int, float],
    n_warmup_steps: int,
    interval_steps: int,
) -> None:
    lower, upper = ends
    if lower is not None and upper is not None and lower > upper:
        lower, upper = upper, lower
    arguments = (lower, upper, n_warmup_steps, interval_steps)
    study = optuna.create_study()
    trial = create_trial(state=TrialState.RUNNING, intermediate_values=values)
    ours = GoldilocksPruner(*arguments).decide(study, trial).stop
    assert ours is ThresholdPruner(*arguments).prune(study, trial)


def test_it_prunes_on_one_measure_while_another_is_optimised() -> None:
    study = in_memory(GoldilocksPruner(zone=GOLDILOCKS, measure="alpha_req"))
    assert not reported(study, 1.0, alpha=1.1).should_prune()
    best = reported(study, 99.0, alpha=2.1)
    assert best.should_prune()
    reason = frozen(study, best).user_attrs["outcome"]["reason"]
    assert reason == "α 2.10 is 0.90 outside the zone [0.8, 1.2] at epoch 6"


def test_a_measure_that_nobody_reports_is_an_error_and_not_the_end_of_every_trial() -> None:
    study = in_memory(GoldilocksPruner(zone=GOLDILOCKS, measure="alpha_req"))
    trial = study.ask()
    trial.report(1.0, step=6)
    with pytest.raises(ConfigError, match="measure: got no 'alpha_req' from trial 0 at epoch 6"):
        trial.should_prune()


def test_the_zone_is_learned_from_the_probes_that_the_study_records() -> None:
    pruner = GoldilocksPruner(zone=GOLDILOCKS, measure="alpha_req", adaptive=True)
    study = in_memory(pruner)
    for alpha in (0.5, 1.9, 2.0, 2.1, 2.5, 3.0):
        reported(study, 1.0, alpha=alpha)
    judged = reported(study, 1.0, alpha=2.0)
    assert pruner.decide(study, frozen(study, judged)).stop
    for number, accuracy in enumerate((0.3, 0.7, 0.8, 0.7, 0.5, 0.4)):
        study.set_user_attr(f"probe/{number}", {"cross_validated": accuracy})
    study.set_user_attr("probe/untrained", {"cross_validated": 0.1})
    assert not judged.should_prune()
    lost = reported(study, 1.0, alpha=1.0)
    assert lost.should_prune()
    evidence = frozen(study, lost).user_attrs["decision/6"]["evidence"]
    assert (evidence["zone_low"], evidence["zone_high"]) == pytest.approx((1.85, 2.15))


def test_explorers_go_on_outside_the_zone() -> None:
    study = in_memory(GoldilocksPruner(0.8, 1.2, explore_share=0.1))
    stops = [reported(study, 5.0).should_prune() for _ in range(30)]
    assert [number for number, stop in enumerate(stops) if not stop] == [5, 13, 26]


def test_an_open_zone_is_stored_without_infinities() -> None:
    study = in_memory(GoldilocksPruner(upper=1.0))
    trial = study.ask()
    report_rung(trial, 6, 2.0)
    assert trial.should_prune()
    evidence = frozen(study, trial).user_attrs["decision/6"]["evidence"]
    assert evidence == {"value": 2.0, "zone_low": "-inf", "zone_high": 1.0, "distance": 1.0}


@pytest.mark.parametrize("wrong", [{}, {"lower": "val", "upper": 1.0}, {"upper": "val"}])
def test_wrong_types_are_type_errors_as_they_are_for_optunas(wrong: dict[str, object]) -> None:
    for pruner in (GoldilocksPruner, ThresholdPruner):
        with pytest.raises(TypeError) as raised:
            pruner(**wrong)  # type: ignore[arg-type]
        assert isinstance(raised.value, GoldilocksError) is (pruner is GoldilocksPruner)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({}, "zone: got neither it nor lower nor upper; wanted one of them"),
        ({"lower": "val"}, "lower: got 'val'; wanted a number"),
        ({"lower": 2.0, "upper": 1.0}, "zone: got 2 to 1"),
        ({"lower": math.nan}, "zone: got nan to inf"),
        ({"zone": Zone(0.0, 1.0), "upper": 1.0}, "zone: got lower or upper beside it"),
        ({"upper": 1.0, "n_warmup_steps": -1}, "n_warmup_steps: got -1; wanted at least 0"),
        ({"upper": 1.0, "interval_steps": 0}, "interval_steps: got 0; wanted at least 1"),
        ({"upper": 1.0, "share": 2.0}, "share: got 2"),
    ],
)
def test_impossible_arguments(changed: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        GoldilocksPruner(**changed)  # type: ignore[arg-type]
