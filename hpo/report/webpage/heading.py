"""The head of the page: what was chosen, the sentence that says why, and the figures beside it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import version

from hpo.budget import format_duration
from hpo.costs import costs_from
from hpo.ordering import PROBE
from hpo.record import TrialRow
from hpo.report.choosing import chosen_lines, proof_lines, round_lines
from hpo.report.webpage.json_values import shown
from hpo.report.webpage.material import Material
from objectives import MEASURES

_WORDS = {
    "maximize": "higher is better",
    "minimize": "lower is better",
    "closest_to_one": "best near 1",
}
_ENDS = ("collapsed", "pruned", "out of zone", "out of budget", "failed", "interrupted", "running")


@dataclass(frozen=True)
class Figure:
    """A number of the head.

    Args:
        name: what it is.
        value: as shown.
        note: how to read it.
        good: whether it is as it should be; None where that is no question.
    """

    name: str
    value: str
    note: str = ""
    good: bool | None = None


@dataclass(frozen=True)
class Heading:
    """What the head says.

    Args:
        study: its name.
        verdict: what was chosen, in a few words.
        why: one sentence.
        state: "finished", "running" or "stopped".
        figures: beside it.
        lines: further titles and texts.
    """

    study: str
    verdict: str
    why: str
    state: str
    figures: tuple[Figure, ...] = ()
    lines: tuple[tuple[str, str], ...] = field(default=())


def heading_of(material: Material) -> Heading:
    """Say what a study found, whatever state it is in."""
    chosen = material.chosen
    study = material.directory.out.absolute().name or str(material.directory.out)
    verdict, why = _verdict(material)
    state = "running" if material.running else "stopped" if chosen is None else "finished"
    figures = () if chosen is None else tuple(_figures(material, chosen))
    return Heading(study, verdict, why, state, figures, tuple(_lines(material)))


def direction_words(measure: str) -> str:
    """Say which way a measure is good; empty for one that the registry does not know.

    >>> direction_words("rankme")
    'higher is better'
    """
    name = measure.removesuffix("_backbone").removesuffix("_projector")
    return _WORDS[MEASURES[name].direction] if name in MEASURES else ""


def _verdict(material: Material) -> tuple[str, str]:
    chosen = material.chosen
    if chosen is not None:
        reason = str(material.attrs["choice"]["reason"])
        sentence = f"{reason[:1].upper()}{reason[1:]}."
        if material.running:
            sentence += " The study is running again: the choice may still change."
        return f"Trial {chosen.number} was chosen", sentence
    ended = [row for row in material.own if row.state not in ("waiting", "running")]
    if material.running:
        return (
            "Nothing chosen yet: the study is running",
            f"{len(ended)} of {len(material.own)} trials have ended so far. This page is what is "
            "known now; make it again later.",
        )
    if not material.own:
        return "Nothing chosen: no trial was started", "There is nothing to choose from."
    if ended and all(row.state == "collapsed" for row in ended):
        plural = "its only trial" if len(ended) == 1 else f"all {len(ended)} trials"
        return (
            f"Nothing chosen: {plural} collapsed",
            f"The last reason was: {ended[-1].reason or 'not recorded'}.",
        )
    n_finished = sum(row.state == "finished" for row in ended)
    return (
        "Nothing chosen yet",
        f"{n_finished} of {len(material.own)} trials finished, and the study ended before its "
        "choice. The same goldilocks run command goes on with it.",
    )


def _figures(material: Material, chosen: TrialRow) -> Iterator[Figure]:
    name = material.objective
    yield Figure(name, shown(chosen.objective), direction_words(name))
    zone = material.own_zone
    if math.isfinite(chosen.alpha) and zone is None:
        note = f"{material.zone} is the zone of α-ReQ's authors; this study has none"
        yield Figure("α of the spectrum", f"{chosen.alpha:.2f}", note)
    elif math.isfinite(chosen.alpha) and zone is not None:
        inside = zone.contains(chosen.alpha)
        yield Figure(
            "α of the spectrum",
            f"{chosen.alpha:.2f}",
            f"{'inside' if inside else 'outside'} the zone {zone}",
            inside,
        )
    if math.isfinite(chosen.moved):
        least = float(material.config["least_moved"])
        moved = chosen.moved >= least
        note = f"1 − CKA to the untrained network; at least {least:g} wanted"
        yield Figure("moved from the start", f"{chosen.moved:.2f}", note, moved)
    probe, untrained = chosen.probe, material.attrs.get(f"{PROBE}untrained")
    if "reported" in probe:
        beside = f"untrained: {untrained['reported']:.3f}" if untrained else ""
        n = int(probe["n_reported"])
        note = f"on {n} labelled images kept for this" + (f"; {beside}" if beside else "")
        better = None if untrained is None else probe["reported"] > untrained["reported"]
        yield Figure("linear probe", f"{probe['reported']:.3f}", note, better)


def _lines(material: Material) -> Iterator[tuple[str, str]]:
    config, attrs = material.config, material.attrs
    number = None if material.chosen is None else material.chosen.number
    if "config" in attrs:
        yield "method", f"{config['method']}, {_backbone(material)}, {config['epochs']} epochs"
        yield "data", _data(material)
    yield "trials", _trials(material)
    if date := _dates(material):
        yield "date", date
    if number is not None and "shortlist" in attrs:
        found = chosen_lines(
            material.rows, attrs, material.directory, number, running=material.running
        )
        yield from (line for line in found if line[0] in ("with", "shortlist", "barred", "weights"))
    yield from round_lines(attrs)
    yield from proof_lines(attrs, number)
    yield "made by", f"goldilocks-hpo {version('goldilocks-hpo')}"


def _backbone(material: Material) -> str:
    return str(material.attrs.get("identity", {}).get("backbone", material.config["backbone"]))


def _data(material: Material) -> str:
    images, size = material.attrs.get("images", {}), None
    size = material.attrs.get("identity", {}).get("image_size", material.config["image_size"])
    parts = [str(material.config["data"])]
    if size:
        parts.append(f"{size} × {size} pixels")
    if images:
        parts.append(f"{images['train']} images to train on, {images['measure']} to measure on")
        if images["probe"]:
            parts.append(f"{images['probe']} labelled ones for probes")
        if images["skipped"]:
            parts.append(f"{images['skipped']} unreadable")
    return "; ".join(parts)


def _trials(material: Material) -> str:
    own, rows = material.own, material.rows
    finished = sum(row.state == "finished" for row in own)
    counts = {state: sum(row.state == state for row in own) for state in _ENDS}
    parts = [f"{len(own)} started, {finished} finished"]
    parts += [f"{n} {state}" for state, n in counts.items() if n]
    if again := len(rows) - len(own):
        parts.append(f"{again} replicate{'s' if again > 1 else ''} under other seeds")
    return ", ".join(parts)


def _dates(material: Material) -> str:
    starts = [t.datetime_start for t in material.trials if t.datetime_start is not None]
    ends = [t.datetime_complete for t in material.trials if t.datetime_complete is not None]
    if not starts:
        return ""
    first, last = min(starts), max([*starts, *ends])
    spent = costs_from(material.rows, material.attrs).wall_seconds
    took = f"; {format_duration(spent)} of work" if spent else ""
    same = first.date() == last.date()
    until = f"{last:%H:%M}" if same else f"{last.day} {last:%B %Y, %H:%M}"
    return f"{first.day} {first:%B %Y, %H:%M} to {until}{took}"
