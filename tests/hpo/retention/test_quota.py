"""The quota of checkpoints."""

from __future__ import annotations

import re

import pytest

from hpo.errors import ConfigError
from hpo.retention import GIB, check_quota, over_quota, smallest_quota_bytes


@pytest.mark.parametrize(
    ("quota_bytes", "gone"), [(None, []), (300, []), (299, [3]), (200, [3]), (199, [3, 2])]
)
def test_the_last_go_first_and_no_more_than_has_to(
    quota_bytes: int | None, gone: list[int]
) -> None:
    assert list(over_quota({1: 100, 2: 100, 3: 100}, {}, quota_bytes)) == gone


def test_what_has_no_file_frees_nothing() -> None:
    assert list(over_quota({1: 100, 2: 100, 3: 0}, {}, 100)) == [2]


def test_before_any_training_a_quota_is_checked_for_all_workers() -> None:
    smallest = smallest_quota_bytes(2 * GIB, n_workers=3)
    check_quota(None, checkpoint_bytes=2 * GIB, n_workers=3)
    check_quota(smallest, checkpoint_bytes=2 * GIB, n_workers=3)
    with pytest.raises(ConfigError) as refused:
        check_quota(smallest - 1, checkpoint_bytes=2 * GIB, n_workers=3)
    assert "wanted at least 16.0079 for 3 trial(s) at once" in str(refused.value)


def test_the_quota_that_an_error_names_is_enough() -> None:
    with pytest.raises(ConfigError) as refused:
        check_quota(1, checkpoint_bytes=123_456_789, n_workers=2)
    named = re.search(r"--checkpoint-gib (\S+)", str(refused.value))
    assert named is not None
    check_quota(int(float(named[1]) * GIB), checkpoint_bytes=123_456_789, n_workers=2)
