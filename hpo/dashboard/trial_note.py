"""What a trial's note says: how it ended and why, and what was measured at each rung."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hpo.budget import format_duration
from hpo.dashboard.notes import plain, table
from hpo.record import RUNG, TrialRow

_SHOWN = {
    "alpha_req": "α (backbone)",
    "alpha_r_squared": "R² of α",
    "moved": "moved",
    "rankme": "RankMe",
    "lidar": "LiDAR",
    "view_retrieval": "view retrieval",
    "ssl_loss": "loss",
}


@dataclass(frozen=True)
class TrialFacts:
    """All that a trial's note is made of.

    Args:
        row: the trial.
        rungs: its measures by epoch.
        objective: name of the measure that is optimised.
        n_epochs: of a whole trial.
        held: hyperparameters that were not searched.
        chosen: why it was chosen; empty for every other trial.
        excluded: why it was not shortlisted; empty where it was, or nobody has decided.
    """

    row: TrialRow
    rungs: Mapping[int, Mapping[str, float]]
    objective: str
    n_epochs: int
    held: Mapping[str, Any]
    chosen: str = ""
    excluded: str = ""


def facts_of(row: TrialRow, attrs: Mapping[str, Any], study_attrs: Mapping[str, Any]) -> TrialFacts:
    """Collect what a trial's note is made of.

    Args:
        row: the trial.
        attrs: its user attributes.
        study_attrs: the study's.
    """
    config: Mapping[str, Any] = study_attrs.get("config", {})
    choice: Mapping[str, Any] = study_attrs.get("choice", {})
    listed: Mapping[str, Any] = study_attrs.get("shortlist", {})
    return TrialFacts(
        row=row,
        rungs={epoch: attrs[f"{RUNG}{epoch}"] for epoch in row.rungs},
        objective=str(config.get("objective", "objective")),
        n_epochs=int(config.get("epochs", row.epoch)),
        held={k: v for k, v in row.hyperparameters.items() if k in config.get("fix", {})},
        chosen=str(choice["reason"]) if choice.get("number") == row.number else "",
        excluded=str(listed.get("excluded", {}).get(str(row.number), "")),
    )


def trial_note(facts: TrialFacts, picture: str = "") -> str:
    """Write the note of a trial in markdown.

    Args:
        facts: about it.
        picture: where the dashboard serves its spectrum; empty for none.
    """
    row = facts.row
    lines = [_headline(facts)]
    if facts.chosen:
        lines.append(f"**Chosen**: {plain(facts.chosen)}")
    elif facts.excluded:
        lines.append(f"Not shortlisted: {plain(facts.excluded)}")
    if row.replicate_of is not None:
        seed = "" if row.seed is None else f" under seed {row.seed}"
        lines.append(f"Trial {row.replicate_of} again{seed}; never compared with other trials.")
    if facts.rungs:
        lines.append(_measures(facts))
    if picture:
        lines.append(f"![spectrum: start optuna-dashboard with --artifact-dir]({picture})")
    if row.probe:
        accuracy = _number(row.probe.get("cross_validated", math.nan))
        lines.append(f"Linear probe, cross-validated accuracy: {accuracy}")
    if facts.held:
        lines.append(
            "Fixed: " + ", ".join(f"{plain(k)} {plain(str(v))}" for k, v in facts.held.items())
        )
    if row.seconds:
        epochs, spent = f"{row.spent_epochs:.4g}", format_duration(row.seconds)
        lines.append(f"{epochs} epochs trained, {spent}")
    return "\n\n".join(lines)


def _headline(facts: TrialFacts) -> str:
    row = facts.row
    where = f" at epoch {row.epoch} of {facts.n_epochs}" if row.epoch else ""
    why = f": {plain(row.reason)}" if row.reason else ""
    return f"**{row.state}**{where}{why}"


def _measures(facts: TrialFacts) -> str:
    """A row a measure, a column a rung."""
    names = {facts.objective: f"**{plain(facts.objective)}**"}
    names |= {k: v for k, v in _SHOWN.items() if k not in names}
    epochs = sorted(facts.rungs)
    rows = [
        [shown, *(_number(facts.rungs[epoch].get(name, math.nan)) for epoch in epochs)]
        for name, shown in names.items()
        if any(name in facts.rungs[epoch] for epoch in epochs)
    ]
    return table(["epoch", *map(str, epochs)], rows)


def _number(value: float) -> str:
    return f"{value:.3g}" if math.isfinite(value) else "–"
