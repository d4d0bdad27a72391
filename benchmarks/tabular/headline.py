"""What the main README tells of the studies, from their results."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from benchmarks.tabular.objective_tables import markdown, number, signed

_CHOOSERS = ("guarded_rank", "view_retrieval", "ssl_loss", "rankme", "alpha_req", "lidar")
_STRATEGIES = {
    "random, probe all": "random search, every trial trained and probed",
    "random, a fifth": "random search, a fifth of the trials",
    "α-ReQ selection": "the α-ReQ authors' selection by α and probes",
    "MedianPruner on loss": "Optuna's MedianPruner on the loss",
    "HyperbandPruner on loss": "Optuna's HyperbandPruner on the loss",
    "ASHA on labels": "halving on probes of every trial at every rung",
    "ours, rankme": "this package, driven by RankMe",
    "ours, published zone": "this package, with `--zone 0.8..1.2`",
    "ours": "this package",
    "ours, a fifth of the epochs": "this package, `--budget` a fifth of the epochs",
    "ours, labels, a fifth of the epochs": "the same with `--labels`: probes in rounds",
    "ours, labels, probe_best 3, a fifth of the epochs": "the same with `--labels --probe-best 3`",
}


_LABELLED = list(_STRATEGIES)[-2:]


def choosers(study: Mapping[str, Any]) -> str:
    """Return what each objective chose on the cells that the default was not chosen on.

    Args:
        study: as `objectives_study` wrote it.
    """
    choice = study["choice"]
    cells = {name: study["cells"][name] for name in choice["reported_on"]}
    chosen = choice["chosen"]
    lines = []
    for name in dict.fromkeys([chosen, *_CHOOSERS]):
        found = [cell["candidates"][name]["bar"] for cell in cells.values()]
        taus = [0.0 if math.isnan(f["tau"][0]) else f["tau"][0] for f in found]
        lines.append(
            [
                f"**`{name}`**, the default" if name == chosen else f"`{name}`",
                f"{signed(_mean(taus))} ({signed(min(taus))})",
                *(number(_mean([f["regret"][key]["mean"] for f in found])) for key in _SEARCHES),
                f"{100 * _mean([f['regret']['16']['within_one'] for f in found]):.0f} %",
            ]
        )
    blind = [cell["bounds"]["random"]["bar"] for cell in cells.values()]
    regrets = [number(_mean([b[key]["mean"] for b in blind])) for key in _SEARCHES]
    lines.append(["any trial", "", *regrets, ""])
    head = ["chosen by", "τ with accuracy (lowest of a cell)", "points lost, of 16 trials"]
    n = _range(int(cell["facts"]["trials_ended"]) for cell in cells.values())
    table = markdown([*head, f"points lost, of all {n}", "within a point, of 16"], lines)
    return (
        f"{table}\n\nThe four cells that the default was not chosen on: {', '.join(cells)}. On the "
        f"four others, of 16 trials: {number(choice['on_choosing_half']['regret'])} points lost, "
        f"{number(choice['everybody']['rankme']['choosing']['regret'])} by `rankme`."
    )


_SEARCHES = ("16", "all")


def savings(study: Mapping[str, Any]) -> str:
    """Return what the strategies that people know spend, and how often they land near the best.

    Args:
        study: as `savings_study` wrote it.
    """
    lines = []
    for name, words in _STRATEGIES.items():
        over = study["strategies"][name]["over_cells"]
        pooled = over["pooled.within_point"]
        lines.append(
            [
                words,
                _percent(over["compute"]["mean"]),
                _percent(over["probes"]["mean"]),
                f"{_percent(pooled['mean'])} ({_percent(pooled['least'])})",
                _percent(over["reported.within_point"]["mean"]),
                number(100 * over["pooled.regret_mean"]["mean"]),
                number(100 * over["pooled.regret_worst"]["largest"]),
            ]
        )
    head = ["", "epochs", "probes", "within a point of the best (least of a cell)"]
    head += ["the same on labels that no choice saw", "points lost", "at worst"]
    table = markdown(head, lines)
    trials = [cell["trials"] for cell in study["cells"].values()]
    rounds, three = (
        study["strategies"][f"{name}, best probe alone"]["over_cells"] for name in _LABELLED
    )
    return (
        f"{table}\n\nMeans over {len(trials)} cells of {_range(trials)} trials, each "
        f"in {study['shuffles']:,} random orders; epochs and probes as shares of training and "
        "probing every trial. Random draws, one at a time; nothing is repeated (`--replicates 0`). "
        "If the best probe alone chose, without the objective among those that the labels cannot "
        f"tell from it, the last two lines would be {_within(rounds)} and {_within(three)}."
    )


def _within(over: Mapping[str, Any]) -> str:
    pooled, unseen = (_percent(over[f"{f}.within_point"]["mean"]) for f in ("pooled", "reported"))
    return f"{pooled} within a point, {unseen} on labels that no choice saw"


def zone(study: Mapping[str, Any]) -> str:
    """Return where α of the best trials lies, and what the published zone costs.

    Args:
        study: as `savings_study` wrote it.
    """
    alphas = [cell["best_trial_alpha"] for cell in study["cells"].values()]
    with_zone, own = (
        study["strategies"][name]["over_cells"]["pooled.regret_mean"]["mean"]
        for name in ("ours, published zone", "ours")
    )
    return (
        "The published Goldilocks zone is [0.8, 1.2]; α of the best trial of each cell lies "
        f"between {min(alphas):.2f} and {max(alphas):.2f}. A filter and a shortlist by that zone "
        f"cost {number(100 * with_zone)} points in the mean, where the objective alone costs "
        f"{number(100 * own)}; so there is no zone unless you give one, or labels teach one."
    )


def collapse(study: Mapping[str, Any]) -> str:
    """Return how many dead trainings are caught, how early, and what is stopped with them.

    Args:
        study: as `collapse_study` wrote it.
    """
    gate = study["gates"]["product"]
    settings, table = gate["settings"], gate["table"]
    before = study["gates"]["any projector"]["table"]
    unseen = study["data"]["fashion_mnist"]
    return (
        f"Of {settings['dead']} trainings that ended at least five points below the untrained "
        "network by k-NN or by the linear probe (settings said to collapse, and healthy ones that "
        f"did), {settings['by_first_third']} "
        f"were stopped as collapsed by the first third of training, {settings['only_at_the_end']} "
        f"at the end, {settings['never']} never; so were {settings['false_alarms']} of "
        f"{settings['alive']} that learned. The gate was set on the digits' settings; of those on "
        f"Fashion-MNIST, trained afterwards, {unseen['dead']} died and {unseen['by_first_third']} "
        f"were stopped by the first third, and {unseen['false_alarms']} of {unseen['alive']} that "
        "learned by one of the two with them. In the table, "
        f"{table['false_alarms_in_top_half']} of the {table['top_half']} trials in the better "
        f"halves were, {table['false_alarms_in_top_half_early']} of them by the first third; "
        f"while every projector's collapse counted, {before['false_alarms_in_top_half']}."
    )


def sweeps(study: Mapping[str, Any]) -> str:
    """Return what the papers' own setting gives, one axis at a time around the published recipe.

    Args:
        study: as `sweep_study` wrote it.
    """
    kinds = {
        "lr": "learning rate",
        "of the loss": "weights of the loss, temperature",
        "projector_width": "projector's width",
        "all": "all axes",
    }
    shown = []
    for name in ("guarded_alpha", "rankme", "alpha_req", "lidar"):
        found = study["over_axes"][name]
        by_axis = (signed(found[kind]["tau"]) for kind in kinds)
        shown.append([f"`{name}`", *by_axis, number(found["all"]["regret"])])
    counts = study["over_axes"]["rankme"]
    head = [f"τ, {words} (n = {counts[kind]['n']})" for kind, words in kinds.items()]
    n_cells = len({name.split()[0] for name in study["axes"]})
    return (
        f"{markdown(['', *head, 'points lost'], shown)}\n\nMeans of the n axes, of "
        f"{len(study['axes'])} in {n_cells} cells, that move accuracy by more than noise; any "
        f"point of them loses {number(counts['all']['random'])}."
    )


def _range(counts: Iterable[int]) -> str:
    known = sorted(counts)
    return str(known[0]) if known[0] == known[-1] else f"{known[0]} to {known[-1]}"


def _mean(values: list[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.0f} %"
