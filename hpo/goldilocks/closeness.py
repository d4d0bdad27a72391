"""The order of candidates by how close their α is to the zone."""

from __future__ import annotations

import math
from collections.abc import Sequence

from hpo.goldilocks.candidate import Candidate, Direction
from hpo.pruning.zone import EVERYWHERE, Zone, noise_step

ALPHA_NOISE = 0.05  # α of one configuration differs by so much from seed to seed


def by_closeness(
    candidates: Sequence[Candidate],
    *,
    zone: Zone,
    direction: Direction,
    noise: float = ALPHA_NOISE,
) -> list[Candidate]:
    """Return the candidates, the closest to the zone first.

    Order: distance to the zone in steps of `noise`; within a step the objective decides, then the
    number. A trial whose α could not be fitted comes after all others, unless the zone is open at
    both ends: then the objective alone decides.

    Args:
        candidates: measured at one and the same epoch, each with a finite objective.
        zone: where α should lie.
        direction: of the objective.
        noise: α that differ by less than a step count as equal; 0 for no steps.

    Source:
        zone: control limits in the α-ReQ authors' code. Inside it they take the α nearest to 1;
        the objective chose better wherever we looked (`benchmarks/`).

    >>> a, b = Candidate(0, 9, 5.0, 1.01, 0.4), Candidate(1, 9, 9.0, 1.15, 0.4)
    >>> [c.number for c in by_closeness([a, b], zone=Zone(0.8, 1.2), direction="maximize")]
    [1, 0]
    """
    sign = -1.0 if direction == "maximize" else 1.0

    def order(candidate: Candidate) -> tuple[float, float, int]:
        far = 0.0 if zone == EVERYWHERE else zone.distance(candidate.alpha)
        far = math.inf if math.isnan(far) else far
        return (noise_step(far, noise), sign * candidate.objective, candidate.number)

    return sorted(candidates, key=order)
