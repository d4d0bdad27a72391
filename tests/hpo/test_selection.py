"""From recorded trials to one backbone on disk, with labels and without."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from optuna.trial import TrialState
from safetensors.torch import load_file

from hpo.accuracy_error import standard_error
from hpo.goldilocks.seeds import Run
from hpo.selection import (
    Finalists,
    NothingToChooseError,
    decide_and_hand_over,
    shortlist_and_finalists,
)
from tests.hpo.made_study import MadeStudy, make_study


def choose(made: MadeStudy) -> None:
    online = made.filter()
    decide_and_hand_over(online, shortlist_and_finalists(online))


def accuracies(made: MadeStudy) -> dict[int, float]:
    return {n: made.study.user_attrs[f"probe/{n}"]["cross_validated"] for n in made.probes()}


def test_with_labels_the_best_of_all_that_were_ever_probed_is_chosen(tmp_path: Path) -> None:
    made = make_study(tmp_path / "study", probe_batch=2)
    online = made.filter()
    for place in range(7):
        made.add(objective=float(place), alpha=1.0 + 0.1 * place)
        online.after_trial()
    choose(made)
    found = accuracies(made)
    assert len(found) >= 4
    assert set(made.study.user_attrs["shortlist"]["numbers"]) == set(found)
    listed = {*found, *(int(n) for n in made.study.user_attrs["shortlist"]["excluded"])}
    assert listed == set(range(7))
    chosen = made.study.user_attrs["choice"]
    assert chosen["number"] == max(found, key=lambda n: (found[n], -n))
    assert (chosen["ties"], chosen["spread"]) == ([], None)
    assert len([k for k in made.study.user_attrs if k.startswith("round/")]) == 4
    weights = load_file(made.directory.chosen / "backbone.safetensors")
    expected = made.network(chosen["number"]).state_dict()
    assert all((weights[name] == expected[name]).all() for name in weights)


@pytest.mark.parametrize(("zone", "listed", "chosen"), [(None, [5, 4], 5), ("0.8..1.2", [0, 1], 1)])
def test_without_labels_the_best_or_the_closest_to_a_zone_are_listed_and_the_objective_chooses(
    tmp_path: Path, zone: str | None, listed: list[int], chosen: int
) -> None:
    made = make_study(tmp_path / "study", labels=False, zone=zone)
    for place in range(6):
        made.add(objective=float(place), alpha=1.0 + 0.3 * place)
    choose(made)
    attrs = made.study.user_attrs
    assert attrs["shortlist"]["numbers"] == listed
    assert attrs["choice"]["number"] == chosen
    assert attrs["choice"]["reason"].startswith("highest guarded_alpha of the 2 shortlisted")
    assert made.probes() == []


def test_a_zone_that_was_given_decides_who_is_listed(tmp_path: Path) -> None:
    made = make_study(tmp_path / "study", labels=False, zone="1.9..2.1")
    for place in range(6):
        made.add(alpha=1.0 + 0.2 * place)
    choose(made)
    assert set(made.study.user_attrs["shortlist"]["numbers"]) == {4, 5}


def test_labels_that_only_check_choose_nothing_and_probe_the_chosen_alone(tmp_path: Path) -> None:
    made = make_study(tmp_path / "study", labels=False, check_labels=True)
    for place in range(6):
        made.add(objective=float(place))
    choose(made)
    chosen = made.study.user_attrs["choice"]["number"]
    assert chosen == 5
    assert made.probes() == [5]
    assert {"probe/untrained", "probe/pixels"} <= set(made.study.user_attrs)


def test_when_all_are_probed_for_a_table_the_objective_chooses_still(tmp_path: Path) -> None:
    made = make_study(
        tmp_path / "study", labels=False, check_labels=True, probe_all=True, shortlist_share=1.0
    )
    for place in range(4):
        made.add(objective=-float(place))
    choose(made)
    assert made.probes() == [0, 1, 2, 3]
    assert made.study.user_attrs["choice"]["number"] == 0


def test_a_second_call_probes_nothing_and_chooses_the_same(tmp_path: Path) -> None:
    made = make_study(tmp_path / "study")
    for _ in range(3):
        made.add()
    choose(made)
    before = made.record()
    again = made.again()
    choose(again)
    assert again.record() == before


def test_replicates_are_weighed_and_a_tie_is_recorded_as_a_tie(tmp_path: Path) -> None:
    made = make_study(tmp_path / "study", labels=False, shortlist_share=1.0, finalists=2)
    for objective in (5.0, 5.1, 1.0):
        made.add(objective=objective)
    online = made.filter()
    selected = shortlist_and_finalists(online)
    assert isinstance(selected, Finalists)
    assert selected.numbers == (1, 0)
    runs = {1: [Run(5.1), Run(4.8)], 0: [Run(5.0), Run(5.2)]}
    choice = decide_and_hand_over(online, selected, runs)
    assert (choice.number, choice.ties) == (0, (1,))
    stored = made.study.user_attrs["choice"]
    assert stored == {
        "number": 0,
        "reason": choice.reason,
        "ties": [1],
        "spread": choice.spread,
    }
    assert "tie with trial 1 inside the seed spread ±0.18" in stored["reason"]
    card = json.loads((made.directory.chosen / "card.json").read_text())
    assert card["chosen"]["trial"] == 0


def test_the_objective_takes_finalists_of_those_whose_probes_labels_cannot_tell_apart(
    tmp_path: Path,
) -> None:
    made = make_study(tmp_path / "study", finalists=2)
    objectives = (3.0, 9.0, 1.0, 5.0)
    for objective in objectives:
        made.add(objective=objective)
    online = made.filter()
    selected = shortlist_and_finalists(online)
    found = accuracies(made)
    assert selected.accuracies == found
    least = max(found.values()) - float(
        standard_error(np.array(max(found.values())), online.n_labelled)
    )
    within = sorted((n for n in found if found[n] >= least), key=lambda n: -objectives[n])
    others = sorted((n for n in found if found[n] < least), key=lambda n: (-found[n], n))
    assert selected.numbers == (*within, *others)[:2]


def test_when_nobody_finished_those_who_came_farthest_are_probed(tmp_path: Path) -> None:
    made = make_study(tmp_path / "study")
    for _ in range(2):
        made.add(state=TrialState.PRUNED, outcome={"kind": "budget", "reason": "spent"})
    choose(made)
    assert made.probes() == [0, 1]
    assert made.study.user_attrs["choice"]["number"] in (0, 1)


def test_a_backbone_that_was_not_kept_is_not_chosen(tmp_path: Path) -> None:
    for labels in (True, False):
        made = make_study(tmp_path / str(labels), labels=labels, shortlist_share=1.0)
        for place in range(3):
            made.add(objective=float(place))
        if labels:
            made.filter().last_round([])
            made.prober().trial(2)
        made.directory.checkpoint(2).unlink()
        choose(made)
        assert made.study.user_attrs["choice"]["number"] in (0, 1)
        excluded = made.study.user_attrs["shortlist"]["excluded"]
        assert excluded == {"2": "its checkpoint was not kept"}


def test_nobody_to_choose_is_explained(tmp_path: Path) -> None:
    made = make_study(tmp_path / "study", least_moved=0.4)
    made.add(moved=0.01)
    made.add(state=TrialState.PRUNED, outcome={"kind": "halving", "reason": "fell behind"})
    with pytest.raises(NothingToChooseError, match="trial 0: has not moved away") as raised:
        choose(made)
    assert "trial 1: fell behind" in str(raised.value)
    assert "--least-moved" not in str(raised.value)
