"""The Goldilocks filter at a rung: who lies too far from the zone stops."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hpo.decision import GO_ON, Decision
from hpo.errors import ConfigError
from hpo.history import History, Reading
from hpo.pruning.interval import check_interval, is_due
from hpo.pruning.zone import EVERYWHERE, GOLDILOCKS, Zone, explores, learn_zone, noise_step


@dataclass(frozen=True)
class ZoneRule:
    """Stops a trial whose α is outside the zone, or too far outside beside its peers'.

    Args:
        measure: what the zone is of, by its name in the readings; None for the reported value.
        zone: where α is as it should be.
        share: this share of the trials at the rung, the closest to the zone and rounded up, goes
            on, in (0, 1]; those inside always do. None: whoever is outside stops.
        min_peers: with fewer others at the rung `share` stops nobody there, >= 0.
        last_epoch: from this epoch on a trial is finished; None for never.
        n_warmup_steps: nobody is stopped before this epoch, >= 0.
        interval_steps: epochs from check to check, >= 1: see `is_due`.
        noise: α differs this much between seeds; whoever is closer than that ties, >= 0.
        explore_share: this share of all trials goes on wherever its α lies, in [0, 1].
        seed: shifts who explores.
        adaptive: whether the zone is learned from the probes so far, from their α at this very
            epoch: it changes with training.
        min_evidence: with fewer probes `zone` itself is used, >= 1.

    Raises:
        ConfigError: for an argument out of its range.

    Source:
        the zone: Agrawal et al. 2022 (α-ReQ).
    """

    measure: str | None = "alpha_req"
    zone: Zone = GOLDILOCKS
    share: float | None = None
    min_peers: int = 3
    last_epoch: int | None = None
    n_warmup_steps: int = 0
    interval_steps: int = 1
    noise: float = 0.05
    explore_share: float = 0.0
    seed: int = 0
    adaptive: bool = False
    min_evidence: int = 6

    def __post_init__(self) -> None:
        if self.share is not None and not 0 < self.share <= 1:
            raise ConfigError(f"share: got {self.share:g}; wanted above 0, and at most 1.")
        if self.min_peers < 0:
            raise ConfigError(f"min_peers: got {self.min_peers}; wanted at least 0.")
        check_interval(n_warmup_steps=self.n_warmup_steps, interval_steps=self.interval_steps)
        # The functions that use them check the rest, here and not at the first report.
        explores(0, self.explore_share)
        learn_zone((), self.zone, min_evidence=self.min_evidence, noise=self.noise)

    def decide(self, reading: Reading, history: History) -> Decision:
        """Judge a trial by its newest reading.

        Returns:
            A stop of kind "zone", or going on; for an exploring trial with the reason. A value
            that is not finite cannot be judged and stops, and counts for nothing in others'
            verdicts. A zone that is open at both ends stops nobody.
        """
        if not self._is_due(reading, history):
            return GO_ON
        value = reading.value(self.measure)
        zone = self.zone_at(reading.epoch, history)
        if zone == EVERYWHERE:
            return GO_ON
        if not math.isfinite(value):
            reason = f"{self._name} is {value} at epoch {reading.epoch}: it cannot be placed"
            return Decision(True, f"{reason}; wanted in {zone}", "zone", _evidence(value, zone))
        if zone.contains(value):
            return GO_ON
        outside = f"{self._outside(value, zone)} at epoch {reading.epoch}"
        if explores(reading.trial, self.explore_share, self.seed):
            return Decision(False, f"{outside}; goes on all the same, to explore")
        if self.share is None:
            reason = outside + self._left(reading, zone, history)
            return Decision(True, reason, "zone", _evidence(value, zone))
        return self._among_peers(reading, value, zone, history)

    def zone_at(self, epoch: int, history: History) -> Zone:
        """Return the zone that holds at an epoch: `zone`, or what the probes have taught."""
        if not self.adaptive:
            return self.zone
        evidence = [
            (reading.value(self.measure), history.probed[reading.trial])
            for reading in history.readings
            if reading.epoch == epoch and reading.trial in history.probed
        ]
        return learn_zone(evidence, self.zone, min_evidence=self.min_evidence, noise=self.noise)

    def _among_peers(
        self, reading: Reading, value: float, zone: Zone, history: History
    ) -> Decision:
        values = [peer.value(self.measure) for peer in history.peers(reading)]
        finite = [peer for peer in values if math.isfinite(peer)]
        if self.share is None or len(finite) < self.min_peers:
            return GO_ON
        n_trials = len(finite) + 1
        # The small step keeps a product that is whole from being rounded up by its last bit.
        n_kept = max(1, math.ceil(self.share * n_trials - 1e-9))
        own = self._far(value, zone)
        place = 1 + sum(self._far(peer, zone) < own for peer in finite)
        if place <= n_kept:
            return GO_ON
        return Decision(
            True,
            f"{self._outside(value, zone)}, place {place} of {n_trials} at epoch {reading.epoch}; "
            f"the best {n_kept} go on{self._left(reading, zone, history)}",
            "zone",
            {**_evidence(value, zone), "place": place, "n": n_trials},
        )

    def _far(self, value: float, zone: Zone) -> float:
        """Return the distance from the zone in whole steps of the noise."""
        return noise_step(zone.distance(value), self.noise)

    def _is_due(self, reading: Reading, history: History) -> bool:
        if self.last_epoch is not None and reading.epoch >= self.last_epoch:
            return False
        return is_due(
            reading.epoch,
            [other.epoch for other in history.of(reading.trial)],
            n_warmup_steps=self.n_warmup_steps,
            interval_steps=self.interval_steps,
        )

    def _outside(self, value: float, zone: Zone) -> str:
        return f"{self._name} {value:.2f} is {zone.distance(value):.2f} outside the zone {zone}"

    def _left(self, reading: Reading, zone: Zone, history: History) -> str:
        """Say when a trial that left the zone was last inside it."""
        inside = [
            earlier.epoch
            for earlier in history.of(reading.trial)
            if earlier.epoch < reading.epoch and zone.contains(earlier.value(self.measure))
        ]
        return f"; it left the zone after epoch {inside[-1]}" if inside else ""

    @property
    def _name(self) -> str:
        return {"alpha_req": "α", None: "the value"}.get(self.measure, str(self.measure))


def _evidence(value: float, zone: Zone) -> dict[str, float | int | str]:
    """The figures; what is not finite as a word, which JSON can hold and which equals itself."""
    figures = {
        "value": value,
        "zone_low": zone.low,
        "zone_high": zone.high,
        "distance": zone.distance(value),
    }
    return {name: f if math.isfinite(f) else str(f) for name, f in figures.items()}
