"""How many probes a round may spend."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpo.errors import ConfigError
from hpo.goldilocks import probe_quota
from tests.hpo.goldilocks.made import QUICK


def test_the_first_round_may_probe_a_whole_batch() -> None:
    assert [probe_quota(1, batch, 0) for batch in (1, 4, 10)] == [1, 4, 10]


def test_rounds_that_use_all_they_may() -> None:
    n_probed, quotas = 0, []
    for h in range(1, 9):
        quotas.append(probe_quota(h, 4, n_probed))
        n_probed += quotas[-1]
    # 4 (ln h + 1), rounded down: 4, 6, 8, 9, 10, 11, 11, 12.
    assert quotas == [4, 2, 2, 1, 1, 1, 0, 1]


@QUICK
@given(
    batch=st.integers(1, 20),
    wishes=st.lists(st.integers(0, 30), min_size=1, max_size=40),
)
def test_whatever_is_asked_for_the_sum_stays_within_the_bound(
    batch: int, wishes: list[int]
) -> None:
    n_probed = 0
    for h, wish in enumerate(wishes, start=1):
        quota = probe_quota(h, batch, n_probed)
        assert quota >= 0
        n_probed += min(wish, quota)
        assert n_probed <= batch * (math.log(h) + 1)


def test_whoever_spent_too_much_gets_nothing_rather_than_less() -> None:
    assert probe_quota(1, 4, 9) == 0


def test_rounds_and_batches_are_counted_from_one() -> None:
    with pytest.raises(ConfigError, match="n_rounds: got 0"):
        probe_quota(0, 4, 0)
    with pytest.raises(ConfigError, match="probe_batch: got 0"):
        probe_quota(1, 0, 0)
