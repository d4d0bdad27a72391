"""The page in a real Chromium: quiet, offline, sorted, filtered, by keyboard, in both themes."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.hpo.report.webpage.browsing import column, is_dark, low_contrast, numbers, opened
from tests.hpo.report.webpage.made_pages import N_TRIALS


def test_text_and_table_are_there_before_any_plot(page: Any, file: Path) -> None:
    assert file.stat().st_size < 5e6
    assert page.locator("h1").inner_text() == "Trial 0 was chosen"
    assert len(numbers(page)) == N_TRIALS
    assert page.evaluate("typeof Plotly") == "undefined"


def test_headings_sort_both_ways_and_say_so(page: Any) -> None:
    button = page.get_by_role("button", name="α", exact=True)
    heading = page.locator("#trials-table thead th", has=button)
    button.click()
    assert heading.get_attribute("aria-sort") == "ascending"
    rising = column(page, "α")
    assert len(rising) == N_TRIALS
    assert rising == sorted(rising)
    button.click()
    assert heading.get_attribute("aria-sort") == "descending"
    assert column(page, "α") == sorted(rising, reverse=True)


def test_what_is_unknown_sorts_last_either_way(page: Any) -> None:
    button = page.get_by_role("button", name="why it ended")
    for _ in range(2):
        button.click()
        states = page.locator("#trials-table tbody tr").evaluate_all(
            "rows => rows.map(row => row.dataset.state)"
        )
        n_finished = states.count("finished")
        assert set(states[-n_finished:]) == {"finished"}


def test_state_and_text_narrow_the_table(page: Any) -> None:
    page.locator("#filter-state").select_option("collapsed")
    left = numbers(page)
    assert {number % 7 for number in left} == {5}
    assert page.locator("#filter-count").inner_text() == f"{len(left)} of {N_TRIALS} trials"
    page.get_by_role("button", name="Show all").click()
    page.wait_for_function(
        f"document.getElementById('filter-count').value.startsWith('{N_TRIALS} ')"
    )
    page.locator("#filter-text").fill("ZONE for a")
    assert {number % 7 for number in numbers(page)} == {3}


def test_a_range_keeps_what_lies_in_it(page: Any) -> None:
    page.locator("#filter-column").select_option("lr")
    page.locator("#filter-low").fill("0.001")
    page.locator("#filter-high").fill("0.01")
    left = column(page, "lr")
    assert 0 < len(left) < N_TRIALS
    assert all(0.001 <= value <= 0.01 for value in left)


def test_the_row_under_the_pointer_is_marked(page: Any) -> None:
    row = page.locator("#trials-table tbody tr").nth(1)
    paint = "row => getComputedStyle(row.cells[2]).backgroundColor"
    plain = row.evaluate(paint)
    row.hover()
    assert row.evaluate(paint) != plain


def test_the_keyboard_reaches_everything(page: Any) -> None:
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "result"
    page.locator("#trials-table .sort").first.focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.locator("#trials-table thead th").nth(1).get_attribute("aria-sort") == "ascending"
    unreachable = page.evaluate("""() => [...document.querySelectorAll(".scroll, pre")]
      .filter((each) => each.tabIndex !== 0).length""")
    assert unreachable == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_contrast_in_both_themes_and_the_button_changes_them(
    browser: Any, file: Path, scheme: str
) -> None:
    with opened(browser, file, color_scheme=scheme) as page:
        assert is_dark(page) == (scheme == "dark")
        assert low_contrast(page) == []
        page.get_by_role("button", name="Dark").click()
        assert is_dark(page) == (scheme == "light")
        assert low_contrast(page) == []


def test_a_telephone_needs_no_sideways_scrolling(browser: Any, file: Path) -> None:
    with opened(browser, file, viewport={"width": 390, "height": 844}) as page:
        assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_pictures_have_words_and_headings_have_an_order(page: Any) -> None:
    assert page.locator("img:not([alt]), img[alt='']").count() == 0
    assert page.locator("img").count() >= 6
    levels = page.evaluate(
        "[...document.querySelectorAll('h1,h2,h3')].map(h => Number(h.tagName[1]))"
    )
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    named = page.evaluate("""() => [...document.querySelectorAll("input, select, button")]
      .filter((each) => !(each.labels?.length || each.textContent.trim())).length""")
    assert named == 0
