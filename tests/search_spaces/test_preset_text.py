"""A preset written as a file reads back as the same space."""

import re
from pathlib import Path

import pytest

from search_spaces import get, method_names, own_preset, presets
from search_spaces.preset_text import preset_text


def optimizer_of(described: str) -> str:
    found = re.search(r"\(optimizer (\w+)\)", described)
    return found[1] if found else "adamw"


@pytest.mark.parametrize("method", method_names())
def test_every_preset_reads_back_as_it_is(tmp_path: Path, method: str) -> None:
    for preset, described in presets(method).items():
        optimizer = optimizer_of(described)
        for views in (False, True):
            space = get(method, optimizer=optimizer, preset=preset, views=views)
            text = preset_text(space, optimizer=optimizer, preset=preset, views=views)
            (tmp_path / "it.yaml").write_text(text, encoding="utf-8")
            own = own_preset(tmp_path / "it.yaml")
            assert own.searched == space
            assert list(own.searched) == list(space)


def test_it_says_what_is_known_and_what_is_held() -> None:
    text = preset_text(get("mmcr", preset="quick"), optimizer="adamw", preset="quick")
    assert "extends: quick" in text
    assert "  # unit: per 256 images of a batch; " in text
    assert "  # collapses a run: far below 1e-4" in text
    assert "#   weight_decay: 0.01    held by the preset quick" in text


def test_a_space_without_anything_to_search() -> None:
    space = get("simclr").freeze(get("simclr").defaults)
    assert "space: {}" in preset_text(space, optimizer="adamw", preset="default")
