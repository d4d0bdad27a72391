"""The head: the figures that say whether the chosen trial is as it should be, and its facts."""

from __future__ import annotations

from pathlib import Path

import optuna

from hpo.report.webpage.heading import Figure, Heading, heading_of
from hpo.report.webpage.material import Material
from hpo.storage import StudyDirectory
from tests.hpo.report.webpage.made_pages import add, choose, empty_study

PROBE = {"reported": 0.7, "cross_validated": 0.7, "n_reported": 50.0, "seconds": 1.0}


def heading(study: optuna.Study, out: Path, *, running: bool = False) -> Heading:
    return heading_of(Material.of(study, StudyDirectory(out), running=running))


def figures(study: optuna.Study, out: Path) -> dict[str, Figure]:
    return {figure.name: figure for figure in heading(study, out).figures}


def test_what_is_as_it_should_be_and_what_is_not(tmp_path: Path) -> None:
    study = empty_study(tmp_path, least_moved=0.1, zone="0.8..1.2")
    choose(study, add(study, guarded_rank=2.5, alpha_req=1.31, moved=0.05))
    found = figures(study, tmp_path)
    assert found["guarded_rank"] == Figure("guarded_rank", "2.5", "higher is better")
    assert found["α of the spectrum"].note == "outside the zone [0.8, 1.2]"
    assert (found["α of the spectrum"].good, found["moved from the start"].good) == (False, False)
    choose(study, add(study, alpha_req=1.1, moved=0.4))
    found = figures(study, tmp_path)
    assert (found["α of the spectrum"].good, found["moved from the start"].good) == (True, True)


def test_without_a_zone_the_published_one_is_named_and_judges_nobody(tmp_path: Path) -> None:
    study = empty_study(tmp_path)
    choose(study, add(study, alpha_req=1.9))
    found = figures(study, tmp_path)["α of the spectrum"]
    assert found.good is None
    assert found.note == "[0.8, 1.2] is the zone of α-ReQ's authors; this study has none"


def test_a_zone_that_was_given_is_the_zone(tmp_path: Path) -> None:
    study = empty_study(tmp_path, zone="1.3..1.5")
    choose(study, add(study, alpha_req=1.4))
    assert figures(study, tmp_path)["α of the spectrum"].note == "inside the zone [1.3, 1.5]"


def test_the_probe_stands_beside_the_untrained_network(tmp_path: Path) -> None:
    study = empty_study(tmp_path)
    choose(study, add(study))
    study.set_user_attr("probe/0", PROBE)
    for untrained, good in ((0.5, True), (0.8, False)):
        study.set_user_attr("probe/untrained", {**PROBE, "reported": untrained})
        found = figures(study, tmp_path)["linear probe"]
        assert (found.value, found.good) == ("0.700", good)
        assert found.note.endswith(f"untrained: {untrained:.3f}")


def test_a_choice_may_still_change_while_the_study_runs(tmp_path: Path) -> None:
    study = empty_study(tmp_path)
    choose(study, add(study), "best of them")
    assert heading(study, tmp_path).why == "Best of them."
    found = heading(study, tmp_path, running=True)
    assert found.state == "running"
    assert found.why == ("Best of them. The study is running again: the choice may still change.")


def test_facts_name_method_data_date_and_trials(tmp_path: Path) -> None:
    study = empty_study(tmp_path)
    for end in ("finished", "collapse", "zone"):
        add(study, end)
    add(study, attrs={"replicate_of": 0, "seed": 1})
    lines = dict(heading(study, tmp_path).lines)
    assert lines["method"] == "simclr, auto, 54 epochs"
    assert lines["data"] == "digits; 8 × 8 pixels; 336 images to train on, 64 to measure on"
    assert lines["trials"] == (
        "3 started, 1 finished, 1 collapsed, 1 out of zone, 1 replicate under other seeds"
    )
    assert lines["date"].endswith("; 1m 30s of work")
