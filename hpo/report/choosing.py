"""Lines of a report about the choice: the chosen trial, the shortlist, rounds and the probe."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from hpo.counted import counted, trials
from hpo.export import CARD_NAME, WEIGHTS_NAME
from hpo.goldilocks import EVERYWHERE, Round
from hpo.ordering import PROBE, ROUND
from hpo.pruning.zone import Zone
from hpo.record import TrialRow
from hpo.report.table import number
from hpo.storage import StudyDirectory

_MOST_LISTED = 12


def chosen_lines(
    rows: Sequence[TrialRow],
    attrs: Mapping[str, Any],
    directory: StudyDirectory,
    chosen: int | None,
    *,
    running: bool,
) -> list[tuple[str, str]]:
    """Say what was chosen, why, from what, and where it lies."""
    if chosen is None:
        return [("chosen", "nothing yet: the study is running" if running else "nothing yet")]
    row = next(r for r in rows if r.number == chosen)
    hyperparameters = ", ".join(f"{k} {_short(v)}" for k, v in row.hyperparameters.items())
    excluded = attrs["shortlist"]["excluded"]
    barred = sorted(int(number) for number, why in excluded.items() if "not moved" in why)
    lines = [
        ("chosen", f"trial {chosen}: {attrs['choice']['reason']}"),
        ("with", hyperparameters),
        ("shortlist", _shortlist(rows, attrs)),
    ]
    if barred:
        lines.append(("barred", f"{trials(barred)}: not moved away from initialisation"))
    lines.append(("weights", str(directory.chosen / WEIGHTS_NAME)))
    lines.append(("card", str(directory.chosen / CARD_NAME)))
    return lines


def round_lines(attrs: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Say how far the filter's rounds have come, and where the window of α stands."""
    rounds = rounds_of(attrs)
    if not rounds:
        return []
    last = rounds[-1]
    n_candidates = sum(len(each.candidates) for each in rounds)
    n_probed = len({n for each in rounds for n in each.numbers if f"{PROBE}{n}" in attrs})
    return [
        (
            "rounds",
            f"{counted(len(rounds), 'round')}, {n_probed} of {n_candidates} candidates probed; "
            + _window(last, attrs.get("config", {})),
        )
    ]


def rounds_of(attrs: Mapping[str, Any]) -> list[Round]:
    """Return the rounds that a study's attributes hold, the first one first."""
    places = sorted(int(key.removeprefix(ROUND)) for key in attrs if key.startswith(ROUND))
    return [Round.from_json(attrs[f"{ROUND}{place}"]) for place in places]


def proof_lines(attrs: Mapping[str, Any], chosen: int | None) -> list[tuple[str, str]]:
    """Say how the chosen backbone probes on labelled images that no choice ever saw."""
    names = [("the chosen backbone", str(chosen)), ("untrained", "untrained"), ("pixels", "pixels")]
    probes = [(shown, attrs.get(f"{PROBE}{key}")) for shown, key in names]
    known = [(shown, probe) for shown, probe in probes if probe is not None]
    if chosen is None or len(known) < len(probes):
        return []
    n = int(known[0][1]["n_reported"])
    text = "; ".join(
        f"{shown} {probe['reported']:.3f} ± {_standard_error(probe['reported'], n):.3f}"
        for shown, probe in known
    )
    return [("probe", f"accuracy on {n} labelled images kept for this line: {text}")]


def _shortlist(rows: Sequence[TrialRow], attrs: Mapping[str, Any]) -> str:
    listed: list[int] = attrs.get("shortlist", {}).get("numbers", [])
    by_number = {row.number: row for row in rows}
    shown = ", ".join(f"{n} (α {number(by_number[n].alpha, '.2f')})" for n in listed[:_MOST_LISTED])
    if len(listed) > _MOST_LISTED:
        shown += f" and {len(listed) - _MOST_LISTED} more"
    config: Mapping[str, Any] = attrs.get("config", {})
    if config.get("labels") and all(f"{PROBE}{n}" in attrs for n in listed):
        return f"{shown}: all that were probed"
    given = config.get("zone")
    if given is None:
        return f"{shown}: the best by {config.get('objective', 'the objective')}"
    return f"{shown}: α closest to the zone {Zone.parse(given)}"


def _window(last: Round, config: Mapping[str, Any]) -> str:
    if config.get("probe_best") is not None:
        by = "by closeness to the zone" if config.get("zone") else "by the objective"
        return f"the best {config['probe_best']} {by} when the search was over"
    if not config.get("filter", True):
        return "no window of α"
    if config.get("zone") is not None:
        return f"α in {last.zone}, as given"
    if last.zone == EVERYWHERE:
        return "any α, too few were probed to learn a window from"
    return f"α in {last.zone}, learned from the {last.n_probed} probed before the last round"


def _standard_error(accuracy: float, n: int) -> float:
    return math.sqrt(max(accuracy * (1 - accuracy), 1e-12) / max(n, 1))


def _short(value: float | int | str) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
