"""Made candidates, and strategies that draw them."""

from __future__ import annotations

import math

from hypothesis import settings
from hypothesis import strategies as st

from hpo.goldilocks import Candidate, Direction
from hpo.pruning.zone import Zone

QUICK = settings(max_examples=150, deadline=None, derandomize=True)
LEAST = 0.1

values = st.floats(-100.0, 100.0) | st.integers(-2, 2).map(float)
alphas = st.floats(0.0, 4.0) | st.sampled_from([0.8, 1.0, 1.2, math.nan])
distances = st.floats(0.0, 1.0) | st.sampled_from([LEAST, math.nan])
directions: st.SearchStrategy[Direction] = st.sampled_from(["maximize", "minimize"])
zones = st.sampled_from(
    [Zone(0.8, 1.2), Zone(1.5, 2.5), Zone(-math.inf, 1.0), Zone(-math.inf, math.inf)]
)


@st.composite
def candidate_lists(draw: st.DrawFn, min_size: int = 0, max_size: int = 10) -> list[Candidate]:
    n = draw(st.integers(min_size, max_size))
    numbers = draw(st.permutations(range(n)))
    objectives = values | st.sampled_from([math.nan, math.inf])
    return [Candidate(i, 54, draw(objectives), draw(alphas), draw(distances)) for i in numbers]


def candidate(
    number: int, objective: float = 1.0, alpha: float = 1.0, moved: float = 0.5
) -> Candidate:
    return Candidate(number, 54, objective, alpha, moved)
