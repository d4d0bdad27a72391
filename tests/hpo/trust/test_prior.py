"""What is known from elsewhere, and nothing where there is nothing."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from hpo.errors import StorageError
from hpo.trust import PriorEvidence, sentences, trust
from hpo.trust.prior import read_priors
from tests.hpo.trust.made import made_study

PRIOR = PriorEvidence("rankme", 12, 0.4, -0.25, 0.7, 1.5, 4.0, "twelve studies of digits")


def test_records_are_read() -> None:
    assert read_priors(json.dumps([{**asdict(PRIOR), "more": 1}])) == (PRIOR,)


@pytest.mark.parametrize("text", ["{", "[1]", '[{"measure": "rankme"}]', "3"])
def test_something_else_is_an_error(text: str) -> None:
    with pytest.raises(StorageError, match=r"prior\.json: got something else"):
        read_priors(text)


def test_it_is_told_and_without_it_nothing_is_claimed() -> None:
    study = made_study([1.0, 2.0, 3.0])
    assert "elsewhere" not in dict(sentences(trust(study)))
    told = dict(sentences(trust(made_study([1.0, 2.0, 3.0], priors=(PRIOR,)))))["elsewhere"]
    assert told == (
        "Elsewhere, over 12 studies with all trials probed, its τ was 0.40 in the median (−0.25 to "
        "0.70) and its pick 1.5 points below the best, a random one 4.0 points (twelve studies of "
        "digits)."
    )
    other = PriorEvidence("lidar", 12, 0.4, 0.1, 0.7, 1.5, 4.0, "elsewhere")
    assert "elsewhere" not in dict(sentences(trust(made_study([1.0, 2.0], priors=(other,)))))
