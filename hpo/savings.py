"""What stopping trials early saved, pure: against training every started trial to its end."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hpo.budget import Spend
from hpo.record import TrialRow

EARLY = {"collapse": "collapsed", "zone": "out of zone", "halving": "pruned"}


@dataclass(frozen=True)
class Savings:
    """What was saved.

    Args:
        by: what each kind of stop saved, by "collapse", "zone" and "halving"; its seconds are of
            training alone, at the trial's own rate.
        all_to_the_end: what all started trials take when each is trained to its end.
    """

    by: Mapping[str, Spend] = field(default_factory=dict)
    all_to_the_end: Spend = field(default_factory=Spend)

    @property
    def total(self) -> Spend:
        """What all kinds of stops saved together."""
        return sum(self.by.values(), Spend())

    def share(self, kind: str | None = None) -> float:
        """Return the saved share of the epochs, in [0, 1).

        Args:
            kind: of stop; None for all.
        """
        saved = self.total if kind is None else self.by.get(kind, Spend())
        return saved.epochs / self.all_to_the_end.epochs if self.all_to_the_end.epochs else 0.0


def savings_of(
    rows: Sequence[TrialRow], *, n_epochs: int, images_per_epoch: float = 0.0, n_devices: int = 1
) -> Savings:
    """Compute what early stops saved.

    Replicates are left out, and so are trials that a budget, an error or a kill ended: nobody
    decided that the rest of them was not worth its price.

    Args:
        rows: all trials.
        n_epochs: of a whole trial, >= 1.
        images_per_epoch: that a trial trains on; 0 where only the trials tell.
        n_devices: that each trial trains on.

    >>> row = TrialRow(0, "pruned", 6, 1.0, {}, "", 12.0, 1.0, {}, images_per_second=50.0)
    >>> savings_of([row], n_epochs=18).by["halving"]
    ... # doctest: +NORMALIZE_WHITESPACE
    Spend(wall_seconds=0.0, device_seconds=24.0, epochs=12.0, images=1200.0, probe_seconds=0.0)
    """
    trials = [row for row in rows if row.replicate_of is None and row.state != "waiting"]
    per_epoch = images_per_epoch or _images_per_epoch(trials)
    done = {row.number: useful_epochs(row, per_epoch) for row in trials}
    rates = {
        row.number: row.train_seconds / done[row.number]
        for row in trials
        if done[row.number] and row.train_seconds
    }
    usual = statistics.median(rates.values()) if rates else 0.0
    by: dict[str, Spend] = {}
    for kind, state in EARLY.items():
        for row in trials:
            if row.state == state:
                left = max(0.0, n_epochs - done[row.number])
                seconds = left * rates.get(row.number, usual) * n_devices
                saved = Spend(device_seconds=seconds, epochs=left, images=left * per_epoch)
                by[kind] = by.get(kind, Spend()) + saved
    epochs = float(n_epochs * len(trials))
    seconds = n_epochs * n_devices * sum(rates.get(row.number, usual) for row in trials)
    whole = Spend(device_seconds=seconds, epochs=epochs, images=epochs * per_epoch)
    return Savings(by, whole)


def useful_epochs(row: TrialRow, images_per_epoch: float) -> float:
    """Return the epochs behind a trial's last record: those it has spent, less what kills lost.

    Args:
        row: the trial.
        images_per_epoch: that it trains on; 0 when unknown.
    """
    if not row.n_images or not images_per_epoch:
        return float(row.epoch)
    return max(float(row.epoch), min(row.n_images / images_per_epoch, row.spent_epochs))


def _images_per_epoch(rows: Sequence[TrialRow]) -> float:
    """What trials tell of it: it is the same for all; 0 when they tell nothing."""
    known = [row.spent_images / row.spent_epochs for row in rows if row.spent_epochs > 0]
    return statistics.median([images for images in known if images] or [0.0])
