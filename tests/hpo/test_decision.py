import dataclasses

import pytest

from hpo.decision import GO_ON, Decision


def test_going_on_needs_no_explanation() -> None:
    assert Decision(stop=False) == GO_ON
    assert (GO_ON.stop, GO_ON.reason, GO_ON.kind) == (False, "", "")


def test_a_decision_is_compared_by_what_it_says() -> None:
    assert Decision(True, "why", "halving") == Decision(True, "why", "halving")
    assert Decision(True, "why", "halving") != Decision(True, "why", "budget")


def test_a_decision_cannot_be_changed_afterwards() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        GO_ON.stop = True  # type: ignore[misc]
