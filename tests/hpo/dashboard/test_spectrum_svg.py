"""The picture of a trial's spectra."""

import math
import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from hpo.dashboard.spectrum import Spectrum
from hpo.dashboard.spectrum_svg import fitted_ends, spectrum_svg

RANKS = tuple(range(1, 101))


def spectrum(
    alpha: float = 1.0, *, shown: float | None = None, r_squared: float = 0.99
) -> Spectrum:
    values = tuple(k**-alpha for k in RANKS)
    return Spectrum(
        6, RANKS, values, 100, alpha=alpha if shown is None else shown, r_squared=r_squared
    )


def points(svg: str) -> list[tuple[float, float]]:
    path = re.search(r'class="points"[^>]* d="([^"]*)"', svg)
    assert path is not None
    return [(float(x), float(y)) for x, y in re.findall(r"M([\d.]+) ([\d.]+)h0", path[1])]


def line(svg: str) -> dict[str, float]:
    found = re.search(r'<line class="fit"[^>]*>', svg)
    assert found is not None
    return {name: float(value) for name, value in re.findall(r'([xy][12])="([\d.]+)"', found[0])}


def test_it_is_one_small_document_that_loads_nothing() -> None:
    svg = spectrum_svg("trial 3", [spectrum(), spectrum(1.2)])
    ElementTree.fromstring(svg)
    assert len(svg) < 10_000
    assert "script" not in svg
    assert re.findall(r"https?://[^\"]+", svg) == ["http://www.w3.org/2000/svg"]


def test_a_power_law_is_a_straight_line_and_its_fit_lies_on_it() -> None:
    svg = spectrum_svg("trial 3", [spectrum(1.5)])
    drawn, fit = points(svg), line(svg)
    assert len(drawn) == 100
    slopes = [(y2 - y1) / (x2 - x1) for (x1, y1), (x2, y2) in pairwise(drawn[:6])]
    assert slopes == pytest.approx([slopes[0]] * 5, rel=0.02)
    assert (fit["x1"], fit["y1"]) == pytest.approx(drawn[3], abs=0.2)  # rank 4
    assert (fit["x2"], fit["y2"]) == pytest.approx(drawn[99], abs=0.2)


def test_a_doubtful_fit_is_dashed_and_an_impossible_one_is_left_out() -> None:
    assert "stroke-dasharray" in spectrum_svg("t", [spectrum(r_squared=0.8)])
    assert "stroke-dasharray" not in spectrum_svg("t", [spectrum(r_squared=0.99)])
    assert "<line" not in spectrum_svg("t", [spectrum(shown=math.nan)])
    assert "no power law" in spectrum_svg("t", [spectrum(shown=math.nan)])


def test_zeros_have_no_place_on_the_axes() -> None:
    flat = Spectrum(6, (1, 2, 3), (1.0, 0.5, 0.0), 3)
    assert len(points(spectrum_svg("t", [flat]))) == 2
    assert fitted_ends(flat) is None


def test_earlier_rungs_are_thin_lines() -> None:
    svg = spectrum_svg("t", [spectrum(0.5), spectrum(0.8), spectrum()])
    assert svg.count('class="before"') == 2


def test_a_title_cannot_be_markup() -> None:
    svg = spectrum_svg("<script>alert(1)</script>", [spectrum()])
    assert "<script" not in svg
    assert "&lt;script&gt;" in svg


def test_nothing_to_draw_is_said() -> None:
    with pytest.raises(ValueError, match="no eigenvalue above 0"):
        spectrum_svg("t", [Spectrum(6, (1, 2), (0.0, 0.0), 2)])


@pytest.mark.parametrize("n", [2, 7, 4096])
def test_any_number_of_ranks_fits_into_the_picture(n: int) -> None:
    shown = tuple(range(1, min(n, 100) + 1))
    svg = spectrum_svg("t", [Spectrum(1, (*shown, n), tuple(1 / k for k in (*shown, n)), n)])
    assert all(0 <= x <= 560 and 0 <= y <= 360 for x, y in points(svg))
