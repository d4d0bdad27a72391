"""The choice among the shortlisted, and how sure it is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from hpo.counted import counted, trials
from hpo.errors import ConfigError
from hpo.goldilocks.candidate import Candidate, Direction, by_objective
from hpo.goldilocks.reach import Reach, reach_of
from hpo.goldilocks.seeds import Run, finite, seed_spread


@dataclass(frozen=True)
class Choice:
    """The chosen trial and why it was chosen.

    Args:
        number: the chosen trial.
        reason: one sentence with the figures.
        ties: other finalists that the seeds cannot tell from it.
        spread: standard deviation between seeds of one configuration, in the unit of what was
            compared; None when no configuration was repeated.
    """

    number: int
    reason: str
    ties: tuple[int, ...] = ()
    spread: float | None = None


def choose(
    listed: Sequence[Candidate],
    *,
    direction: Direction,
    objective: str,
    probe_accuracy: Mapping[int, float] | None = None,
    n_labelled: int | None = None,
    runs: Mapping[int, Sequence[Run]] | None = None,
) -> Choice:
    """Choose among the shortlisted.

    Without a probe the best objective is chosen. Where trials were probed, the best objective of
    those within reach of the best probe: see `reach_of`.

    Where configurations were repeated under other seeds, the means of the finalists are compared
    in the same way, and a difference no larger than the spread between seeds is called a tie.

    Args:
        listed: the shortlisted candidates, at least one.
        direction: of the objective.
        objective: its name, for the reason.
        probe_accuracy: cross-validated accuracy in [0, 1] by number, for those that were probed;
            None without labels, and those of trials that are not listed count for nothing.
        n_labelled: images behind each accuracy; None where that is unknown: the best probe is
            chosen, and the objective decides between equal ones only.
        runs: by finalist, its own run and those of its replicates. Probes are compared where every
            finalist has one, else objectives; undefined ones count for nothing.

    Returns:
        The choice. Equal values go to the lower number.

    Raises:
        ConfigError: for an empty list, and for fewer than one labelled image.

    >>> choose([Candidate(3, 9, 5.0, 1.1, 0.4)], direction="maximize", objective="rankme").number
    3
    >>> two = [Candidate(3, 9, 5.0, 1.1, 0.4), Candidate(7, 9, 5.5, 1.1, 0.4)]
    >>> runs = {3: [Run(5.0), Run(7.0)], 7: [Run(5.5), Run(5.7)]}
    >>> choose(two, direction="maximize", objective="rankme", runs=runs).ties
    (7,)
    >>> probes = {3: 0.90, 7: 0.89}
    >>> choose(
    ...     two, direction="maximize", objective="x", probe_accuracy=probes, n_labelled=900
    ... ).number
    7
    """
    if not listed:
        raise ConfigError("listed: got no candidate; wanted at least one to choose among.")
    known = probe_accuracy or {}
    accuracy = {
        c.number: known[c.number] for c in listed if math.isfinite(known.get(c.number, math.nan))
    }
    numbers = {c.number for c in listed}
    again = {number: own for number, own in (runs or {}).items() if number in numbers}
    how, shown = _words(direction, objective)
    repeated = _by_means(again, direction, f"{how} mean {shown}", n_labelled, bool(accuracy))
    if repeated is not None:
        return repeated
    if not accuracy:
        first = by_objective(listed, direction)[0]
        reason = f"{how} {shown} of the {len(listed)} shortlisted: {first.objective:.4g}"
        return Choice(first.number, reason)
    reach = reach_of(accuracy, n_labelled)
    first = by_objective([c for c in listed if c.number in reach.numbers], direction)[0]
    plain = f"best linear probe of the {len(accuracy)} probed"
    among = f"{how} {shown}, {first.objective:.4g}, of {_among(reach, accuracy)} probed"
    return Choice(first.number, _by_probe(accuracy[first.number], reach, n_labelled, plain, among))


def _by_means(
    runs: Mapping[int, Sequence[Run]],
    direction: Direction,
    what: str,
    n_labelled: int | None,
    probed: bool,
) -> Choice | None:
    """Choose by means over seeds; None where nothing that is compared was repeated."""
    found = {n: finite(run.accuracy for run in own) for n, own in runs.items()}
    probed = probed and all(found.values())
    objectives = {n: finite(run.objective for run in own) for n, own in runs.items()}
    if not probed:
        found = {n: own for n, own in objectives.items() if own}
    spread = seed_spread(found)
    if spread is None:
        return None
    means = {n: fmean(own) for n, own in found.items()}
    n_runs = sum(map(len, found.values()))
    finalists = f"the {counted(len(found), 'finalist')} ({n_runs} runs)"
    sign = 1.0 if direction == "maximize" else -1.0
    reach = reach_of(means, n_labelled) if probed else None
    may = means if reach is None else reach.numbers
    value = {n: fmean(objectives[n]) if objectives[n] else -sign * math.inf for n in may}
    best = min(may, key=lambda n: (-sign * value[n], n))
    ties = tuple(n for n in sorted(means) if n != best and abs(means[n] - means[best]) <= spread)
    reason, width = f"{what} of {finalists}: {means[best]:.4g}", f"±{spread:.2g}"
    if reach is not None:
        among = f"{what}, {value[best]:.4g}, of {_among(reach, means)} finalists"
        plain = f"best mean linear probe of {finalists}"
        reason = _by_probe(means[best], reach, n_labelled, plain, among, "mean linear probe")
        width = f"±{spread:.3f}"
    better = 1.0 if probed else sign
    ahead = [n for n in sorted(means) if better * (means[n] - means[best]) > spread]
    # Where the objective decided, the reader would take the spread for that of the objective.
    whose = "by the probe " if reach is not None and len(reach.numbers) > 1 else ""
    sure = _certainty(len(found), ties, ahead, width)
    return Choice(best, f"{reason}; {whose}{sure}", ties, spread)


def _among(reach: Reach, accuracy: Mapping[int, float]) -> str:
    n, total = len(reach.numbers), len(accuracy)
    return f"the {n}" if n == total else f"{n} of the {total}"


def _by_probe(
    own: float,
    reach: Reach,
    n_labelled: int | None,
    plain: str,
    among: str,
    probe: str = "linear probe",
) -> str:
    """Say how much of the best probe was given up for the objective, where others were in reach."""
    if n_labelled is None or len(reach.numbers) == 1:
        return f"{plain}: {own:.3f} cross-validated accuracy"
    return (
        f"{among} that {counted(n_labelled, 'label')} cannot tell apart: "
        f"{probe} {own:.3f} cross-validated, the best {reach.best:.3f} ± {reach.error:.3f}"
    )


def _certainty(n_finalists: int, ties: Sequence[int], ahead: Sequence[int], width: str) -> str:
    """Say how the chosen one stands to the other finalists, by what was compared."""
    if n_finalists == 1:
        return f"seed spread {width}"
    parts = []
    if ties:
        parts.append(f"tie with {trials(ties)} inside the seed spread {width}")
    if ahead:  # with probes only: by an objective the best mean is chosen
        spread = "that" if ties else f"the seed spread {width}"
        parts.append(f"behind {trials(ahead)} by more than {spread}, but within the labels' error")
    return ", ".join(parts) or f"ahead by more than the seed spread {width}"


def _words(direction: Direction, objective: str) -> tuple[str, str]:
    how = "highest" if direction == "maximize" else "smallest"
    return how, objective if objective != "alpha_req" else "|α - 1|"
