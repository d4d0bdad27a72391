"""Cells made up of random readings, for tests."""

import random

from benchmarks.tabular.savings_arrivals import Measured, Order, orders_of
from benchmarks.tabular.savings_table import Accuracy, TableCell
from hpo.history import Finding, Reading

RUNGS = (2, 6, 18)
_OTHERS = ("ssl_loss", "guarded_lidar", "guarded_rank", "view_retrieval", "rankme", "lidar")


def made_cell(seed: int, n_trials: int = 20) -> TableCell:
    """Trials of which some collapse, some break off and one has no α."""
    rng = random.Random(seed)
    readings, accuracies = {}, {}
    for trial in range(n_trials):
        worth = rng.random()
        n_rungs = 1 if rng.random() < 0.05 else len(RUNGS)
        own = []
        for epoch in RUNGS[:n_rungs]:
            dead = rng.random() < 0.08
            found = Finding("dimensional", "projector", "made", rng.random() < 0.5)
            values = {
                "guarded_alpha": worth + rng.gauss(0, 0.2),
                **{name: rng.random() for name in _OTHERS},
                "alpha_req": float("nan") if trial == 3 else rng.uniform(0.5, 2.0),
                "moved": rng.random(),
            }
            finding = found if dead else None
            own.append(Reading(trial, epoch, float("nan"), values, finding))
            fit, report = (0.5 + worth / 3 + rng.gauss(0, 0.02) for _ in range(2))
            accuracies[trial, epoch] = Accuracy(fit, report, (fit + report) / 2)
        readings[trial] = tuple(own)
    pace = {trial: rng.uniform(0.5, 2.0) for trial in readings}
    return TableCell("made", RUNGS, readings, accuracies, pace, 300, 300)


def made_order(seed: int, n_trials: int = 20) -> Order:
    """One order of such a cell."""
    return next(orders_of(Measured(made_cell(seed, n_trials)), 1, seed))
