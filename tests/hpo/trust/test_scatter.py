"""The measure against the probe as a picture."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from hpo.trust import StudyEvidence, trust
from hpo.trust.scatter import dots_of, scatter, ticks
from tests.hpo.trust.made import in_order, made_study, made_trial

SVG = "{http://www.w3.org/2000/svg}"


def drawn(study: StudyEvidence) -> ET.Element:
    text = scatter(trust(study), dots_of(study))
    return ET.fromstring(text.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))


def circles(root: ET.Element) -> dict[str, tuple[float, float]]:
    found = root.findall(f"{SVG}circle")
    return {
        (c.findtext(f"{SVG}title") or "").split(":")[0]: (
            float(c.get("cx", 0)),
            float(c.get("cy", 0)),
        )
        for c in found
    }


def test_dots_inside_the_band_are_those_tied_with_the_best() -> None:
    study = in_order(9, n_tested=800)
    root, band = drawn(study), trust(study).band
    assert band is not None
    rect = root.find(f"{SVG}rect")
    assert rect is not None
    top, height = float(rect.get("y", 0)), float(rect.get("height", 0))
    inside = {name for name, (_, y) in circles(root).items() if top <= y <= top + height}
    assert inside == {f"trial {n}" for n in band.numbers}
    assert 1 < len(inside) < 9


def test_dots_stand_in_the_order_of_their_figures() -> None:
    places = circles(drawn(in_order(5)))
    across = [places[f"trial {i}"][0] for i in range(5)]
    up = [places[f"trial {i}"][1] for i in range(5)]
    assert across == sorted(across)
    assert up == sorted(up, reverse=True)  # y grows downwards
    assert 58 < across[0] < across[-1] < 624
    assert 14 < up[-1] < up[0] < 334


def test_pick_and_choice_are_named_and_barred_dots_are_hollow() -> None:
    barred = made_trial(20, 0.5, 0.4, barred="has not moved")
    root = drawn(in_order(6, chosen=2, others=[barred]))
    texts = [t.text for t in root.findall(f"{SVG}text")]
    assert "5: the measure's pick" in texts
    assert "2: chosen" in texts
    fills = {c.findtext(f"{SVG}title"): c.get("fill") for c in root.findall(f"{SVG}circle")}
    assert [title for title, fill in fills.items() if fill == "none"] == [
        "trial 20: rankme 0.5, accuracy 0.400; barred from the choice"
    ]
    assert "5: the measure's pick, chosen" in [
        t.text for t in drawn(in_order(6, chosen=5)).findall(f"{SVG}text")
    ]


@pytest.mark.parametrize("study", [in_order(1), made_study([2.0] * 4, [0.5] * 4)])
def test_one_trial_or_equal_ones_can_be_drawn(study: StudyEvidence) -> None:
    assert len(circles(drawn(study))) == len(study.trials)


def test_without_probes_nothing_is_drawn() -> None:
    study = made_study([1.0, 2.0])
    assert scatter(trust(study), dots_of(study)) == ""


@pytest.mark.parametrize(
    ("low", "high", "wanted"),
    [
        (0.0, 10.0, [0, 2, 4, 6, 8, 10]),
        (-0.3, 0.31, [-0.2, 0, 0.2]),
        (1e6, 3e6, [1e6, 1.5e6, 2e6, 2.5e6, 3e6]),
    ],
)
def test_ticks_are_round(low: float, high: float, wanted: list[float]) -> None:
    assert ticks(low, high) == pytest.approx(wanted)
