"""The study of objectives as small SVG files, written by hand: nothing to install."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

_FONT = 'font-family="sans-serif" font-size="11"'
_CHOSEN, _REPORTED, _FAINT = "#1f77b4", "#d95f02", "#999999"


def regret_plot(study: Mapping[str, Any], n_shown: int = 30) -> str:
    """Mean regret of the best candidates on both halves, one line each, a dot a half."""
    everybody = study["choice"]["everybody"]

    def overall(name: str) -> float:
        return float(np.mean([half["regret"] for half in everybody[name].values() if half]))

    names = sorted(everybody, key=overall)[:n_shown]
    names += [n for n in ("rankme", "lidar", "alpha_req", "ssl_loss") if n not in names]
    longest = max(h["regret"] for n in names for h in everybody[n].values() if h)
    parts = []
    for index, name in enumerate(names):
        y = 40 + 16 * index
        weight = ' font-weight="bold"' if name == study["choice"]["chosen"] else ""
        parts.append(f'<text x="190" y="{y + 4}" text-anchor="end"{weight}>{escape(name)}</text>')
        parts.append(f'<path d="M200 {y}H560" stroke="#eee"/>')
        halves = (("choosing", _CHOSEN), ("reporting", _REPORTED))
        for half, colour in halves:
            if everybody[name][half]:
                x = 200 + 360 * everybody[name][half]["regret"] / max(longest, 1e-9)
                parts.append(f'<circle cx="{x:.1f}" cy="{y}" r="4" fill="{colour}"/>')
    parts.append(f'<text x="200" y="20" fill="{_CHOSEN}">cells chosen on</text>')
    parts.append(f'<text x="300" y="20" fill="{_REPORTED}">cells reported on</text>')
    last = 56 + 16 * len(names)
    parts.append(f'<text x="200" y="{last}">0</text>')
    label = f"{longest:.1f} points of regret, searches of 16 trials"
    parts.append(f'<text x="560" y="{last}" text-anchor="end">{label}</text>')
    return _svg(580, last + 14, parts)


def scatter_plot(points: Mapping[str, Mapping[str, Sequence[tuple[float, float, bool]]]]) -> str:
    """Accuracy over a candidate's value: a row a candidate, a column a cell.

    Args:
        points: by candidate and cell: (value, accuracy in [0, 1], may be chosen) of each trial.
    """
    width, height, parts = 150, 120, []
    for row, (name, cells) in enumerate(points.items()):
        for column, (cell, trials) in enumerate(cells.items()):
            left, top = 20 + column * (width + 14), 40 + row * (height + 34)
            parts.append(
                f'<rect x="{left}" y="{top}" width="{width}" height="{height}" fill="none" '
                f'stroke="{_FAINT}"/><text x="{left}" y="{top - 5}">'
                f"{escape(name)}, {escape(cell)}</text>"
            )
            parts += _dots(trials, left, top, width, height)
    n_columns = max(len(cells) for cells in points.values())
    return _svg(30 + n_columns * (width + 14), 50 + len(points) * (height + 34), parts)


def _dots(
    trials: Sequence[tuple[float, float, bool]], left: int, top: int, width: int, height: int
) -> list[str]:
    known = [t for t in trials if np.isfinite(t[0]) and np.isfinite(t[1])]
    if not known:
        return []
    x, y = np.array([t[0] for t in known]), np.array([t[1] for t in known])
    span_x, span_y = max(np.ptp(x), 1e-12), max(np.ptp(y), 1e-12)
    return [
        f'<circle cx="{left + 5 + (width - 10) * (a - x.min()) / span_x:.1f}" '
        f'cy="{top + height - 5 - (height - 10) * (b - y.min()) / span_y:.1f}" r="2.5" '
        f'fill="{_CHOSEN if allowed else "none"}" stroke="{_CHOSEN if allowed else _FAINT}"/>'
        for a, b, allowed in known
    ]


def _svg(width: int, height: int, parts: Sequence[str]) -> str:
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" {_FONT}>\n'
        f'<rect width="{width}" height="{height}" fill="white"/>\n{body}\n</svg>\n'
    )
