"""The measure against the probe, one dot a trial, as an inline SVG that needs no script."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from hpo.trust.assessing import Trust
from hpo.trust.evidence import LINEAR, StudyEvidence

_WIDTH, _HEIGHT = 640, 380
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 16, 14, 46
_MARGIN = 0.06  # of either span, so that no dot sits on an axis
_N_TICKS = 5


@dataclass(frozen=True)
class Dot:
    """One trial.

    Args:
        number: the trial's.
        value: of the measure.
        accuracy: of the linear probe, in [0, 1].
        barred: whether it may not be chosen.
    """

    number: int
    value: float
    accuracy: float
    barred: bool


@dataclass(frozen=True)
class _Axis:
    low: float
    high: float
    start: float
    end: float

    def place(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)


def dots_of(evidence: StudyEvidence) -> tuple[Dot, ...]:
    """Return the probed trials that have a finite value of the objective."""
    name, epoch = evidence.objective, evidence.epoch
    found = [
        Dot(t.number, t.rungs[epoch][name], t.accuracies[LINEAR], not t.may_be_chosen)
        for t in evidence.probed(barred=True)
        if name in t.rungs.get(epoch, {})
    ]
    return tuple(dot for dot in found if math.isfinite(dot.value))


def scatter(trust: Trust, dots: Sequence[Dot]) -> str:
    """Draw the trials by measure and accuracy, with the band of those tied with the best.

    Args:
        trust: the figures.
        dots: the trials; without any, nothing is drawn.

    Returns:
        An `<svg>`, or an empty text. Its colours are the page's, by `currentColor` and the custom
        properties --accent, --muted, --line, --zone and --finished.
    """
    if not dots or trust.band is None:
        return ""
    band, name = trust.band, trust.objective
    bottom = min([*(d.accuracy for d in dots), band.accuracy - band.width_points / 100])
    x = _axis([d.value for d in dots], _LEFT, _WIDTH - _RIGHT)
    y = _axis([bottom, band.accuracy], _HEIGHT - _BOTTOM, _TOP)
    top, below = y.place(band.accuracy), y.place(band.accuracy - band.width_points / 100)
    said = (
        f"{len(dots)} trials by {name} and accuracy of the linear probe. The best has "
        f"{band.accuracy:.3f}; {len(band.tied)} cannot be told from it."
    )
    parts = [
        f'<svg class="trust-scatter" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{escape(said, quote=True)}">',
        f'<rect x="{_LEFT}" y="{top}" width="{_WIDTH - _RIGHT - _LEFT}" '
        f'height="{round(below - top, 1)}" fill="var(--zone, #e8c46055)"/>',
        *_ticks_across(x),
        *_ticks_up(y),
        _text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 8, name, "middle"),
        _text(14, (_TOP + _HEIGHT - _BOTTOM) / 2, "linear probe", "middle", turned=True),
        *(_dot(d, trust, x, y) for d in _in_order(dots, trust)),
        "</svg>",
    ]
    return "".join(parts)


def _in_order(dots: Sequence[Dot], trust: Trust) -> list[Dot]:
    """Those with a name last, so that no other dot covers them."""
    return sorted(dots, key=lambda d: (bool(_role(d, trust)), d.number))


def _role(dot: Dot, trust: Trust) -> str:
    pick = trust.own.pick
    roles = ["the measure's pick"] if pick is not None and dot.number in pick.numbers else []
    roles += ["chosen"] if dot.number == trust.chosen else []
    return ", ".join(roles)


def _dot(dot: Dot, trust: Trust, x: _Axis, y: _Axis) -> str:
    role, across, up = _role(dot, trust), x.place(dot.value), y.place(dot.accuracy)
    told = f"trial {dot.number}: {trust.objective} {dot.value:.4g}, accuracy {dot.accuracy:.3f}"
    told += "; barred from the choice" if dot.barred else ""
    is_chosen = dot.number == trust.chosen
    fill = "var(--accent, #b27a00)" if is_chosen else "var(--finished, #4f6478)"
    edge = "var(--accent, #b27a00)" if role else "var(--paper, none)"
    if dot.barred:
        fill, edge = "none", "var(--muted, #777)"
    title = f"<title>{escape(told)}</title>"
    drawn = (
        f'<circle cx="{across}" cy="{up}" r="{7 if role else 5}" fill="{fill}" stroke="{edge}" '
        f'stroke-width="{3 if role else 1.5}">{title}</circle>'
    )
    if not role:
        return drawn
    to_the_left = across > _WIDTH / 2
    beside = across - 12 if to_the_left else across + 12
    label = _text(beside, up + 5, f"{dot.number}: {role}", "end" if to_the_left else "start")
    return drawn + label


def _axis(values: Sequence[float], start: float, end: float) -> _Axis:
    low, high = min(values), max(values)
    margin = (high - low) * _MARGIN or abs(high) * _MARGIN or 1.0
    return _Axis(low - margin, high + margin, start, end)


def _ticks_across(axis: _Axis) -> list[str]:
    return [
        f'<line x1="{axis.place(t)}" y1="{_TOP}" x2="{axis.place(t)}" y2="{_HEIGHT - _BOTTOM}" '
        f'stroke="var(--line, #8884)"/>'
        + _text(axis.place(t), _HEIGHT - _BOTTOM + 17, f"{t:.6g}", "middle", muted=True)
        for t in ticks(axis.low, axis.high)
    ]


def _ticks_up(axis: _Axis) -> list[str]:
    return [
        f'<line x1="{_LEFT}" y1="{axis.place(t)}" x2="{_WIDTH - _RIGHT}" y2="{axis.place(t)}" '
        f'stroke="var(--line, #8884)"/>'
        + _text(_LEFT - 7, axis.place(t) + 4, f"{t:.6g}", "end", muted=True)
        for t in ticks(axis.low, axis.high)
        if t <= 1
    ]


def ticks(low: float, high: float) -> list[float]:
    """Return about five round numbers between two ends, low < high.

    >>> ticks(0.83, 0.99)
    [0.85, 0.9, 0.95]
    """
    rough = (high - low) / _N_TICKS
    size = 10.0 ** math.floor(math.log10(rough))
    step = size * min((f for f in (1, 2, 5, 10) if f * size >= rough), default=10)
    first = math.ceil(low / step)
    count = math.floor(high / step) - first + 1
    return [float(f"{(first + place) * step:.10g}") for place in range(count)]


def _text(
    x: float, y: float, text: str, anchor: str, *, muted: bool = False, turned: bool = False
) -> str:
    turn = f' transform="rotate(-90 {x} {y})"' if turned else ""
    # A rim of the page's colour keeps letters readable where a dot lies below them.
    colour = "var(--muted, #777)" if muted else "currentColor"
    return (
        f'<text x="{x}" y="{y}" text-anchor="{anchor}" font-size="14" fill="{colour}" '
        f'stroke="var(--paper, none)" stroke-width="4" paint-order="stroke"{turn}>'
        f"{escape(text)}</text>"
    )
