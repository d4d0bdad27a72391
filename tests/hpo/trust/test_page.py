"""Lines for the end of a run."""

from __future__ import annotations

from hpo.trust import TrialEvidence, headline, trust, trust_lines
from hpo.trust.evidence import StudyEvidence
from tests.hpo.trust.made import in_order, made_study


def test_one_line_with_the_headline_and_who_was_left_out() -> None:
    stopped = [TrialEvidence(30, "pruned", at_end=False)]
    found = trust(in_order(9, others=stopped))
    ((title, text),) = trust_lines(found)
    assert title == "trust"
    assert text.startswith(headline(found))
    assert "9 of the 10 trials started; left out: 1 pruned." in text


def test_without_probes_it_says_what_can_be_known() -> None:
    ((_, text),) = trust_lines(trust(made_study([1.0, 2.0, 3.0])))
    assert "cannot be known: no trial was probed." in text
    assert "trial 2, is 1 ahead of trial 1" in text
    assert "left out" not in text


def test_everything_is_a_line_each() -> None:
    lines = trust_lines(trust(in_order(9)), everything=True)
    assert [title for title, _ in lines] == ["trust", "picks", "ties", "seeds"]


def test_nothing_is_said_before_there_is_anything_to_compare() -> None:
    nothing = StudyEvidence((), "rankme", 0, {"rankme": "maximize"})
    assert trust_lines(trust(nothing)) == []
    dead = (TrialEvidence(0, "collapsed", at_end=False),)
    assert trust_lines(trust(StudyEvidence(dead, "rankme", 0, {"rankme": "maximize"}))) == []
