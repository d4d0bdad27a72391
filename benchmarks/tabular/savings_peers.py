"""What others do: random search, the α-ReQ authors' selection, Optuna's pruners, labels."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import optuna
from optuna.trial import TrialState

from benchmarks.tabular.savings_ours import Spent
from benchmarks.tabular.savings_walk import Arrival, ByRule, Walk
from hpo.decision import GO_ON, Decision
from hpo.goldilocks import by_objective
from hpo.history import Reading
from hpo.pruning import HalvingRule

Known = Mapping[tuple[int, int], float]
MakePruner = Callable[[Sequence[int]], optuna.pruners.BasePruner]
_ROUND = 10  # models M that the authors compare at a time
_HIGHEST = 10_000.0


def random_search(arrival: Arrival, known: Known, *, share: float = 1.0) -> Spent:
    """Train the first trials to the end, probe them all, take the best probe."""
    n = math.ceil(share * len(arrival.readings) - 1e-9)
    first = Arrival(arrival.rungs, arrival.readings[:n], arrival.pace[:n], arrival.numbers[:n])
    last = arrival.rungs[-1]
    walk = Walk(first, ByRule(_Never())).run()
    seen = {place: known[place, last] for place in range(n) if (place, last) in known}
    return Spent(walk.epochs, len(seen), _best(seen, last))


def by_alpha(arrival: Arrival, known: Known) -> Spent:
    """Train all; probe with labels only inside an interval of α that the probes narrow.

    Source:
        `scripts/model_selection_sim.py` of github.com/kumarkrishna/fastssl (Agrawal et al. 2022):
        rounds of 10 models; the interval spans the best half of a round's size among all probed,
        and an end stays as it is where the most extreme α probed is among them.
    """
    last = arrival.rungs[-1]
    epochs = Walk(arrival, ByRule(_Never())).run().epochs
    low, high = 0.0, _HIGHEST
    seen: list[tuple[float, float, int]] = []
    for start in range(0, len(arrival.readings), _ROUND):
        for place in range(start, min(start + _ROUND, len(arrival.readings))):
            own = arrival.readings[place]
            alpha = own[-1].values.get("alpha_req", math.nan) if own else math.nan
            if low <= alpha <= high and (place, last) in known:
                seen.append((alpha, known[place, last], place))
        top = [a for a, _, _ in sorted(seen, key=lambda s: -s[1])[: _ROUND // 2]]
        if top:
            alphas = [alpha for alpha, _, _ in seen]
            low = low if min(top) == min(alphas) else min(top)
            high = high if max(top) == max(alphas) else max(top)
    return Spent(epochs, len(seen), _best({place: acc for _, acc, place in seen}, last))


def halving_on_labels(arrival: Arrival, known: Known, *, factor: int = 3) -> Spent:
    """Probe every trial at every rung and go on with the best third: the ceiling.

    Args:
        arrival: whose objective is the probe itself.
        known: the same accuracies.
        factor: one trial in `factor` goes on.
    """
    last = arrival.rungs[-1]
    judge = ByRule(HalvingRule("maximize", factor=factor, last_epoch=last))
    walk = Walk(arrival, judge).run()
    candidates = walk.candidates()
    best = by_objective(candidates, "maximize")
    chosen = (best[0].number, best[0].epoch) if best else None
    return Spent(walk.epochs, len(judge.history.readings), chosen)


def pruned_by(
    pruner: MakePruner, arrival: Arrival, known: Known, *, seed: int = 0
) -> tuple[Spent, Spent]:
    """Search under one of Optuna's own pruners, in a real study of its own.

    Args:
        pruner: makes the object, from the rungs.
        arrival: whose objective is the loss.
        known: accuracies.
        seed: names the study, by which Hyperband draws its brackets.

    Returns:
        The smallest loss chosen, without a label; and the best probe, of all that finished.
    """
    study = optuna.create_study(
        study_name=f"savings-{seed}",
        sampler=optuna.samplers.RandomSampler(seed=0),
        pruner=pruner(arrival.rungs),
    )
    last = arrival.rungs[-1]
    walk = Walk(arrival, _InOptuna(study, last)).run()
    finite = [c for c in walk.finished if math.isfinite(c.objective)]
    best = by_objective(finite, "minimize")
    seen = {c.number: known[c.number, last] for c in walk.finished}
    return (
        Spent(walk.epochs, 0, (best[0].number, last) if best else None),
        Spent(walk.epochs, len(seen), _best(seen, last)),
    )


class _InOptuna:
    """Reports to a real study and asks its pruner, but for the last rung: nothing is left there."""

    def __init__(self, study: optuna.Study, last_epoch: int) -> None:
        self.study, self.last_epoch = study, last_epoch
        self.running: dict[int, optuna.Trial] = {}

    def decide(self, reading: Reading) -> Decision:
        trial = self.running.get(reading.trial)
        if trial is None:
            trial = self.running[reading.trial] = self.study.ask()
        trial.report(reading.objective, step=reading.epoch)
        if reading.epoch >= self.last_epoch:
            return GO_ON
        return Decision(trial.should_prune(), kind="pruned")

    def ended(self, walk: Walk, place: int, kind: str) -> None:
        trial = self.running.pop(place, None) or self.study.ask()
        value = walk.newest[place].objective if kind == "finished" else math.nan
        if math.isfinite(value):
            self.study.tell(trial, value)
        else:
            self.study.tell(trial, state=TrialState.PRUNED)


class _Never:
    """Stops nobody."""

    def decide(self, reading: Reading, history: object) -> Decision:
        return GO_ON


def _best(seen: Mapping[int, float], epoch: int) -> tuple[int, int] | None:
    finite = {place: accuracy for place, accuracy in seen.items() if math.isfinite(accuracy)}
    if not finite:
        return None
    return max(finite, key=lambda place: (finite[place], -place)), epoch
