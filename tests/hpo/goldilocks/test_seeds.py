"""How far one configuration differs from seed to seed."""

import itertools
import math

import pytest

from hpo.goldilocks import seed_spread


def test_the_spread_is_pooled_over_configurations() -> None:
    """Against the definition of a two-group pooled variance, with other numbers of seeds."""
    one, other = [1.0, 2.0, 4.0], [10.0, 10.5]

    def variance(own: list[float]) -> float:
        pairs = itertools.product(own, own)
        return sum((a - b) ** 2 for a, b in pairs) / (2 * len(own) * (len(own) - 1))

    pooled = (2 * variance(one) + 1 * variance(other)) / 3
    assert seed_spread({0: one, 1: other, 2: [99.0]}) == pytest.approx(math.sqrt(pooled))
    assert seed_spread({0: [1.0], 1: [2.0]}) is None
    assert seed_spread({}) is None
