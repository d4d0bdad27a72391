"""What a study has spent and claimed, over all its processes; the study itself is the record."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any, Protocol

import optuna
from optuna.trial import FrozenTrial

from hpo.budget import COUNTS, Budget, Spend
from hpo.decision import Decision
from hpo.ordering import PROBE
from hpo.record import RUNG, RUNG_PROBE, SPENT

CLAIMED = "claimed"  # trial attribute: what it will have spent at the rung it is on its way to
REPLICATE_OF = "replicate_of"  # trial attribute: number of the trial that it repeats

_WRITE_EVERY_SECONDS = 2.0
_READ_EVERY_SECONDS = 1.0
_READ_AT_LEAST_EVERY_SECONDS = 10.0
_READING_SHARE = 0.02  # of a process's time, for looking at what others spent


class Timed(Protocol):
    """Whatever knows how much wall time a study has taken."""

    @property
    def seconds(self) -> float:
        """Seconds so far, over all sessions."""
        ...


class Ledger:
    """What a study has spent, and who may spend more; every process has its own.

    Epochs and images are claimed: a trial first writes what it will have spent at its next rung,
    then reads what all others have written, and takes its claim back if the sum is over a limit.
    Of two processes that claim at once, the one that writes last sees the other, so that no limit
    is exceeded. Both may see each other and step back; `lock` keeps them apart.

    Args:
        study: of this process, on the storage that all share.
        budget: what may be spent.
        clock: the study's wall time.
        n_devices: devices that a trial trains on; a fraction where several trials share one.
        images_per_epoch: training images of an epoch.
        lock: held while a claim is made, where processes can hold one together.
    """

    def __init__(
        self,
        study: optuna.Study,
        budget: Budget,
        clock: Timed,
        *,
        n_devices: float = 1,
        images_per_epoch: int = 0,
        lock: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        self._study, self._budget, self._clock, self._lock = study, budget, clock, lock
        self._n_devices, self._images_per_epoch = n_devices, images_per_epoch
        self._pending: dict[int, Spend] = {}  # by trial, not yet written
        self._written: dict[int, float] = {}
        self._rungs: list[dict[int, float]] = []
        self._stored, self._stale_at = Spend(), -1e9

    @property
    def budget(self) -> Budget:
        """The budget, with what a whole trial costs as far as was known at the last reading."""
        return self._budget

    def spend(self, *, fresh: bool = False) -> Spend:
        """Return what the whole study has spent: replicates, probes and lost work included.

        Epochs and images are with what trials have claimed.

        Args:
            fresh: whether to read the storage now; else a reading may be a second old.
        """
        if fresh or time.monotonic() >= self._stale_at:
            self._read()
        stored = self._stored
        for pending in self._pending.values():
            stored = replace(stored, device_seconds=stored.device_seconds + pending.device_seconds)
        return replace(stored, wall_seconds=self._clock.seconds)

    def decision(self, searching: bool) -> Decision:
        """Say whether the time that may be taken is spent; cheap enough for every step.

        Args:
            searching: whether by the search, or by everything together.
        """
        spend = self.spend()
        if searching:
            return self.budget.search_decision(spend)
        return self._budget.total_decision(spend)

    def claim(self, trial: optuna.Trial, epoch: int, *, done: int | None = None) -> Decision:
        """Claim the way to a rung; call it before training towards it.

        Args:
            trial: that wants to train on.
            epoch: of the rung.
            done: epochs that need no training any more; those of its last measured rung by
                default.

        Returns:
            Going on, or a stop, after which nothing is claimed.
        """
        self._write(trial)
        attrs = self._attrs(trial)
        if done is None:
            done = max((r for r in _rungs(attrs) if r < epoch), default=0)
        cost, spent = self.exact_cost(done, epoch), _spend_of(attrs.get(SPENT, {}))
        replicate = REPLICATE_OF in attrs
        if not self._counting():
            return self.budget.claim_decision(self.spend(fresh=True), cost, replicate=replicate)
        with self._lock():
            self._set_claim(trial, spent + cost)
            others = self.spend(fresh=True) - cost
            decision = self.budget.claim_decision(others, cost, replicate=replicate)
            if decision.stop:
                self._set_claim(trial, spent)
        return decision

    def record(
        self,
        trial: optuna.Trial,
        *,
        epochs: float,
        images: int,
        device_seconds: float,
        force: bool = False,
    ) -> None:
        """Add to what a trial has spent.

        It is written at most every two seconds, which is what a killed process loses at most if
        this is called after every step.

        Args:
            trial: the running trial.
            epochs: trained since the last call.
            images: trained on, likewise.
            device_seconds: that each of its devices was in use, likewise.
            force: whether to write now: at a rung, and before the trial ends.
        """
        more = Spend(
            device_seconds=device_seconds * self._n_devices, epochs=epochs, images=float(images)
        )
        number = trial.number
        self._pending[number] = self._pending.get(number, Spend()) + more
        due = self._written.setdefault(number, time.monotonic()) + _WRITE_EVERY_SECONDS
        if force or time.monotonic() >= due:
            self._write(trial)

    def record_images(self, trial: optuna.Trial, n_images: int, *, device_seconds: float) -> None:
        """Add a step to what a trial has spent; epochs go by the images that they have.

        Args:
            trial: the running trial.
            n_images: trained on in the step.
            device_seconds: that it took each of its devices.
        """
        epochs = n_images / self._images_per_epoch if self._images_per_epoch else 0.0
        self.record(trial, epochs=epochs, images=n_images, device_seconds=device_seconds)

    def exact_cost(self, start: int, end: int) -> Spend:
        """Return the epochs and images of training from one epoch to another."""
        epochs = float(end - start)
        return Spend(epochs=epochs, images=epochs * self._images_per_epoch)

    def rung_cost(self, start: int, end: int) -> Spend:
        """Return what a trial costs from one epoch to another, its measures included.

        Epochs and images are exact. Time is the median of what that way took earlier trials, or
        at the median rate of all of them where none has gone it; 0 while there is no rate.
        """
        if time.monotonic() >= self._stale_at:
            self._read()
        seconds = _seconds_between(self._rungs, start, end)
        return self.exact_cost(start, end) + Spend(
            wall_seconds=seconds, device_seconds=seconds * self._n_devices
        )

    def _counting(self) -> bool:
        return any(unit in self._budget.limits.units for unit in COUNTS)

    def _set_claim(self, trial: optuna.Trial, total: Spend) -> None:
        claim = {"epochs": round(total.epochs, 6), "images": round(total.images)}
        trial.set_user_attr(CLAIMED, claim)

    def _attrs(self, trial: optuna.Trial) -> dict[str, Any]:
        # From the storage: an earlier attempt may have been another process's.
        stored = trial.study._storage.get_trial(trial._trial_id)
        return stored.user_attrs

    def _write(self, trial: optuna.Trial) -> None:
        self._written[trial.number] = time.monotonic()
        pending = self._pending.get(trial.number, Spend())
        if pending == Spend():
            return
        total = _spend_of(self._attrs(trial).get(SPENT, {})) + pending
        trial.set_user_attr(
            SPENT,
            {
                "epochs": round(total.epochs, 9),
                "images": round(total.images),
                "device_seconds": total.device_seconds,
            },
        )
        self._pending.pop(trial.number)
        self._stored = replace(
            self._stored,
            device_seconds=self._stored.device_seconds + pending.device_seconds,
        )

    def _read(self) -> None:
        started = time.monotonic()
        trials = self._study.get_trials(deepcopy=False)
        probed = probe_seconds(self._study.user_attrs)
        on_probes = Spend(device_seconds=probed, probe_seconds=probed)
        self._stored = on_probes + spend_of_trials(trials)
        self._rungs = [_rungs(trial.user_attrs) for trial in trials]
        now = time.monotonic()
        pause = max(_READ_EVERY_SECONDS, (now - started) / _READING_SHARE)
        self._stale_at = now + min(pause, _READ_AT_LEAST_EVERY_SECONDS)
        n_epochs = self._budget.whole.epochs
        self._budget = self._budget.knowing(self.rung_cost(0, round(n_epochs)))


def spend_of_trials(trials: Iterable[FrozenTrial]) -> Spend:
    """Sum what trials have spent; one that has not ended counts with what it has claimed."""
    total = Spend()
    for trial in trials:
        spent = _spend_of(trial.user_attrs.get(SPENT, {}))
        if not trial.state.is_finished():
            claimed = _spend_of(trial.user_attrs.get(CLAIMED, {}))
            spent = replace(
                spent,
                epochs=max(spent.epochs, claimed.epochs),
                images=max(spent.images, claimed.images),
            )
        total += spent
    return total


def probe_seconds(study_attrs: Mapping[str, Any]) -> float:
    """Sum the seconds that all probes of a study have taken, those on the way included.

    >>> probe_seconds({"probe/1": {"seconds": 2.0}, "rung_probe/1/6": {"seconds": 0.5}})
    2.5
    """
    return sum(
        float(record.get("seconds", 0.0))
        for key, record in study_attrs.items()
        if key.startswith((PROBE, RUNG_PROBE))
    )


def _spend_of(record: Mapping[str, float]) -> Spend:
    return Spend(
        device_seconds=float(record.get("device_seconds", 0.0)),
        epochs=float(record.get("epochs", 0.0)),
        images=float(record.get("images", 0.0)),
    )


def _rungs(attrs: Mapping[str, Any]) -> dict[int, float]:
    """Seconds that a trial had worked when it was at each of its rungs; nan where unknown."""
    return {
        int(key.removeprefix(RUNG)): float(values.get("seconds", "nan"))
        for key, values in attrs.items()
        if key.startswith(RUNG)
    }


def _seconds_between(trials: Iterable[Mapping[int, float]], start: int, end: int) -> float:
    """Median seconds from one epoch to another; at the median rate where no trial did both."""
    known = [{0: 0.0, **{e: s for e, s in rungs.items() if s == s}} for rungs in trials]
    between = [rungs[end] - rungs[start] for rungs in known if {start, end} <= rungs.keys()]
    if between:
        return statistics.median(between)
    rates = [max(r.items())[1] / max(r) for r in known if max(r) > 0]
    return (end - start) * statistics.median(rates) if rates else 0.0


__all__ = [
    "CLAIMED",
    "REPLICATE_OF",
    "SPENT",
    "Ledger",
    "Timed",
    "probe_seconds",
    "spend_of_trials",
]
