"""The spectrum of the embeddings in log-log with its power law, as one HTML page."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from hpo.errors import ConfigError
from hpo.score.page import PageFigure, page
from hpo.score.reading import EmbeddingsFile
from hpo.score.rows import describe_fit, score_rows, verdict
from hpo.score.table import HEADER, cells_of, describe_file
from objectives.alpha_req import AlphaFit

if TYPE_CHECKING:
    from objectives.assessment import Assessment

# Both stand out from white and from near-black.
_POINTS, _LINE, _BAND = "#3987d4", "#d9701a", "rgba(128, 128, 128, 0.18)"
_HEIGHT = 420


def require_plotly() -> None:
    """Check that pages can be made, before anything is measured.

    Raises:
        ConfigError: plotly is not installed.
    """
    try:
        import plotly.io  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            f"--plot: plotly cannot be imported ({error}); install it with: pip install 'plotly>=6'"
        ) from error


def spectrum_page(assessment: Assessment, file: EmbeddingsFile, *, layer: str) -> str:
    """Draw the spectra and lay out the page: one file that loads nothing.

    Args:
        assessment: of the file's embeddings; without spectra (not finite) the page says why.
        file: that was measured.
        layer: what the embeddings are, "backbone" or "projector".

    Returns:
        HTML.

    Raises:
        ConfigError: plotly is not installed.
    """
    require_plotly()
    eigenvalues, singular_values = assessment.covariance_eigenvalues, assessment.singular_values
    fit, figures = assessment.alpha, []
    if eigenvalues is not None:
        figures.append(_eigenvalue_figure(_listed(eigenvalues), fit))
    if singular_values is not None:
        figures.append(_singular_value_figure(_listed(singular_values), first=not figures))
    rows = score_rows(assessment)
    rankme = next((row.value for row in rows if row.measure == "rankme"), None)
    facts = [f"{describe_file(file)}; {layer}"]
    if fit is not None:
        facts.append(f"α = {fit.alpha:.4g}, {describe_fit(fit)}")
    if rankme is not None:
        facts.append(f"RankMe = {rankme:.5g}")
    if not figures:
        facts.append("There is no spectrum to draw.")
    return page(
        file.source,
        collapsed=assessment.collapse.collapsed,
        verdict=verdict(assessment),
        facts=facts,
        figures=figures,
        header=HEADER,
        rows=[cells_of(row, layer) for row in rows],
    )


def fitted_line(eigenvalues: list[float], fit: AlphaFit) -> tuple[list[int], list[float]]:
    """Return the end points of the fitted power law: ranks and values.

    The weights 1/rank are those of the fit, whose line goes through the weighted mean point.

    >>> ranks, line = fitted_line([1 / k for k in range(1, 11)], AlphaFit(1.0, 1.0, 4, 10, 7))
    >>> ranks, [round(value, 6) for value in line]
    ([4, 10], [0.25, 0.1])
    """
    ranks = range(fit.first_rank, fit.last_rank + 1)
    weight = sum(1 / k for k in ranks)
    level = sum((math.log(eigenvalues[k - 1]) + fit.alpha * math.log(k)) / k for k in ranks)
    ends = [fit.first_rank, fit.last_rank]
    return ends, [math.exp(level / weight - fit.alpha * math.log(k)) for k in ends]


def _eigenvalue_figure(values: list[float], fit: AlphaFit | None) -> PageFigure:
    import plotly.graph_objects as go

    figure = _spectrum(values, name="eigenvalues", axis="λ, covariance eigenvalue")
    if fit is not None and fit.n_ranks > 0:
        figure.add_shape(
            type="rect",
            xref="x",
            yref="paper",
            x0=fit.first_rank,
            x1=fit.last_rank,
            y0=0,
            y1=1,
            fillcolor=_BAND,
            line_width=0,
            layer="below",
            showlegend=True,
            name=f"ranks {fit.first_rank} to {fit.last_rank}",
        )
    if fit is not None and math.isfinite(fit.alpha):
        ranks, line = fitted_line(values, fit)
        style = {"color": _LINE, "width": 3, "dash": "solid" if fit.valid else "dot"}
        figure.add_trace(
            go.Scatter(
                x=ranks, y=line, mode="lines", name=f"power law, α = {fit.alpha:.3f}", line=style
            )
        )
    title = "Covariance eigenvalues (centred) and their power law"
    return PageFigure(title, _html(figure, "eigenvalues", with_library=True), _caption(values))


def _singular_value_figure(values: list[float], *, first: bool) -> PageFigure:
    figure = _spectrum(values, name="singular values", axis="σ, singular value")
    title = "Singular values (uncentred), which RankMe is made of"
    html = _html(figure, "singular-values", with_library=first)
    return PageFigure(title, html, _caption(values))


def _spectrum(values: list[float], *, name: str, axis: str) -> Any:
    import plotly.graph_objects as go

    shown = [(rank, value) for rank, value in enumerate(values, 1) if value > 0]
    points = go.Scatter(
        x=[rank for rank, _ in shown],
        y=[value for _, value in shown],
        mode="markers",
        name=name,
        marker={"size": 5, "color": _POINTS},
        hovertemplate="rank %{x}: %{y:.4g}<extra></extra>",
    )
    axes = {"type": "log", "zeroline": False, "gridcolor": "#808890", "exponentformat": "power"}
    return go.Figure(
        points,
        layout={
            "template": "none",
            "height": _HEIGHT,
            "margin": {"l": 70, "r": 15, "t": 85, "b": 55},
            "paper_bgcolor": "rgba(0, 0, 0, 0)",
            "plot_bgcolor": "rgba(0, 0, 0, 0)",
            "font": {"family": "system-ui, sans-serif", "color": "#808890"},
            "modebar": {"bgcolor": "rgba(0, 0, 0, 0)", "color": "#808890", "activecolor": _POINTS},
            "xaxis": axes | {"title": {"text": "rank"}, "dtick": "D2"},
            "yaxis": axes | {"title": {"text": axis}},
            "showlegend": True,
            "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        },
    )


def _html(figure: Any, name: str, *, with_library: bool) -> str:
    import plotly.io

    html: str = plotly.io.to_html(
        figure,
        full_html=False,
        include_plotlyjs=with_library,
        include_mathjax=False,
        div_id=name,
        default_height=f"{_HEIGHT}px",
        config={"responsive": True, "displaylogo": False},
    )
    return html


def _caption(values: list[float]) -> str:
    zeros = sum(value <= 0 for value in values)
    text = f"{len(values)} values; both axes logarithmic"
    return text + (f"; {zeros} are 0 and have no place on them" if zeros else "")


def _listed(spectrum: Tensor) -> list[float]:
    values: list[float] = spectrum.detach().to("cpu", torch.float64).tolist()
    return values
