"""The plots in a real Chromium: drawn when seen, hovered, narrowed, changed, on a telephone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.hpo.report.webpage.browsing import draw, is_dark, opened

pytestmark = pytest.mark.slow
PLOTS = ("curves", "spectra", "landscape", "parallel")


def test_every_plot_is_drawn_when_it_comes_into_view(page: Any) -> None:
    for name in PLOTS:
        plot = draw(page, name)
        assert plot.locator(".scatterlayer .trace").count() >= 2, name
        assert "chosen" in plot.locator(".legend").text_content(), name
    # In both colours, and quietly: the button repaints all of them.
    page.get_by_role("button", name="Dark").click()
    page.wait_for_function("!document.querySelector('.plot[aria-busy]')")


def test_what_the_filter_leaves_out_is_left_out_of_the_plots(page: Any) -> None:
    plot = draw(page, "curves")
    assert "finished" in plot.locator(".legend").text_content()
    page.locator("#filter-state").select_option("collapsed")
    page.wait_for_function(
        "node => !node.querySelector('.legend').textContent.includes('finished')",
        arg=plot.element_handle(),
    )
    assert "collapsed or failed (8)" in plot.locator(".legend").text_content()


def test_hovering_tells_which_trial_a_line_is(page: Any) -> None:
    plot = draw(page, "curves")
    points = plot.locator(".scatterlayer .trace").last.locator(".points path")
    points.last.hover(force=True)
    label = plot.locator(".hoverlayer .hovertext").first
    label.wait_for(state="attached")
    assert re.match(r"trial \d+ \(finished\)epoch 54guarded_rank [\d.]+", label.text_content())


def test_the_reader_chooses_measure_and_axes(page: Any) -> None:
    plot = draw(page, "curves")
    page.locator("#curves-measure").select_option("alpha_req")
    page.wait_for_function(
        "node => node.querySelector('.ytitle')?.textContent === 'alpha_req'",
        arg=plot.element_handle(),
    )
    assert page.locator("#curves-note").inner_text() == "best near 1"
    landscape = draw(page, "landscape")
    names = page.locator("#landscape-across option").all_inner_texts()
    page.locator("#landscape-across").select_option(names[2])
    page.wait_for_function(
        "([node, name]) => node.querySelector('.xtitle')?.textContent === name",
        arg=[landscape.element_handle(), names[2]],
    )


def test_plots_fit_a_telephone(browser: Any, file: Path) -> None:
    with opened(browser, file, viewport={"width": 390, "height": 844}) as page:
        for name in PLOTS:
            draw(page, name)
        assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_paper_is_white_and_everything_is_unfolded(browser: Any, file: Path) -> None:
    with opened(browser, file, color_scheme="dark") as page:
        folded = page.locator("details:not([open])")
        assert folded.count() > 0
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert not is_dark(page)
        assert folded.count() == 0
        page.wait_for_function("document.querySelectorAll('[data-plot]:not(.drawn)').length === 0")
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert is_dark(page)
