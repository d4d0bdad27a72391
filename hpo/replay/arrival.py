"""Other orders in which the same trials could have come."""

from __future__ import annotations

import heapq
import math
import random
from collections import defaultdict

from hpo.errors import ConfigError
from hpo.replay.events import Event, Report
from hpo.replay.recording import Recording

_MOST_UNKNOWN = 0.05  # share of the trials whose training a rule or the budget cut short


def check_whole(recording: Recording) -> None:
    """Refuse a record in which too many trials were cut short to know what they would have done.

    Raises:
        ConfigError: when more than 1 in 20 were stopped by a rule that compares trials, or by the
            budget. Collapsed ones are no obstacle: what they would have done is known.
    """
    cut = [r for r in recording.trials.values() if r.end in ("zone", "halving", "budget", "pruned")]
    if len(cut) > _MOST_UNKNOWN * len(recording.trials):
        raise ConfigError(
            f"shuffles: {len(cut)} of {len(recording.trials)} trials were cut short in this study, "
            "so what they would have done in another order is unknown; at most 1 in 20 may be. "
            "Give a study that was run with --no-prune and --no-filter."
        )


def shuffled(recording: Recording, rng: random.Random) -> tuple[Event, ...]:
    """Return the same events as if the trials had been started in another order.

    As many trials run at once as in the study, each at its own recorded pace; all events of a
    trial keep their order, and its probe follows its end.

    Args:
        recording: a study that was run without pruning.
        rng: draws the order.
    """
    by_trial = defaultdict[int, list[Event]](list)
    for event in recording.events:
        by_trial[event.trial].append(event)
    order = sorted(by_trial)
    rng.shuffle(order)
    free = [(0.0, worker) for worker in range(recording.n_workers)]
    timed: list[tuple[float, int, int, Event]] = []
    for trial in order:
        start, worker = heapq.heappop(free)
        now = 0.0
        for event in by_trial[trial]:
            if isinstance(event, Report):
                now = max(now, _seconds(recording, event))
            timed.append((start + now, worker, len(timed), event))
        heapq.heappush(free, (start + now, worker))
    return tuple(event for *_, event in sorted(timed, key=lambda entry: entry[:3]))


def _seconds(recording: Recording, report: Report) -> float:
    """Seconds from a trial's start to a report."""
    epoch = report.reading.epoch
    seconds = recording.trials[report.trial].at_rung[epoch].device_seconds
    # Without a record of time, an epoch takes as long as any other.
    return seconds if math.isfinite(seconds) else float(epoch)
