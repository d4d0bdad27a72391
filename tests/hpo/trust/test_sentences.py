"""What can and what cannot be known."""

from __future__ import annotations

from hpo.trust import TrialEvidence, sentences, trust
from hpo.trust.evidence import StudyEvidence
from tests.hpo.trust.made import EPOCH, in_order, made_study, made_trial


def said(study: StudyEvidence) -> dict[str, str]:
    return dict(sentences(trust(study)))


def test_what_selection_does_is_said_with_the_counts() -> None:
    stopped = [TrialEvidence(30 + i, "pruned", at_end=False) for i in range(5)]
    stopped += [TrialEvidence(40, "collapsed", at_end=False), made_trial(41, 1.0)]
    stopped += [made_trial(42, 1.0, barred="has not moved")]
    assert said(in_order(9, others=stopped))["selected"] == (
        "This is over 9 of the 17 trials started; left out: 5 pruned, 1 collapsed, 1 barred from "
        "the choice and 1 not probed. Among the selected a correlation is usually nearer to 0 than "
        "among all, and it says nothing of those left out."
    )
    assert "selected" not in said(in_order(9))


def test_ties_name_the_trials_and_what_they_rest_on() -> None:
    assert said(in_order(9, n_tested=2000))["ties"] == (
        "On 2,000 labelled images an accuracy of 0.660 cannot be told from one 3.6 points lower. "
        "So trial 8 may be no better than trial 7. What other seeds would change is not in this: "
        "no configuration was repeated."
    )
    clear = said(in_order(9, n_tested=10**6))["ties"]
    assert "Trial 8: ahead of all others by more than that." in clear
    again = made_trial(50, 8.0, 0.70, replicate_of=8)
    assert "Seeds move accuracy by 2.8 points" in said(in_order(9, others=[again]))["ties"]


def test_picks_name_the_study_s_own_choice_where_it_is_another() -> None:
    text = said(in_order(9, chosen=5))["picks"]
    assert "rankme picks trial 8 of the probed: accuracy 0.660, the best" in text
    assert "A random one of them loses 8.0 points on average." in text
    assert text.endswith(
        "The study chose trial 5, by its shortlist and the objective: 6.0 points below the best."
    )
    assert (
        "by its probes and the objective: 6.0"
        in said(in_order(9, chosen=5, chosen_by_probe=True))["picks"]
    )
    assert "The study chose" not in said(in_order(9, chosen=8))["picks"]
    assert "chose trial 99, which was not probed" in said(in_order(9, chosen=99))["picks"]


def test_a_favourite_nobody_probed_is_named() -> None:
    study = made_study([1.0, 2.0, 9.0], [0.5, 0.6])
    assert said(study)["picks"].endswith("Of all that may be chosen it picks trial 2, not probed.")


def test_without_labels_it_says_what_can_be_known_all_the_same() -> None:
    trials = tuple(
        TrialEvidence(i, rungs={3: {"a": -float(i), "b": 1.0}, EPOCH: {"a": float(i), "b": -i}})
        for i in range(4)
    )
    again = TrialEvidence(9, rungs={EPOCH: {"a": 3.4, "b": 0.0}}, replicate_of=3)
    study = StudyEvidence((*trials, again), "a", EPOCH, {"a": "maximize", "b": "maximize"})
    found = said(study)
    assert found == {
        "selected": "This is over 0 of the 4 trials started; left out: 4 not probed.",
        "agreement": "a agrees most with b (τ = −1.00). Measures that agree may be wrong together.",
        "epochs": "Its order on the way against its order at epoch 9: τ = −1.00 at epoch 3.",
        "seeds": (
            "Its first, trial 3, is 1 ahead of trial 2; another seed moves the measure by 0.283 "
            "(standard deviation, 1 configuration repeated): more than seeds explain."
        ),
    }


def test_the_best_of_many_measures_is_said_to_look_too_good() -> None:
    trials = tuple(
        TrialEvidence(
            i, rungs={EPOCH: {"a": -float(i), "b": float(i)}}, accuracies={"linear": 0.5 + i / 20}
        )
        for i in range(8)
    )
    study = StudyEvidence(trials, "a", EPOCH, {"a": "maximize", "b": "maximize"}, {"linear": 100})
    assert said(study)["measures"] == (
        "Of 2 measures b came closest to the probe's order (τ = 1.00) and a was farthest from it "
        "(τ = −1.00); the best of many, known afterwards, looks better than it is."
    )
