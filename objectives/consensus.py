"""Several measures asked which of some candidates is best, each with one vote."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence

from objectives.errors import InvalidArgumentError
from objectives.registry import get_measure


def consensus(values: Mapping[str, Sequence[float]], *, minimum: int = 2) -> list[float]:
    """Score candidates by their mean rank over several measures.

        s_m(i) = (b_m(i) + e_m(i) / 2) / (n − 1),   consensus(i) = mean over m of s_m(i)

    Under measure m, b_m(i) of the other n − 1 candidates are worse than candidate i and e_m(i) are
    equal to it. Only the order counts, so scales and outliers do not, and no measure needs a
    weight; measures that say the same thing vote twice.

    This is a rank among these candidates and no absolute value: one candidate more changes it, and
    may even swap two others. It serves for choosing among trials and for pruning at equal epoch. It
    is not a value to tell a sampler, as a trial's worth would then depend on who else has run.

    Args:
        values: By the name of a registered measure, its value for each of the n candidates, the
            candidates in the same order throughout. nan, where a measure is undefined, counts as
            worse than every value; candidates with nan are equal. Each measure must have been
            measured alike for all candidates: see `rank_measurements`.
        minimum: The fewest candidates that a rank means anything among, at least 2.

    Returns:
        One number a candidate, between 0 (worst under all measures) and 1 (best under all); higher
        is better; the mean over candidates is 1/2. With fewer than `minimum` candidates all are
        nan: there is nothing to be ranked among.

    Raises:
        InvalidArgumentError: No measures, or not the same number of values for each; or a minimum
            below 2.
        UnknownMeasureError: A name is not registered, so that its direction is unknown.

    References:
        Borda's method: Dwork, Kumar, Naor, Sivakumar, "Rank aggregation methods for the Web",
        WWW 2001.

    Examples:
        >>> consensus({"rankme": [10.0, 30.0, 20.0], "alpha_req": [1.0, 1.5, 0.9]})
        [0.5, 0.5, 0.5]
        >>> consensus({"rankme": [10.0, 30.0, 30.0]})
        [0.0, 0.75, 0.75]
    """
    lengths = {name: len(of_measure) for name, of_measure in values.items()}
    if len(set(lengths.values())) != 1:
        raise InvalidArgumentError(
            f"values: got this many candidates by measure: {lengths}, wanted at least one measure "
            "and as many candidates for each; pass nan where a measure is undefined."
        )
    if minimum < 2:
        raise InvalidArgumentError(
            f"minimum: got {minimum!r}, wanted at least 2; one candidate has no rank."
        )
    scores = [_scores(name, of_measure, minimum) for name, of_measure in values.items()]
    return [math.fsum(candidate) / len(scores) for candidate in zip(*scores, strict=True)]


def _scores(name: str, values: Sequence[float], minimum: int) -> list[float]:
    """Share of the other candidates that each one beats under one measure, a tie being half."""
    measure = get_measure(name)
    sign = 1.0 if measure.optimiser_direction == "maximize" else -1.0
    goodness = [sign * measure.objective(value) for value in values]
    if len(goodness) < minimum:
        return [math.nan] * len(goodness)
    ordered = sorted(good for good in goodness if not math.isnan(good))
    n_undefined = len(goodness) - len(ordered)
    scores = []
    for good in goodness:
        if math.isnan(good):
            worse, alike = 0, n_undefined
        else:
            below = bisect_left(ordered, good)
            worse, alike = n_undefined + below, bisect_right(ordered, good) - below
        scores.append((worse + (alike - 1) / 2) / (len(goodness) - 1))
    return scores
