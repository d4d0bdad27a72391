"""How many probes the rounds of the filter may spend."""

from __future__ import annotations

import math

from hpo.errors import ConfigError


def probe_quota(n_rounds: int, batch: int, n_probed: int) -> int:
    """How many more probes a round may spend.

        ⌊M (ln h + 1)⌋ − probes spent before it

    Without a filter, h rounds of M candidates are M · h probes. The authors' simulation probes a
    share of about 1/h of round h; summed over the rounds that is M (1 + 1/2 + … + 1/h), which is
    never more than M (ln h + 1).

    Args:
        n_rounds: the number h of the round, counted from 1.
        batch: the candidates M of a round, >= 1.
        n_probed: trials probed in all rounds before it, >= 0.

    Returns:
        At least 0. After this round no more than M (ln h + 1) trials were probed.

    Raises:
        ConfigError: for a round or a batch below 1.

    Source:
        The rounds: model selection in github.com/kumarkrishna/fastssl (Agrawal et al. 2022).

    >>> probe_quota(1, 4, 0), probe_quota(2, 4, 4), probe_quota(8, 4, 10)
    (4, 2, 2)
    """
    if n_rounds < 1:
        raise ConfigError(f"n_rounds: got {n_rounds}; wanted at least 1: rounds count from 1.")
    if batch < 1:
        raise ConfigError(f"probe_batch: got {batch}; wanted at least 1 trial a round.")
    return max(0, math.floor(batch * (math.log(n_rounds) + 1.0)) - n_probed)
