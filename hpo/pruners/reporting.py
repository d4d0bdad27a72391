"""Reporting a rung from a training loop of one's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

import optuna

from hpo.history import Finding
from hpo.ordering import FINDING
from hpo.record import RUNG


def report_rung(
    trial: optuna.Trial,
    epoch: int,
    objective: float,
    values: Mapping[str, float] | None = None,
    finding: Finding | None = None,
) -> None:
    """Report what a trial was measured as, so that pruners can judge by more than one value.

    An epoch that was reported before stays as it was: a resumed trial may repeat itself.

    Args:
        trial: the running trial.
        epoch: of the rung, >= 0.
        objective: the study's objective there; nan where it has none.
        values: further measures by name, for pruners with a `measure`.
        finding: the collapse that was seen, if any: see `hpo.pruning.findings`.

    >>> study = optuna.create_study()
    >>> trial = study.ask()
    >>> report_rung(trial, 6, 41.5, {"alpha_req": 1.1})
    >>> study.trials[0].user_attrs["rung/6"]
    {'alpha_req': 1.1}
    """
    known = trial.study.get_trials(deepcopy=False)[trial.number]
    if epoch in known.intermediate_values:
        return
    # Attributes first: whoever sees the value must already see what it means.
    if values:
        trial.set_user_attr(f"{RUNG}{epoch}", dict(values))
    if finding is not None:
        trial.set_user_attr(f"{FINDING}{epoch}", asdict(finding))
    trial.report(objective, step=epoch)
