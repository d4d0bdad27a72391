"""The sections of the READMEs: filled between their marks, from results as they are stored."""

import re

import pytest

from benchmarks.tabular import pages


def test_a_section_is_filled_and_what_stands_around_it_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pages, "sections", lambda: {"some thing": lambda: "| new |"})
    mark = "<!-- some thing: made by benchmarks.tabular.pages -->"
    text = f"before\n\n{mark}\nold\n<!-- end -->\n\nafter <!-- end -->\n"
    made = pages.filled(text)
    assert made == f"before\n\n{mark}\n\n| new |\n\n<!-- end -->\n\nafter <!-- end -->\n"
    assert pages.filled(made) == made


def test_a_section_that_nothing_makes_is_an_error() -> None:
    with pytest.raises(KeyError, match="odd"):
        pages.filled("<!-- odd: made by benchmarks.tabular.pages -->\n<!-- end -->")


def test_every_section_of_both_readmes_is_made_and_closed() -> None:
    for file in pages.READMES:
        text = file.read_text(encoding="utf-8")
        opened = re.findall(r"<!-- ([a-z ]+): made by", text)
        assert set(opened) <= set(pages.sections())
        assert len(opened) == len(set(opened)) == text.count("<!-- end -->")


def test_every_figure_is_filled_in() -> None:
    made = {name: make() for name, make in pages.sections().items()}
    assert [name for name, text in made.items() if re.search(r"[{}]|nan|None", text)] == []
