"""Trust as JSON."""

from __future__ import annotations

import json

from hpo.trust import as_json, headline, trust
from tests.hpo.trust.made import in_order, made_study


def test_it_is_strict_json_with_all_figures() -> None:
    found = trust(in_order(9, chosen=3))
    back = json.loads(json.dumps(as_json(found), allow_nan=False))
    assert back["headline"] == headline(found)
    assert back["measures"][0]["tau"]["linear"]["value"] == 1.0
    assert back["band"]["best"] == [8]
    assert back["choice"]["numbers"] == [3]
    assert back["population"]["started"] == 9
    assert set(back["sentences"]) == {"picks", "ties", "seeds"}


def test_what_is_undefined_is_null() -> None:
    back = json.loads(json.dumps(as_json(trust(made_study([1.0] * 4, [0.5]))), allow_nan=False))
    assert back["measures"][0]["tau"]["linear"]["value"] is None
    assert back["measures"][0]["tau"]["linear"]["undefined"] == "1 trial, at least 3 wanted"
    assert back["agreement"]["tau"] == [[None]]
