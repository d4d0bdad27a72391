"""The one HTML file around a figure: light and dark, wide and narrow, nothing to load."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_STYLE = """
:root { color-scheme: light dark; --ink: #1d2330; --muted: #5c6470; --paper: #ffffff;
  --grid: #dfe3e8; --good: #1a7a3c; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ee; --muted: #a0a8b4;
  --paper: #14171c; --grid: #333a44; --good: #5cc882; --bad: #ff8a80; } }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; }
main { max-width: 90rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.25rem; overflow-wrap: anywhere; margin: 0 0 0.5rem; }
h2 { font-size: 1rem; margin: 0; }
p { margin: 0 0 0.5rem; overflow-wrap: anywhere; }
.alive { color: var(--good); } .collapsed { color: var(--bad); } .muted { color: var(--muted); }
.figures { display: grid; gap: 1.5rem; margin: 1.5rem 0;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 32rem), 1fr)); }
figure { margin: 0; min-width: 0; } figcaption { color: var(--muted); font-size: 0.875rem; }
.table { overflow-x: auto; } table { border-collapse: collapse; }
th, td { text-align: left; padding: 0.25rem 1rem 0.25rem 0; vertical-align: top;
  border-bottom: 1px solid var(--grid); }
th:last-child { min-width: 16rem; }
td:nth-child(2), th:nth-child(2) { text-align: right; font-variant-numeric: tabular-nums; }
"""

# A figure's own colours are attributes that style sheets do not reach, and the first is drawn when
# there is none beside it yet.
_PAINT = """
const dark = matchMedia("(prefers-color-scheme: dark)");
function paint() {
  const style = getComputedStyle(document.documentElement);
  const [ink, grid, paper] = ["--ink", "--grid", "--paper"].map(
    (name) => style.getPropertyValue(name).trim());
  for (const plot of document.querySelectorAll(".js-plotly-plot")) {
    Plotly.relayout(plot, { "font.color": ink, "xaxis.gridcolor": grid, "yaxis.gridcolor": grid,
      "hoverlabel.bgcolor": paper, "hoverlabel.font.color": ink });
  }
}
window.addEventListener("load", () => {
  document.querySelectorAll(".js-plotly-plot").forEach((plot) => Plotly.Plots.resize(plot));
  paint();
});
dark.addEventListener("change", paint);
"""


@dataclass(frozen=True)
class PageFigure:
    """One figure of the page.

    Args:
        title: over it, in plain text.
        html: of the figure itself, trusted.
        caption: under it, in plain text.
    """

    title: str
    html: str
    caption: str


def page(
    title: str,
    *,
    collapsed: bool,
    verdict: str,
    facts: Sequence[str],
    figures: Sequence[PageFigure],
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
) -> str:
    """Lay out the page.

    Args:
        title: heading, like all text that follows plain: it is escaped here.
        collapsed: whether the verdict is bad news.
        verdict: the first line.
        facts: lines under it.
        figures: side by side where there is room.
        header: of the table.
        rows: of the table.
    """
    paragraphs = "".join(f"<p>{escape(fact)}</p>\n" for fact in facts)
    drawn = "".join(
        f"<figure><h2>{escape(figure.title)}</h2>{figure.html}"
        f"<figcaption>{escape(figure.caption)}</figcaption></figure>\n"
        for figure in figures
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>{escape(title)}</h1>\n"
        f'<p class="{"collapsed" if collapsed else "alive"}">{escape(verdict)}</p>\n'
        f'{paragraphs}<div class="figures">\n{drawn}</div>\n'
        f'<div class="table">{_table(header, rows)}</div>\n'
        f"</main>\n<script>{_PAINT}</script>\n</body>\n</html>\n"
    )


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ""
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in header)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>\n" for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table>"
