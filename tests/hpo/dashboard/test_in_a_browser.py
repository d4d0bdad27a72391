"""The dashboard itself, in a real Chromium: the spectrum and the reason of a trial are there."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hpo.dashboard import Describing, dashboard_command, describe_study
from hpo.storage import StudyDirectory
from tests.hpo.dashboard.made import begin, end, made_study
from tests.hpo.recorded import choose

pytest.importorskip("optuna_dashboard")
pytestmark = pytest.mark.slow
WHY = "few dimensions: rank 2.0 of 64 <b>now</b> & 40 before"


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> StudyDirectory:
    """A study as it is after a run, with one trial described later."""
    study, directory = made_study(tmp_path_factory.mktemp("shown") / "a study")
    describing = Describing(study, directory)
    end(begin(study, alpha=1.1), describing)
    end(begin(study, alpha=2.0, epochs=(1, 3)), describing, kind="collapse", reason=WHY)
    end(begin(study, alpha=0.9), None)
    choose(study, 0, [0, 2])
    describe_study(study, directory)
    return directory


@pytest.fixture(scope="module")
def address(directory: StudyDirectory) -> Iterator[str]:
    """Of a dashboard that was started by the very command that we print."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [f"{Path(sys.executable).parent}/{dashboard_command(directory)}"]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    server = subprocess.Popen(" ".join(("exec", *command)), shell=True, stderr=subprocess.DEVNULL)
    try:
        for _ in range(240):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/api/studies").close()
                break
            except OSError:
                time.sleep(0.25)
        yield f"http://127.0.0.1:{port}/dashboard/studies/1"
    finally:
        server.terminate()
        server.wait()


@pytest.fixture(scope="module")
def page(browser: Any, address: str) -> Any:
    page = browser.new_page(viewport={"width": 1300, "height": 1000})
    page.set_default_timeout(60_000)
    return page


def screenshot(page: Any, name: str) -> None:
    """Keep a picture for a person to look at, where one asks for it."""
    if folder := os.environ.get("GOLDILOCKS_SCREENSHOTS"):
        page.screenshot(path=f"{folder}/{name}.png")


def drawn(page: Any) -> list[int]:
    """Widths of all pictures of spectra, as the browser decoded them; 0 for a broken one."""
    page.wait_for_selector("img")
    page.wait_for_function("[...document.images].every(image => image.complete)")
    widths: list[int] = page.eval_on_selector_all("img", "all => all.map(i => i.naturalWidth)")
    return widths


def test_a_collapsed_trial_shows_its_spectrum_and_the_reason(page: Any, address: str) -> None:
    page.goto(f"{address}/trials?numbers=1")
    page.get_by_text("at epoch 3 of 9", exact=False).first.wait_for()
    assert WHY in page.inner_text("body")  # nothing of it was taken for markup
    assert drawn(page) == [560, 560]  # in the note, and among the artifacts
    assert "constraint/collapse 1" in page.inner_text("body")
    screenshot(page, "dashboard-collapsed")


def test_a_trial_that_was_described_later_shows_the_same(page: Any, address: str) -> None:
    page.goto(f"{address}/trials?numbers=2")
    page.get_by_text("at epoch 9 of 9", exact=False).first.wait_for()
    assert drawn(page) == [560, 560]
    screenshot(page, "dashboard-later")


def test_the_study_says_what_was_chosen(page: Any, address: str) -> None:
    page.goto(f"{address}/note")
    page.get_by_text("trial 0: highest rankme", exact=False).first.wait_for()
    screenshot(page, "dashboard-study")
    page.goto(address)
    page.locator(".ytitle", has_text="rankme").first.wait_for()  # the axis bears the name
