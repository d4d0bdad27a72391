"""Tables as people and screen readers get them."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace

from hpo.trust import StudyEvidence, TrialEvidence, trust
from hpo.trust.html_tables import agreement_table, measures_table, probes_table, rungs_table
from tests.hpo.trust.made import EPOCH, in_order, made_study


def two_measures() -> StudyEvidence:
    trials = tuple(
        TrialEvidence(
            i,
            rungs={
                3: {"a": float(i), "b<i>": float(i % 2)},
                EPOCH: {"a": float(i), "b<i>": -float(i) if i else float("nan")},
            },
            accuracies={"linear": 0.5 + i / 20, "few_shot_5": 0.4 + i / 20},
        )
        for i in range(9)
    )
    measures = {"a": "maximize", "b<i>": "maximize"}
    return StudyEvidence(trials, "a", EPOCH, measures, {"linear": 400, "few_shot_5": 200})


def rows(html: str) -> list[list[str]]:
    root = ET.fromstring(f"<div>{html}</div>".replace("class=chosen", 'class="chosen"'))
    return [["".join(cell.itertext()) for cell in row] for row in root.iter("tr")]


def test_each_measure_has_a_row_with_its_figures() -> None:
    head, first, second = rows(measures_table(trust(two_measures())))
    assert head[:5] == ["measure", "τ", "95 % interval", "", "ρ"]
    assert head[5:] == ["top 3", "its pick", "accuracy", "points below the best", "without a value"]
    assert first[:2] == ["a", "1.00"]
    assert first[4:] == ["1.00", "3", "8", "0.900", "0.0", ""]
    assert second[0:2] == ["b<i>", "−1.00"]
    assert second[5:] == ["0", "1", "0.550", "35.0", "1"]


def test_the_objectives_row_is_marked_and_headers_are_headers() -> None:
    html = measures_table(trust(two_measures()))
    assert html.count("<tr class=chosen>") == 1
    assert html.count('scope="row"') == 2
    assert html.count('scope="col"') == 9
    assert "by chance 1.0." in html
    assert 'tabindex="0" role="region" aria-label="Each measure' in html


def test_what_is_undefined_is_a_dash_that_says_why() -> None:
    html = measures_table(trust(made_study([1.0] * 9, [0.5 + i / 20 for i in range(9)])))
    assert '<span title="all 9 scores are equal">–</span>' in html
    assert rows(html)[1][4] == "–"


def test_other_probes_and_rungs() -> None:
    found = trust(two_measures())
    assert rows(probes_table(found)) == [
        ["measure", "linear probe", "5 labels a class"],
        ["a", "1.00", "1.00"],
        ["b<i>", "−1.00", "−1.00"],
    ]
    assert rows(rungs_table(found))[:2] == [
        ["measure", "epoch 3, own end", "epoch 3, probe"],
        ["a", "1.00", "1.00"],
    ]
    assert probes_table(trust(in_order(9))) == ""
    assert rungs_table(trust(in_order(9))) == ""


def test_rungs_without_probes_have_no_column_for_them() -> None:
    study = two_measures()
    bare = tuple(replace(t, accuracies={}) for t in study.trials)
    found = trust(replace(study, trials=bare, n_tested={}))
    assert rows(rungs_table(found))[0] == ["measure", "epoch 3, own end"]


def test_agreement_is_a_square() -> None:
    found = trust(two_measures())
    assert rows(agreement_table(found, ["a", "b<i>"])) == [
        ["measure", "a", "b<i>"],
        ["a", "1.00", "−1.00"],
        ["b<i>", "−1.00", "1.00"],
    ]
    assert agreement_table(found, ["a"]) == ""
