"""What is drawn after what: constraints always hold, what does not count is not asked for."""

from typing import Any

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.samplers import BaseSampler, RandomSampler, TPESampler

from search_spaces import (
    AtLeast,
    Below,
    Categorical,
    Float,
    Int,
    SearchSpace,
    SpaceError,
    When,
    get,
)
from tests.search_spaces.spaces import TANGLED

QUICK = settings(max_examples=40, deadline=None, derandomize=True)


def asked(space: SearchSpace, sampler: BaseSampler, n: int = 1) -> list[Any]:
    """Ask for n trials and tell each its number, so that a sampler has something to learn."""
    study = optuna.create_study(sampler=sampler)
    found = []
    for number in range(n):
        trial = study.ask()
        found.append((trial, space.suggest(trial)))
        study.tell(trial, float(number))
    return found


def holds(space: SearchSpace, trial: optuna.Trial, values: dict[str, Any]) -> None:
    space.check(values)
    assert list(values) == [*space.dimensions, *space.fixed]
    for name, dimension in space.dimensions.items():
        assert dimension.contains(values[name]), name
        counts = dimension.when is None or dimension.when.holds(values)
        assert (name in trial.params) is counts
        assert values[name] == (trial.params[name] if counts else dimension.default)


@pytest.mark.parametrize("arguments", [{"n_startup_trials": 5}, {"multivariate": True}])
@pytest.mark.parametrize("space", [TANGLED, get("dino"), get("mmcr")], ids=lambda s: s.method)
@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_constraints_hold_for_a_sampler_that_learns(
    space: SearchSpace, arguments: dict[str, Any]
) -> None:
    sampler = TPESampler(seed=1, **arguments)
    for trial, values in asked(space, sampler, 40):
        holds(space, trial, values)


@st.composite
def pairs(draw: st.DrawFn) -> SearchSpace:
    """Two numbers of any ranges and order that can go together somewhere, joined one way."""

    def dimension() -> Float | Int:
        low, width = draw(st.integers(1, 40)), draw(st.integers(1, 60))
        log, default = draw(st.booleans()), low
        kind = draw(st.sampled_from([Float, Int]))
        return kind(low, low + width, default=default, log=log)

    constraint = draw(st.sampled_from([Below("a", "b"), AtLeast("b", 2, "a")]))
    a, b = dimension(), dimension()
    names = {"a": a, "b": b} if draw(st.booleans()) else {"b": b, "a": a}
    if not constraint.holds({"a": a.low, "b": b.high}):
        names["b"] = Int(200, 300, default=200)
    if not constraint.holds({"a": names["a"].default, "b": names["b"].default}):
        high = names["b"].high
        names["b"] = type(names["b"])(names["b"].low, high, default=high)
    return SearchSpace("pair", names, constraints=(constraint,))


@QUICK
@given(space=pairs(), seed=st.integers(0, 9))
def test_any_constraint_holds_whichever_is_drawn_first(space: SearchSpace, seed: int) -> None:
    for trial, values in asked(space, RandomSampler(seed=seed), 5):
        holds(space, trial, values)


@QUICK
@given(teacher=st.floats(0.001, 0.39), seed=st.integers(0, 9))
def test_a_frozen_value_narrows_the_other(teacher: float, seed: int) -> None:
    space = get("dino").override({"student_temp": {"default": 0.4}})
    ((trial, values),) = asked(space.freeze({"teacher_temp": teacher}), RandomSampler(seed=seed))
    assert values["teacher_temp"] == teacher < values["student_temp"]
    assert trial.distributions["student_temp"].low >= 0.07


@pytest.mark.parametrize("switch", ["on", "off"])
def test_what_does_not_count_is_not_asked_for(switch: str) -> None:
    space = get("mmcr").freeze({"local_objective": switch})
    ((trial, values),) = asked(space, RandomSampler(seed=0))
    assert ("lmda" in trial.params) is (switch == "on")
    assert switch == "on" or values["lmda"] == 5e-3


def test_a_condition_on_something_that_does_not_count() -> None:
    """`depth` keeps its default 2 while the switch is off, so `inner` still counts."""
    for trial, values in asked(TANGLED.freeze({"switch": "off"}), RandomSampler(seed=0), 5):
        assert values["depth"] == 2
        assert "inner" in trial.params


def test_conditions_in_a_circle() -> None:
    switch = Categorical(("on", "off"), default="on")
    circle = {
        "a": Float(0.0, 1.0, default=0.5, when=When("b", (0.5,))),
        "b": Float(0.0, 1.0, default=0.5, when=When("a", (0.5,))),
        "c": switch,
    }
    with pytest.raises(SpaceError, match="a, b: each is conditional on another of them"):
        asked(SearchSpace("m", circle), RandomSampler())


# Interrupted trials


def resumed(space: SearchSpace, seed: int, n_drawn: int) -> tuple[Any, Any, Any]:
    """Draw all, and the same again after an interruption; what was asked for until then."""
    study = optuna.create_study(sampler=RandomSampler(seed=seed))
    whole = study.ask()
    values = space.suggest(whole)
    stored = list(whole.params.items())[:n_drawn]
    again = optuna.create_study(sampler=RandomSampler(seed=seed))
    trial = again.ask()
    for name, value in stored:  # as a storage has it when a process dies while it draws
        distribution = whole.distributions[name]
        trial.storage.set_trial_param(
            trial._trial_id, name, distribution.to_internal_repr(value), distribution
        )
    trial = optuna.Trial(again, trial._trial_id)
    frozen = again.get_trials(deepcopy=False)[0]
    replayed = space.asked(frozen.params)
    for name, distribution in replayed.items():
        again.sampler.sample_independent(again, frozen, name, distribution)
    assert replayed == {name: whole.distributions[name] for name, _ in stored}
    assert list(replayed) == [name for name, _ in stored]
    return values, space.suggest(trial), trial.distributions == whole.distributions


@QUICK
@given(
    space=st.sampled_from([TANGLED, get("dino"), get("mmcr"), get("mocov2", views=True)]),
    seed=st.integers(0, 30),
    n_drawn=st.integers(0, 12),
)
def test_an_interrupted_trial_goes_on_as_it_would_have(
    space: SearchSpace, seed: int, n_drawn: int
) -> None:
    values, after, same = resumed(space, seed, n_drawn)
    assert after == values
    assert same


def test_what_was_never_asked_for_is_not_replayed() -> None:
    assert get("dino").asked({}) == {}
    assert list(get("simclr").asked({"lr": 1e-3, "temperature": 0.1})) == ["lr"]


def test_values_from_elsewhere_are_kept_and_checked() -> None:
    study = optuna.create_study()
    study.enqueue_trial({"student_temp": 0.2, "teacher_temp": 0.05})
    values = get("dino").suggest(study.ask())
    assert (values["student_temp"], values["teacher_temp"]) == (0.2, 0.05)
    study.enqueue_trial({"student_temp": 0.08, "teacher_temp": 0.09})
    with (
        pytest.warns(UserWarning, match="Fixed parameter teacher_temp"),
        pytest.raises(SpaceError, match="wanted teacher_temp < student_temp"),
    ):
        get("dino").suggest(study.ask())


def test_nothing_may_be_left_of_a_range() -> None:
    study = optuna.create_study()
    study.enqueue_trial({"student_temp": 0.005})
    with (
        pytest.warns(UserWarning, match="Fixed parameter student_temp"),
        pytest.raises(SpaceError, match="teacher_temp < student_temp leaves nothing of its range"),
    ):
        get("dino").suggest(study.ask())
