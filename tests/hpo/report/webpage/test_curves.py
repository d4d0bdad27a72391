"""Learning curves: every measure, thinned where there are too many."""

from __future__ import annotations

from pathlib import Path

from hpo.report.webpage.curves import curves_of
from hpo.report.webpage.material import Material
from hpo.storage import StudyDirectory
from tests.hpo.report.webpage.made_pages import add, choose, empty_study, sized_study


def test_a_curve_holds_the_measure_at_every_rung(tmp_path: Path) -> None:
    study = empty_study(tmp_path)
    add(study, "halving", epoch=18, rankme=7.0)
    choose(study, add(study, rankme=float("nan")))
    found = curves_of(Material.of(study, StudyDirectory(tmp_path), running=False))
    names = [each["name"] for each in found["measures"]]
    assert names[:2] == ["guarded_rank", "alpha_req"]
    assert "seconds" not in names
    first, second = found["trials"]
    assert first["epochs"] == [6, 18]
    assert first["values"][names.index("rankme")] == [7.0, 7.0]
    assert second["values"][names.index("rankme")] == [None, None, None]
    assert (first["kind"], first["chosen"], second["chosen"]) == ("stopped", False, True)
    assert found["measures"][1]["note"] == "best near 1"


def test_replicates_have_no_curve_of_their_own(tmp_path: Path) -> None:
    study = empty_study(tmp_path)
    add(study)
    add(study, attrs={"replicate_of": 0, "seed": 1})
    found = curves_of(Material.of(study, StudyDirectory(tmp_path), running=False))
    assert [trial["number"] for trial in found["trials"]] == [0]


def test_too_many_values_leave_an_even_choice_with_the_chosen_trial(tmp_path: Path) -> None:
    study = sized_study(tmp_path, 40, n_measures=5)
    choose(study, 37)
    material = Material.of(study, StudyDirectory(tmp_path), running=False)
    every = curves_of(material)
    n_values = sum(len(t["epochs"]) for t in every["trials"]) * len(every["measures"])
    found = curves_of(material, most_values=n_values // 4)
    kept = {trial["number"] for trial in found["trials"]}
    assert (len(every["trials"]), found["n_trials"]) == (40, 40)
    assert 37 in kept
    assert 9 <= len(kept) <= 11
    ranked = sorted(material.own, key=lambda row: row.objective)
    halves = [sum(row.number in kept for row in part) for part in (ranked[:20], ranked[20:])]
    assert min(halves) >= 4
