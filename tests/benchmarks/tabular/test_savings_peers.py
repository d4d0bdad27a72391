"""What others do, on trials whose outcome is known."""

import math

import optuna
import pytest

from benchmarks.tabular.savings_ours import Spent
from benchmarks.tabular.savings_peers import (
    MakePruner,
    by_alpha,
    halving_on_labels,
    pruned_by,
    random_search,
)
from benchmarks.tabular.savings_walk import Arrival, arrive
from hpo.history import Reading
from tests.benchmarks.tabular.made_cells import RUNGS, made_order

Known = dict[tuple[int, int], float]


def of_alphas(alphas: list[float], accuracies: list[float]) -> tuple[Arrival, Known]:
    """Trials that went through, with these figures at the end."""
    trials = [
        (n, tuple(Reading(n, epoch, 0.0, {"alpha_req": alpha}) for epoch in RUNGS), 1.0)
        for n, alpha in enumerate(alphas)
    ]
    known = {(n, epoch): a for n, a in enumerate(accuracies) for epoch in RUNGS}
    return arrive(trials, RUNGS), known


def test_random_search_trains_and_probes_the_first_ones() -> None:
    arrival, known = of_alphas([1.0] * 10, [0.1, 0.5, 0.2, 0.9, 0.3, 0.95, 0, 0, 0, 0])
    assert random_search(arrival, known) == Spent(10 * 18, 10, (5, 18))
    assert random_search(arrival, known, share=1 / 2) == Spent(5 * 18, 5, (3, 18))


def test_the_interval_of_alpha_narrows_to_the_best_half_of_a_round() -> None:
    """The best 5 of the first 10 lie in [0.9, 1.3], so 2.0 and 0.2 are not probed any more."""
    first = [0.5, 0.9, 1.0, 1.1, 1.2, 1.3, 1.6, 1.7, 1.8, 1.9]
    seen = [0.1, 0.8, 0.81, 0.82, 0.83, 0.84, 0.1, 0.1, 0.1, 0.1]
    arrival, known = of_alphas([*first, 2.0, 0.2, 1.15], [*seen, 0.99, 0.99, 0.9])
    assert by_alpha(arrival, known) == Spent(13 * 18, 11, (12, 18))


@pytest.mark.parametrize("sign", [1, -1])
def test_an_end_at_the_edge_of_what_was_seen_stays_open(sign: int) -> None:
    """The best lie at one edge: beyond it is probed, although nobody has been there."""
    first = [0.5, 0.9, 1.0, 1.1, 1.2, 1.3, 1.6, 1.7, 1.8, 1.9]
    seen = [0.1, 0.1, 0.1, 0.1, 0.1, 0.84, 0.8, 0.82, 0.83, 0.84]
    alphas = [1.2 + sign * (alpha - 1.2) for alpha in [*first, 2.0, 0.4]]
    arrival, known = of_alphas(alphas, [*seen, 0.99, 0.995])
    assert by_alpha(arrival, known) == Spent(12 * 18, 11, (10, 18))


def test_labels_at_every_rung_are_counted_at_every_rung() -> None:
    order = made_order(3, 30)
    spent = halving_on_labels(order.arrival("probe"), order.known)
    assert spent.probes > 30
    assert spent.epochs < 30 * RUNGS[-1]


PRUNERS: dict[str, MakePruner] = {
    "median": lambda rungs: optuna.pruners.MedianPruner(n_startup_trials=3),
    "hyperband": lambda rungs: optuna.pruners.HyperbandPruner(rungs[0], rungs[-1], 3),
}


@pytest.mark.parametrize("name", PRUNERS)
@pytest.mark.parametrize("seed", range(5))
def test_a_pruner_decides_as_in_a_study_that_optuna_runs_itself(name: str, seed: int) -> None:
    order = made_order(seed, 30)
    arrival = order.arrival("ssl_loss")
    epochs = 0

    def objective(trial: optuna.Trial) -> float:
        nonlocal epochs
        own, before, value = arrival.readings[trial.number], 0, math.nan
        for k, epoch in enumerate(RUNGS):
            epochs += epoch - before
            before = epoch
            if k >= len(own):
                raise optuna.TrialPruned
            value = own[k].objective
            trial.report(value, step=epoch)
            if epoch < RUNGS[-1] and trial.should_prune():
                raise optuna.TrialPruned
        return value

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(study_name=f"savings-{seed}", pruner=PRUNERS[name](RUNGS))
    study.optimize(objective, n_trials=30)
    unlabelled, labelled = pruned_by(PRUNERS[name], arrival, order.known, seed=seed)
    assert unlabelled == Spent(epochs, 0, (study.best_trial.number, RUNGS[-1]))
    complete = study.get_trials(states=(optuna.trial.TrialState.COMPLETE,))
    assert labelled.probes == len(complete) < 30
