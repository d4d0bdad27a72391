"""The strategies that are compared, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import optuna

from benchmarks.tabular.savings_arrivals import Order
from benchmarks.tabular.savings_ours import Ours, Prepared, Spent, WalkedOurs
from benchmarks.tabular.savings_peers import (
    Known,
    MakePruner,
    by_alpha,
    halving_on_labels,
    pruned_by,
    random_search,
)
from benchmarks.tabular.savings_table import TableCell
from benchmarks.tabular.savings_walk import Arrival

Play = Callable[[Order], tuple[Spent, ...]]
_DEFAULT = Ours().objective
_ROUNDS = {"labels": True}
_PUBLISHED = ("rankme", "alpha_req", "lidar", "ssl_loss")


@dataclass(frozen=True)
class Strategy:
    """One search, and the strategies that differ only in how they choose after it.

    Args:
        names: of the strategies, each unique.
        prepared: makes the function that plays them, of a cell.
        ordered: whether the order of arrival changes what it does; else one order says all.
    """

    names: tuple[str, ...]
    prepared: Callable[[TableCell], Play]
    ordered: bool = True


def strategies() -> list[Strategy]:
    """Return all of them, the plain ones first."""
    return [*_peers(), *(_ours(name, ours) for name, ours in variants().items())]


def variants() -> Mapping[str, Ours]:
    """Return our pipeline's settings by name: the defaults, and one change at a time."""
    unlabelled: dict[str, Ours] = {
        "ours": Ours(),
        "ours, a fifth of the epochs": Ours(budget_share=0.2),
        "ours, a tenth of the epochs": Ours(budget_share=0.1),
        "ours, 2 workers": Ours(n_workers=2),
        "ours, published zone": Ours({"zone": "0.8..1.2"}),
    }
    for factor in (2, 4, 6):
        unlabelled[f"ours, factor {factor}"] = Ours({"rung_factor": factor})
    for name in ("guarded_rank", "guarded_lidar", "view_retrieval", *_PUBLISHED):
        unlabelled[f"ours, {name}"] = Ours({"objective": name})
    labelled: dict[str, Ours] = {
        "ours, labels": Ours(_ROUNDS),
        "ours, labels, 2 workers": Ours(_ROUNDS, n_workers=2),
        "ours, labels, published zone": Ours({**_ROUNDS, "zone": "0.8..1.2"}),
        "ours, labels, min_evidence 3": Ours(_ROUNDS, min_evidence=3),
        "ours, labels, probe_batch 2": Ours({**_ROUNDS, "probe_batch": 2}),
        "ours, labels, filter off": Ours({**_ROUNDS, "filter": False}),
        "ours, labels, probe_best 3": Ours({**_ROUNDS, "probe_best": 3}),
        "ours, labels, probe_best 6": Ours({**_ROUNDS, "probe_best": 6}),
        "ours, labels, best probe alone": Ours(_ROUNDS, within_error=False),
        "ours, labels, probe_best 3, best probe alone": Ours(
            {**_ROUNDS, "probe_best": 3}, within_error=False
        ),
        "ours, labels, a fifth of the epochs": Ours(_ROUNDS, budget_share=0.2),
        "ours, labels, a fifth of the epochs, best probe alone": Ours(
            _ROUNDS, budget_share=0.2, within_error=False
        ),
        "ours, labels, probe_best 3, a fifth of the epochs, best probe alone": Ours(
            {**_ROUNDS, "probe_best": 3}, budget_share=0.2, within_error=False
        ),
        "ours, labels, probe_best 6, a fifth of the epochs": Ours(
            {**_ROUNDS, "probe_best": 6}, budget_share=0.2
        ),
        "ours, labels, probe_best 3, a fifth of the epochs": Ours(
            {**_ROUNDS, "probe_best": 3}, budget_share=0.2
        ),
    }
    return {**unlabelled, **labelled}


def _ours(name: str, ours: Ours) -> Strategy:
    def prepared(cell: TableCell) -> Play:
        ready = ours.prepared(cell.rungs, cell.n_fit)
        return lambda order: (searched(ready, order).spent(),)

    return Strategy((name,), prepared)


def searched(ready: Prepared, order: Order) -> WalkedOurs:
    """Let an order's trials come, once for all settings that search alike and choose apart."""
    arrival = order.arrival(ready.strategy.objective)
    if ready.in_rounds:  # its probes may have changed the search
        return ready.walked(arrival, order.known)
    how = ready.strategy
    key = (ready.rule, how.objective, how.n_workers, how.budget_share)
    if key not in order.searches:
        order.searches[key] = ready.walked(arrival, order.known)
    return replace(order.searches[key], prepared=ready)


def _peers() -> list[Strategy]:
    shares = ((2, "half"), (3, "a third"), (5, "a fifth"), (10, "a tenth"))
    return [
        Strategy(("random, probe all",), _plain(random_search), ordered=False),
        *(
            Strategy((f"random, {word}",), _plain(partial(random_search, share=1 / n)))
            for n, word in shares
        ),
        Strategy(("α-ReQ selection",), _plain(by_alpha)),
        _optuna("MedianPruner on loss", _median),
        _optuna("HyperbandPruner on loss", _hyperband),
        Strategy(("ASHA on labels",), _plain(halving_on_labels, "probe")),
    ]


def _plain(
    play: Callable[[Arrival, Known], Spent], objective: str = _DEFAULT
) -> Callable[[TableCell], Play]:
    return lambda cell: lambda order: (play(order.arrival(objective), order.known),)


def _optuna(name: str, pruner: MakePruner) -> Strategy:
    def prepared(cell: TableCell) -> Play:
        return lambda order: pruned_by(
            pruner, order.arrival("ssl_loss"), order.known, seed=order.seed
        )

    return Strategy((name, f"{name}, probe all"), prepared)


def _median(rungs: Sequence[int]) -> optuna.pruners.BasePruner:
    return optuna.pruners.MedianPruner()


def _hyperband(rungs: Sequence[int]) -> optuna.pruners.BasePruner:
    return optuna.pruners.HyperbandPruner(
        min_resource=rungs[0], max_resource=rungs[-1], reduction_factor=3
    )
