"""The spectra of a trial as one small picture: both axes logarithmic, the power law in it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from hpo.dashboard.spectrum import Spectrum

_WIDTH, _HEIGHT = 560, 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 76, 14, 58, 48  # of the picture, around the axes
_FIRST_FITTED, _LAST_FITTED = 4, 100
_SMALLEST_SHARE = 1e-9  # of the largest eigenvalue; below lies round-off

# The picture brings its own paper: it is shown on a light page and on a dark one.
_STYLE = """
svg { background: #fff; font: 17px system-ui, sans-serif; fill: #1d2330; }
.grid { stroke: #dfe3e8; } .band { fill: #808080; opacity: 0.12; } .small { fill: #5c6470; }
.before { stroke: #b6bcc6; } .points { stroke: #2f7bc8; } .fit { stroke: #d9701a; }
path, line { fill: none; } text.fit { fill: #b3560b; stroke: none; }
@media (prefers-color-scheme: dark) {
svg { background: #14171c; fill: #e6e9ee; } .grid { stroke: #333a44; } .small { fill: #a0a8b4; }
.before { stroke: #555d69; } .points { stroke: #5aa2ec; } .fit { stroke: #f0924a; }
text.fit { fill: #f0924a; } }
"""


def spectrum_svg(title: str, spectra: Sequence[Spectrum]) -> str:
    """Draw spectra: the last one as points with its power law, those before it as thin lines.

    Args:
        title: in plain text.
        spectra: of one trial, the first rung's first; at least one.

    Returns:
        An SVG document of a few kilobytes that loads nothing.

    Raises:
        ValueError: when the last spectrum has no eigenvalue above 0.
    """
    last = spectra[-1]
    largest = max((v for s in spectra for v in s.eigenvalues), default=0.0)
    if not (0.0 < max(last.eigenvalues, default=0.0) <= largest < math.inf):
        raise ValueError(f"spectra: got no eigenvalue above 0 at epoch {last.epoch}.")
    floor = largest * _SMALLEST_SHARE
    shown = [v for s in spectra for v in s.eigenvalues if v > floor]
    axes = _Axes(max(s.n_ranks for s in spectra), min(shown), largest)
    before = [f'<path class="before" d="{axes.line(s, floor)}"/>' for s in spectra[:-1]]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
            f'width="{_WIDTH}" height="{_HEIGHT}" role="img">',
            f"<title>{escape(title)}</title><style>{_STYLE}</style>",
            f'<text x="{_LEFT}" y="22" font-weight="600">{escape(title)}</text>',
            f'<text class="fit" x="{_LEFT}" y="45">{escape(_fit_text(last))}</text>',
            axes.band(),
            *axes.grid(),
            *before,
            f'<path class="points" stroke-width="5.5" stroke-linecap="round" '
            f'd="{axes.points(last, floor)}"/>',
            axes.fit(last),
            "</svg>\n",
        ]
    )


class _Axes:
    """Where a rank and an eigenvalue lie in the picture."""

    def __init__(self, n_ranks: int, smallest: float, largest: float) -> None:
        self._ranks = math.log10(max(n_ranks, 2))
        self._low, self._high = math.log10(smallest) - 0.1, math.log10(largest) + 0.1

    def x(self, rank: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * math.log10(rank) / self._ranks

    def y(self, value: float) -> float:
        share = (math.log10(value) - self._low) / (self._high - self._low)
        return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * share

    def points(self, spectrum: Spectrum, floor: float) -> str:
        return "".join(f"M{x:.1f} {y:.1f}h0" for x, y in self._places(spectrum, floor))

    def line(self, spectrum: Spectrum, floor: float) -> str:
        places = self._places(spectrum, floor)
        return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places) if places else ""

    def band(self) -> str:
        left, right = self.x(_FIRST_FITTED), min(self.x(_LAST_FITTED), _WIDTH - _RIGHT)
        if right <= left:
            return ""
        return (
            f'<rect class="band" x="{left:.1f}" y="{_TOP}" width="{right - left:.1f}" '
            f'height="{_HEIGHT - _TOP - _BOTTOM}"/>'
        )

    def fit(self, spectrum: Spectrum) -> str:
        ends = fitted_ends(spectrum)
        if ends is None:
            return ""
        (rank, value), (rank_2, value_2) = ends
        dash = "" if spectrum.r_squared >= 0.95 else ' stroke-dasharray="7 5"'
        return (
            f'<line class="fit" stroke-width="2.5"{dash} x1="{self.x(rank):.1f}" '
            f'y1="{self.y(value):.1f}" x2="{self.x(rank_2):.1f}" y2="{self.y(value_2):.1f}"/>'
        )

    def grid(self) -> list[str]:
        drawn, bottom = [], _HEIGHT - _BOTTOM
        for rank in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000):
            if (x := self.x(rank)) <= _WIDTH - _RIGHT + 0.5:
                drawn.append(f'<path class="grid" d="M{x:.1f} {_TOP}V{bottom}"/>')
                text = f'<text class="small" x="{x:.1f}" y="{bottom + 19}" text-anchor="middle">'
                drawn.append(f"{text}{rank}</text>")
        decades = range(math.ceil(self._low), math.floor(self._high) + 1)
        for decade in decades[:: 1 + len(decades) // 7]:
            y = self.y(10.0**decade)
            drawn.append(f'<path class="grid" d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}"/>')
            text = f'<text class="small" x="{_LEFT - 8}" y="{y + 6:.1f}" text-anchor="end">'
            drawn.append(f"{text}1e{decade}</text>")
        middle = (_LEFT + _WIDTH - _RIGHT) / 2
        drawn.append(f'<text x="{middle}" y="{_HEIGHT - 8}" text-anchor="middle">rank</text>')
        turned = f"rotate(-90 18 {_HEIGHT / 2})"
        drawn.append(
            f'<text x="18" y="{_HEIGHT / 2}" text-anchor="middle" transform="{turned}">'
            "eigenvalue</text>"
        )
        return drawn

    def _places(self, spectrum: Spectrum, floor: float) -> list[tuple[float, float]]:
        pairs = zip(spectrum.ranks, spectrum.eigenvalues, strict=True)
        return [(self.x(rank), self.y(value)) for rank, value in pairs if value > floor]


def fitted_ends(spectrum: Spectrum) -> tuple[tuple[int, float], tuple[int, float]] | None:
    """Return both ends of a spectrum's power law, each a rank and a value; None without one.

    >>> ranks = tuple(range(1, 101))
    >>> spectrum = Spectrum(6, ranks, tuple(1 / k for k in ranks), 100, alpha=1.0, r_squared=1.0)
    >>> [(rank, round(value, 6)) for rank, value in fitted_ends(spectrum)]
    [(4, 0.25), (100, 0.01)]
    """
    from hpo.score.spectrum_plot import fitted_line
    from objectives.alpha_req import AlphaFit

    last = min(_LAST_FITTED, spectrum.n_ranks)
    fitted = spectrum.eigenvalues[_FIRST_FITTED - 1 : last]
    if not math.isfinite(spectrum.alpha) or not fitted or min(fitted) <= 0:
        return None
    fit = AlphaFit(spectrum.alpha, spectrum.r_squared, _FIRST_FITTED, last, len(fitted))
    ranks, values = fitted_line(list(spectrum.eigenvalues), fit)
    return (ranks[0], values[0]), (ranks[1], values[1])


def _fit_text(spectrum: Spectrum) -> str:
    if not math.isfinite(spectrum.alpha):
        return "no power law"
    text = f"α = {spectrum.alpha:.2f}, R² = {spectrum.r_squared:.3f}"
    return text + ("; of the probe's images" if spectrum.images == "probe" else "")
