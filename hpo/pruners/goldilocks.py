"""Stops trials whose α is not in the Goldilocks zone, in any Optuna study."""

from __future__ import annotations

import math

import optuna

from hpo.errors import ConfigError
from hpo.history import Rule
from hpo.pruners.rule_pruner import RulePruner
from hpo.pruning import Zone, ZoneRule


class WrongTypeError(ConfigError, TypeError):
    """Raised where Optuna's `ThresholdPruner` raises a TypeError."""


class GoldilocksPruner(RulePruner):
    """Stops a trial whose value is outside a zone, or too far outside beside its peers'.

    With `lower` and `upper` alone it does as `optuna.pruners.ThresholdPruner`, except that no
    infinite value is in a zone. To optimise one measure and prune on α, name it:
    `GoldilocksPruner(zone=GOLDILOCKS, measure="alpha_req", share=2 / 3)`.

    Args:
        lower: lower end of the zone; None for an open one.
        upper: upper end; likewise.
        n_warmup_steps: nobody is stopped before this epoch, >= 0.
        interval_steps: epochs from check to check, >= 1; a check without a report is put off to
            the next one.
        zone: instead of `lower` and `upper`.
        measure: what the zone is of, by its name in `report_rung`; None for the reported value.
        share: this share of the trials at the rung goes on, the closest to the zone; None: whoever
            is outside stops.
        min_peers: with fewer others at the rung `share` stops nobody there, >= 0.
        last_epoch: from this epoch on a trial is finished; None for never.
        noise: whoever is closer than this ties, >= 0.
        explore_share: this share of all trials goes on wherever its value lies, in [0, 1].
        seed: shifts who explores.
        adaptive: whether the zone is learned from the study's attributes `probe/{number}`,
            `{"cross_validated": accuracy}`: see `hpo.pruning.learn_zone`.
        min_evidence: with fewer probes the zone stays as it is given, >= 1.

    Raises:
        WrongTypeError: for a missing zone or an end that is no number.
        ConfigError: for an argument out of its range.

    >>> study = optuna.create_study(pruner=GoldilocksPruner(0.8, 1.2))
    >>> trial = study.ask()
    >>> trial.report(2.1, step=6)
    >>> trial.should_prune(), study.trials[0].user_attrs["outcome"]["reason"]
    (True, 'the value 2.10 is 0.90 outside the zone [0.8, 1.2] at epoch 6')
    """

    def __init__(
        self,
        lower: float | None = None,
        upper: float | None = None,
        n_warmup_steps: int = 0,
        interval_steps: int = 1,
        *,
        zone: Zone | None = None,
        measure: str | None = None,
        share: float | None = None,
        min_peers: int = 3,
        last_epoch: int | None = None,
        noise: float = 0.05,
        explore_share: float = 0.0,
        seed: int = 0,
        adaptive: bool = False,
        min_evidence: int = 6,
    ) -> None:
        super().__init__(measure)
        self._rule = ZoneRule(
            measure=measure,
            zone=_zone(lower, upper, zone),
            share=share,
            min_peers=min_peers,
            last_epoch=last_epoch,
            n_warmup_steps=n_warmup_steps,
            interval_steps=interval_steps,
            noise=noise,
            explore_share=explore_share,
            seed=seed,
            adaptive=adaptive,
            min_evidence=min_evidence,
        )

    def rule(self, study: optuna.Study) -> Rule:
        """Return the rule; it is the same for all studies."""
        return self._rule


def _zone(lower: float | None, upper: float | None, zone: Zone | None) -> Zone:
    if zone is not None:
        if lower is not None or upper is not None:
            raise ConfigError("zone: got lower or upper beside it; wanted one or the other.")
        return zone
    if lower is None and upper is None:
        raise WrongTypeError(
            "zone: got neither it nor lower nor upper; wanted one of them, as in "
            "zone=hpo.pruning.GOLDILOCKS, measure='alpha_req'."
        )
    return Zone(_end("lower", lower, -math.inf), _end("upper", upper, math.inf))


def _end(name: str, value: float | None, missing: float) -> float:
    if value is None:
        return missing
    try:
        return float(value)
    except (TypeError, ValueError):
        raise WrongTypeError(f"{name}: got {value!r}; wanted a number.") from None
