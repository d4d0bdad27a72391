"""The choice among the shortlisted, and how sure it is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hpo.errors import ConfigError
from hpo.goldilocks.candidate import Candidate, Direction, by_objective


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


def finalists(
    candidates: Sequence[Candidate],
    accuracies: Mapping[int, float],
    *,
    n: int,
    direction: Direction,
) -> tuple[int, ...]:
    """Take the best few, whose configurations are worth repeating under other seeds.

    Args:
        candidates: the shortlisted ones.
        accuracies: probe accuracy by number, of those that were probed; empty without labels.
        n: how many, >= 1.
        direction: of the objective.

    Returns:
        Numbers, the best first: by probe accuracy where any was probed, else by the objective.

    Raises:
        ConfigError: for fewer than one.

    >>> three = [Candidate(i, 9, float(i), 1.0, 0.4) for i in range(3)]
    >>> finalists(three, {}, n=2, direction="maximize")
    (2, 1)
    >>> finalists(three, {0: 0.9, 1: 0.8}, n=2, direction="maximize")
    (0, 1)
    """
    if n < 1:
        raise ConfigError(f"finalists: got {n}; wanted at least 1.")
    probed = [c for c in candidates if math.isfinite(accuracies.get(c.number, math.nan))]
    if probed:
        best = sorted(probed, key=lambda c: (-accuracies[c.number], c.number))
    else:
        best = by_objective(candidates, direction)
    return tuple(c.number for c in best[:n])


def choose(
    listed: Sequence[Candidate],
    *,
    direction: Direction,
    objective: str,
    probe_accuracy: Mapping[int, float] | None = None,
    values: Mapping[int, Sequence[float]] | None = None,
) -> Choice:
    """Choose among the shortlisted: by probe accuracy where there is one, else by the objective.

    Where configurations were repeated under other seeds, the means of the finalists are compared,
    and a difference no larger than the spread between seeds is called a tie.

    Args:
        listed: the shortlisted candidates, at least one.
        direction: of the objective.
        objective: its name, for the reason.
        probe_accuracy: cross-validated accuracy in [0, 1] by number, for those that were probed;
            None without labels, and those of trials that are not listed count for nothing.
        values: by finalist, its own value and those of its repetitions: probe accuracies where
            there are any, else objectives. Undefined ones count for nothing.

    Returns:
        The choice. Equal values go to the lower number.

    Raises:
        ConfigError: for an empty list.

    >>> choose([Candidate(3, 9, 5.0, 1.1, 0.4)], direction="maximize", objective="rankme").number
    3
    >>> two = [Candidate(3, 9, 5.0, 1.1, 0.4), Candidate(7, 9, 5.5, 1.1, 0.4)]
    >>> values = {3: [5.0, 7.0], 7: [5.5, 5.7]}
    >>> choose(two, direction="maximize", objective="rankme", values=values).ties
    (7,)
    """
    if not listed:
        raise ConfigError("listed: got no candidate; wanted at least one to choose among.")
    known = probe_accuracy or {}
    accuracy = {
        c.number: known[c.number] for c in listed if math.isfinite(known.get(c.number, math.nan))
    }
    runs = _runs(listed, values or {})
    if any(len(own) > 1 for own in runs.values()):
        return _by_means(runs, direction, objective, probed=bool(accuracy))
    if accuracy:
        best = min(accuracy, key=lambda number: (-accuracy[number], number))
        return Choice(
            best,
            f"best linear probe of the {len(accuracy)} probed: "
            f"{accuracy[best]:.3f} cross-validated accuracy",
        )
    first = by_objective(listed, direction)[0]
    how, shown = _words(direction, objective)
    return Choice(
        first.number, f"{how} {shown} of the {len(listed)} shortlisted: {first.objective:.4g}"
    )


def seed_spread(runs: Mapping[int, Sequence[float]]) -> float | None:
    """Pool the standard deviations between seeds over configurations.

        √( Σ_c Σ_s (x_cs − x̄_c)² / Σ_c (n_c − 1) )

    Args:
        runs: finite values of each configuration, one a seed.

    Returns:
        At least 0, in the unit of the values; None when no configuration has two.

    >>> seed_spread({0: [1.0, 3.0], 1: [5.0, 5.0], 2: [9.0]})
    1.0
    """
    repeated = [own for own in runs.values() if len(own) > 1]
    if not repeated:
        return None
    squares = math.fsum((x - math.fsum(own) / len(own)) ** 2 for own in repeated for x in own)
    return math.sqrt(squares / sum(len(own) - 1 for own in repeated))


def _runs(
    listed: Sequence[Candidate], values: Mapping[int, Sequence[float]]
) -> dict[int, list[float]]:
    numbers = {c.number for c in listed}
    finite = {
        number: [x for x in own if math.isfinite(x)]
        for number, own in values.items()
        if number in numbers
    }
    return {number: own for number, own in finite.items() if own}


def _by_means(
    runs: Mapping[int, list[float]], direction: Direction, objective: str, *, probed: bool
) -> Choice:
    sign = 1.0 if probed or direction == "maximize" else -1.0
    means = {number: math.fsum(own) / len(own) for number, own in runs.items()}
    best = min(means, key=lambda number: (-sign * means[number], number))
    spread = seed_spread(runs) or 0.0
    ties = tuple(
        number
        for number in sorted(means)
        if number != best and abs(means[number] - means[best]) <= spread
    )
    n_runs = sum(len(own) for own in runs.values())
    n, how_many = len(runs), "finalist" if len(runs) == 1 else "finalists"
    whose = f"the {n} {how_many} ({n_runs} runs)"
    how, shown = _words(direction, objective)
    if probed:
        reason = f"best mean linear probe of {whose}: "
        reason += f"{means[best]:.3f} cross-validated accuracy"
        width = f"±{spread:.3f}"
    else:
        reason = f"{how} mean {shown} of {whose}: "
        reason += f"{means[best]:.4g}"
        width = f"±{spread:.2g}"
    return Choice(best, f"{reason}; {_certainty(len(runs), ties, width)}", ties, spread)


def _certainty(n_finalists: int, ties: tuple[int, ...], width: str) -> str:
    if ties:
        with_whom = f"trial{'s' if len(ties) > 1 else ''} {', '.join(map(str, ties))}"
        return f"tie with {with_whom} inside the seed spread {width}"
    if n_finalists == 1:
        return f"seed spread {width}"
    return f"ahead by more than the seed spread {width}"


def _words(direction: Direction, objective: str) -> tuple[str, str]:
    how = "highest" if direction == "maximize" else "smallest"
    return how, objective if objective != "alpha_req" else "|α - 1|"
