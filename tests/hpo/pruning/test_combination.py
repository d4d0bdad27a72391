"""Several rules as one."""

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpo.decision import GO_ON, Decision
from hpo.errors import ConfigError
from hpo.history import Finding, History, Reading
from hpo.pruning import CollapseRule, FirstStop, HalvingRule, ZoneRule

HERE = Reading(0, 6, 1.0)
STOP = Decision(True, "too far", "zone", {"place": 3})
NOTE = Decision(False, "seen once")


@dataclass(frozen=True)
class Says:
    decision: Decision

    def decide(self, reading: Reading, history: History) -> Decision:
        return self.decision


decisions = st.lists(
    st.sampled_from([GO_ON, NOTE, STOP, Decision(True, "place 4 of 4", "halving")]), min_size=1
)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(said=decisions)
def test_the_first_that_stops_decides_and_its_words_stay(said: list[Decision]) -> None:
    decision = FirstStop(tuple(Says(one) for one in said)).decide(HERE, History())
    stops = [one for one in said if one.stop]
    if stops:
        assert decision is stops[0]
    else:
        assert not decision.stop
        assert decision.reason == "; ".join(one.reason for one in said if one.reason)


def test_if_nobody_stops_and_nobody_speaks_it_goes_on() -> None:
    assert FirstStop((Says(GO_ON), Says(GO_ON))).decide(HERE, History()) == GO_ON


def test_no_rule_is_asked_after_a_stop() -> None:
    @dataclass(frozen=True)
    class NeverAsk:
        def decide(self, reading: Reading, history: History) -> Decision:
            raise RuntimeError("asked")

    assert FirstStop((Says(STOP), NeverAsk())).decide(HERE, History()) == STOP


def test_the_real_rules_in_their_order() -> None:
    dead = Finding("constant", "backbone", "dead")
    readings = tuple(Reading(n, 6, float(n), {"alpha_req": 1.0}) for n in range(4))
    bad = Reading(9, 6, -1.0, {"alpha_req": 3.0}, dead)
    rules = (CollapseRule(), ZoneRule(), HalvingRule("maximize"))
    history = History((*readings, bad))
    kinds = [FirstStop(rules[first:]).decide(bad, history).kind for first in range(len(rules))]
    assert kinds == ["collapse", "zone", "halving"]


def test_no_rules_at_all() -> None:
    with pytest.raises(ConfigError, match="rules: got none; wanted at least one"):
        FirstStop(())
