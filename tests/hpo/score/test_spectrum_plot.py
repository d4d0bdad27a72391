"""The page with the spectrum: whole, right in its numbers, and in need of nothing else."""

from __future__ import annotations

import json
import re
import sys
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
import torch

from hpo.errors import ConfigError
from hpo.score.spectrum_plot import fitted_line, spectrum_page
from objectives.alpha_req import AlphaFit, fit_power_law
from tests.hpo.score.standins import a_file, alive, not_finite

VOID = {"meta", "br", "link", "img", "input"}
LOADING = {"src", "href", "srcset", "data", "action", "poster"}


class Page(HTMLParser):
    """Keeps elements, text and scripts, and fails on tags that do not match."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.scripts: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            self.scripts[-1] += data
        elif self.open and self.open[-1] != "style":
            self.text += data

    def figure(self, name: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """The traces and the layout that a figure is drawn from."""
        script = next(s for s in self.scripts if f'"{name}"' in s and "Plotly.newPlot(" in s[:600])
        decoder, found, start = json.JSONDecoder(), [], script.index("Plotly.newPlot(")
        for opening in (r"\[", r"\{"):
            start = start + re.search(opening, script[start:]).start()  # type: ignore[union-attr]
            value, start = decoder.raw_decode(script, start)
            found.append(value)
        return found[0], found[1]


@pytest.fixture(scope="module")
def html() -> str:
    return spectrum_page(alive(), a_file(), layer="backbone")


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


def test_it_is_one_whole_page(page: Page, html: str) -> None:
    assert html.startswith("<!DOCTYPE html>")
    tags = [tag for tag, _ in page.tags]
    assert [tags.count(tag) for tag in ("html", "head", "body", "title", "main")] == [1] * 5
    assert ("meta", {"charset": "utf-8"}) in page.tags


def test_it_loads_nothing(page: Page, html: str) -> None:
    assert not [attrs for _, attrs in page.tags if LOADING & set(attrs)]
    assert not {tag for tag, _ in page.tags} & {"link", "img", "iframe", "object", "embed"}
    outside = html
    for script in page.scripts:
        outside = outside.replace(script, "")
    assert not re.search(r"https?:|@import|url\(", outside)
    libraries = [script for script in page.scripts if len(script) > 1_000_000]
    assert len(libraries) == 1
    assert "plotly.js v" in libraries[0][:200]


def test_the_library_comes_before_the_figures_and_once(html: str) -> None:
    assert html.count("* plotly.js v") == 1
    assert html.index("* plotly.js v") < html.index('document.getElementById("eigenvalues")')


def test_the_eigenvalues_over_their_ranks(page: Page) -> None:
    traces, layout = page.figure("eigenvalues")
    wanted = alive().covariance_eigenvalues[:58].numpy()
    assert traces[0]["x"] == list(range(1, 59))
    np.testing.assert_array_equal(traces[0]["y"], wanted)
    assert layout["xaxis"]["type"] == layout["yaxis"]["type"] == "log"
    assert "60 values; both axes logarithmic; 2 are 0 and have no place on them" in page.text


def test_the_fit_over_its_range(page: Page) -> None:
    traces, layout = page.figure("eigenvalues")
    assert traces[1]["x"] == [4, 50]
    np.testing.assert_allclose(traces[1]["y"], [5 * 4**-1.5, 5 * 50**-1.5], rtol=1e-12)
    assert traces[1]["name"] == "power law, α = 1.500"
    assert traces[1]["line"]["dash"] == "solid"
    (band,) = layout["shapes"]
    assert (band["x0"], band["x1"], band["yref"]) == (4, 50, "paper")


def test_the_singular_values(page: Page) -> None:
    traces, _ = page.figure("singular-values")
    np.testing.assert_array_equal(traces[0]["y"], alive().singular_values[:58].numpy())
    assert len(traces) == 1


def test_the_figures_of_the_title(page: Page) -> None:
    assert "α = 1.5, valid: R² 1.000 over ranks 4 to 50; 0.3 above the zone [0.8, 1.2]" in page.text
    assert "RankMe = 41.531" in page.text
    assert "not collapsed" in page.text
    assert "200 samples of 60 dimensions, float32; no views; backbone" in page.text
    for word in ("measure", "lidar", "needs views"):
        assert word in page.text


def test_light_dark_wide_and_narrow(page: Page, html: str) -> None:
    assert ("meta", "width=device-width, initial-scale=1") in [
        (tag, attrs.get("content")) for tag, attrs in page.tags
    ]
    assert html.count("prefers-color-scheme: dark") >= 2
    assert '"responsive": true' in html
    assert "Plotly.Plots.resize" in html
    for name in ("eigenvalues", "singular-values"):
        layout = page.figure(name)[1]
        assert layout["paper_bgcolor"] == layout["plot_bgcolor"] == "rgba(0, 0, 0, 0)"
        assert "width" not in layout


def test_the_line_goes_through_noisy_eigenvalues_as_the_fit_does() -> None:
    rng = np.random.default_rng(0)
    noisy = np.sort(np.arange(1.0, 121) ** -1 * np.exp(0.3 * rng.normal(size=120)))[::-1]
    fit = fit_power_law(noisy.copy())
    ranks, line = fitted_line(noisy.tolist(), fit)
    k = np.arange(4, 101)
    slope, level = np.polyfit(np.log(k), np.log(noisy[3:100]), 1, w=k**-0.5)
    np.testing.assert_allclose(line, np.exp(level + slope * np.log(ranks)), rtol=1e-9)


def test_a_poor_fit_is_dotted_and_said_to_be_poor() -> None:
    values = torch.exp(-0.2 * torch.arange(1, 101, dtype=torch.float64))
    poor = alive(covariance_eigenvalues=values, alpha=fit_power_law(values))
    page = Page(spectrum_page(poor, a_file(), layer="backbone"))
    assert "not valid: R² 0." in page.text
    assert page.figure("eigenvalues")[0][1]["line"]["dash"] == "dot"


def test_without_a_line_the_spectrum_is_drawn_all_the_same() -> None:
    nan = AlphaFit(float("nan"), float("nan"), 4, 6, 3)
    page = Page(spectrum_page(alive(alpha=nan), a_file(), layer="backbone"))
    assert len(page.figure("eigenvalues")[0]) == 1
    assert "no line through ranks 4 to 6" in page.text
    none = AlphaFit(float("nan"), float("nan"), 4, 2, 0)
    short = alive(alpha=none, covariance_eigenvalues=torch.ones(2, dtype=torch.float64))
    assert (
        not Page(spectrum_page(short, a_file(), layer="b")).figure("eigenvalues")[1].get("shapes")
    )
    bare = Page(spectrum_page(alive(alpha=None, values=()), a_file(), layer="backbone"))
    assert "α =" not in bare.text
    assert "RankMe =" not in bare.text


def test_singular_values_alone_bring_the_library() -> None:
    html = spectrum_page(alive(covariance_eigenvalues=None), a_file(), layer="backbone")
    assert html.count("* plotly.js v") == 1
    assert Page(html).figure("singular-values")


def test_not_finite_is_a_page_that_says_so() -> None:
    html = spectrum_page(not_finite(), a_file(), layer="backbone")
    page = Page(html)
    assert "collapsed (not finite): 3 of 200" in page.text
    assert "no spectrum to draw" in page.text
    assert 'class="collapsed"' in html
    assert "newPlot" not in html


def test_names_are_escaped() -> None:
    name = "<script>alert(1)</script>&.npy"
    html = spectrum_page(not_finite(), a_file(name=name), layer="backbone")
    assert name not in html
    assert name in Page(html).text


def test_the_same_page_every_time(html: str) -> None:
    assert spectrum_page(alive(), a_file(), layer="backbone") == html


def test_without_plotly_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "plotly.io", None)
    with pytest.raises(ConfigError, match=r"--plot: plotly cannot be imported.*pip install"):
        spectrum_page(alive(), a_file(), layer="backbone")
