"""From finished trials to one backbone: shortlist, finalists, choice, hand over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import optuna

from hpo.candidates import candidates_of
from hpo.checkpoint import load_checkpoint
from hpo.errors import GoldilocksError
from hpo.export import export_backbone
from hpo.goldilocks import (
    Candidate,
    Choice,
    Run,
    Shortlist,
    by_closeness,
    choose,
    eligible,
    finalists,
    shortlist,
    shortlist_size,
)
from hpo.online_filter import OnlineFilter, read_rounds
from hpo.prober import backbone_weights
from hpo.pruning.zone import EVERYWHERE
from hpo.record import read_rows
from hpo.storage import StudyDirectory
from hpo.workload import Workload

__all__ = [
    "Finalists",
    "NothingToChooseError",
    "backbone_weights",
    "candidates_of",
    "decide_and_hand_over",
    "shortlist_and_finalists",
]


class NothingToChooseError(GoldilocksError, RuntimeError):
    """Raised when a search ended without a single trial that may be chosen."""


@dataclass(frozen=True)
class Finalists:
    """The best few of the shortlisted, which are worth repeating under other seeds.

    Args:
        numbers: theirs, the best first.
        listed: all shortlisted candidates.
        accuracies: probe accuracy in [0, 1] by number, of those listed that were probed; empty
            without labels.
    """

    numbers: tuple[int, ...]
    listed: tuple[Candidate, ...]
    accuracies: Mapping[int, float]


def shortlist_and_finalists(online: OnlineFilter) -> Finalists:
    """Hold the last round of probes, record the shortlist and take its best.

    With labels everybody who was probed is shortlisted; without, the best by the objective, or with
    a zone that was given those closest to it.

    Args:
        online: the study's filter.

    Raises:
        NothingToChooseError: when no trial may be chosen.
    """
    config, study = online.config, online.study
    candidates = candidates_of(read_rows(study, running=False))
    online.last_round(candidates)
    accuracies = online.accuracies() if config.labels else {}
    listed = _listed(online, candidates, accuracies)
    _store_shortlist(study, listed)
    if not listed.numbers:
        raise NothingToChooseError(_explain_nothing(study, listed))
    by_number = {c.number: c for c in candidates}
    chosen_from = tuple(by_number[number] for number in listed.numbers)
    known = {number: accuracies[number] for number in listed.numbers if number in accuracies}
    best = finalists(
        chosen_from,
        known,
        n=config.finalists,
        direction=online.rules.direction,
        n_labelled=online.n_labelled,
    )
    return Finalists(best, chosen_from, known)


def decide_and_hand_over(
    online: OnlineFilter,
    selected: Finalists,
    runs: Mapping[int, Sequence[Run]] | None = None,
) -> Choice:
    """Choose, record the choice and write the backbone.

    Args:
        online: the study's filter.
        selected: the finalists and the shortlist that they are of.
        runs: by finalist, its own run and those of its replicates; None without replicates.

    Returns:
        The choice.
    """
    choice = choose(
        selected.listed,
        direction=online.rules.direction,
        objective=online.config.objective,
        probe_accuracy=selected.accuracies,
        n_labelled=online.n_labelled,
        runs=runs,
    )
    if online.prober is not None:
        online.prober.trial(choice.number)
    _hand_over(online.study, online.directory, online.workload, choice)
    return choice


def _listed(
    online: OnlineFilter, candidates: Sequence[Candidate], accuracies: Mapping[int, float]
) -> Shortlist:
    config, direction = online.config, online.rules.direction
    gone = online.unavailable(candidates)
    barred = eligible(candidates, least_moved=config.least_moved)
    gone = {number: why for number, why in gone.items() if number not in barred}
    here = [c for c in candidates if c.number not in gone]
    probed = [c for c in here if c.number in accuracies and c.number not in barred]
    if probed:
        rounds = read_rounds(online.study.user_attrs)
        zone = rounds[-1].zone if rounds else EVERYWHERE
        excluded = {c.number: "was not probed" for c in here}
        for each in rounds:
            excluded |= {n: why for n, why in each.excluded.items() if n in excluded}
        excluded |= {**barred, **gone}
        ranked = by_closeness(probed, zone=zone, direction=direction)
        numbers = tuple(c.number for c in ranked)
        return Shortlist(numbers, {n: w for n, w in excluded.items() if n not in numbers})
    listed = shortlist(
        here,
        size=max(1, shortlist_size(len(here), share=config.shortlist_share)),
        direction=direction,
        least_moved=config.least_moved,
        zone=online.rules.zone or EVERYWHERE,
    )
    return Shortlist(listed.numbers, {**listed.excluded, **gone})


def _store_shortlist(study: optuna.Study, listed: Shortlist) -> None:
    study.set_user_attr(
        "shortlist",
        {
            "numbers": list(listed.numbers),
            "excluded": {str(number): reason for number, reason in listed.excluded.items()},
        },
    )


def _hand_over(
    study: optuna.Study, directory: StudyDirectory, workload: Workload, choice: Choice
) -> None:
    row = next(r for r in read_rows(study, running=False) if r.number == choice.number)
    state = load_checkpoint(directory.checkpoint(choice.number))
    export_backbone(directory.chosen, workload, row, choice, backbone_weights(state["training"]))
    study.set_user_attr(
        "choice",
        {
            "number": choice.number,
            "reason": choice.reason,
            "ties": list(choice.ties),
            "spread": choice.spread,
        },
    )


def _explain_nothing(study: optuna.Study, listed: Shortlist) -> str:
    rows = read_rows(study, running=False)
    lines = [
        f"  trial {row.number}: {listed.excluded.get(row.number) or row.reason or row.state}"
        for row in rows[:20]
    ]
    return (
        "no trial may be chosen:\n"
        + ("\n".join(lines) if lines else "  no trial was started")
        + "\nIf trials ran out of budget, give a larger --budget. If they have not moved away from "
        "initialisation, train longer (--epochs) or with a larger learning rate. If they "
        "collapsed, look at what was fixed with --fix."
    )
