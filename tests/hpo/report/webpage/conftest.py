"""A page of sixty trials, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hpo.report.webpage import write_report
from hpo.storage import StudyDirectory
from tests.hpo.report.webpage.browsing import opened
from tests.hpo.report.webpage.made_pages import N_TRIALS, sized_study


@pytest.fixture(scope="session")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("browser") / "photos"
    out.mkdir()
    study = sized_study(out, N_TRIALS)
    return write_report(study, StudyDirectory(out), out / "report.html", running=False)


@pytest.fixture
def page(browser: Any, file: Path) -> Iterator[Any]:
    with opened(browser, file) as page:
        yield page
