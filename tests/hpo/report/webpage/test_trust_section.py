"""The report's section, as HTML that stands on its own."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path
from types import SimpleNamespace

import optuna
import pytest

from hpo.report.webpage.trust_section import section_of, trust_section
from hpo.trust import StudyEvidence, TrialEvidence, headline, read_evidence, trust
from tests.hpo.recorded import add_trial, recorded_study
from tests.hpo.trust.made import EPOCH

EVIL = "<script>alert(1)</script>"


def parsed(html: str) -> ET.Element:
    """It is well-formed: every tag is closed."""
    return ET.fromstring(f"<div>{html}</div>".replace("class=chosen", 'class="chosen"'))


def text_of(root: ET.Element) -> str:
    return " ".join("".join(root.itertext()).split())


@pytest.fixture
def study(tmp_path: Path) -> optuna.Study:
    study = recorded_study(tmp_path)
    study.set_user_attr("images", {"train": 9, "measure": 9, "probe": 400, "skipped": 0})
    for i in range(9):
        add_trial(study, "finished", objective=float(i), alpha=1.0 + i / 10)
        accuracy = {"cross_validated": 0.5 + i / 20, "reported": 0.5 + i / 20, "n_reported": 200.0}
        study.set_user_attr(f"probe/{i}", accuracy)
    return study


def test_a_study_has_its_headline_picture_and_tables(study: optuna.Study) -> None:
    html = trust_section(SimpleNamespace(study=study))
    root, found = parsed(html), trust(read_evidence(study))
    assert headline(found) in text_of(root)
    assert len(root.findall(".//circle")) >= 9
    tables = root.findall(".//table")
    assert len(tables) == 2
    assert all(table.get("aria-label") for table in tables)
    assert "Do the measures agree?" in text_of(root)


def test_without_probes_there_is_no_picture_and_it_says_so(tmp_path: Path) -> None:
    study = recorded_study(tmp_path)
    for i in range(4):
        add_trial(study, "finished", objective=float(i))
    root = parsed(trust_section(SimpleNamespace(study=study)))
    assert root.findall(".//svg") == []
    assert "cannot be known: no trial was probed" in text_of(root)


def test_before_there_is_anything_to_compare() -> None:
    empty = trust_section(SimpleNamespace(study=optuna.create_study()))
    assert "nothing to compare" in text_of(parsed(empty))


def test_whatever_a_name_holds_is_text() -> None:
    trials = tuple(
        TrialEvidence(
            i,
            state=EVIL,
            at_end=i > 0,
            rungs={3: {EVIL: 1.0, "b": 1.0}, EPOCH: {EVIL: float(i), "b": -float(i)}},
            accuracies={"linear": 0.5 + i / 20, EVIL: 0.4 + i / 20},
        )
        for i in range(10)
    )
    measures = {EVIL: "maximize", "b": "maximize"}
    study = StudyEvidence(trials, EVIL, EPOCH, measures, {"linear": 400, EVIL: 200})
    html = section_of(study, trust(study))
    root = parsed(html)
    assert "<script" not in html
    assert root.findall(".//script") == []
    assert text_of(root).count(EVIL) > 10


def test_it_needs_no_network_and_no_script(study: optuna.Study) -> None:
    html = trust_section(SimpleNamespace(study=study))
    for word in ("http", "src=", "<script", "@import", "url("):
        assert word not in html
