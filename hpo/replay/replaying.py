"""Decide a recorded study again: the same events, the same decision code, any rule."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from hpo.decision import GO_ON, Decision
from hpo.history import History, Reading, Rule
from hpo.replay.events import BreakOff, Event, Probe, Report, Verdict
from hpo.replay.growing_history import GrowingHistory

Allow = Callable[[int, int], Decision]


@dataclass(frozen=True)
class Redecision:
    """A decision made again.

    Args:
        trial: that it is about.
        epoch: of the rung.
        recorded: what was decided then; None where the study recorded no decision.
        new: what is decided now.
    """

    trial: int
    epoch: int
    recorded: Decision | None
    new: Decision

    @property
    def same(self) -> bool:
        """Whether verdict, kind, reason and every figure of the evidence are equal."""
        return self.recorded is not None and _plain(self.recorded) == _plain(self.new)


@dataclass(frozen=True)
class End:
    """Where a trial ends in a replay.

    Args:
        epoch: of the last rung that counts; 0 before the first.
        kind: of the decision or the break that ended it; "unknown" where the trial goes on and the
            record ends.
        reason: one sentence.
        given: whether no rule decided it: the trial broke off so in the record.
    """

    epoch: int
    kind: str
    reason: str
    given: bool = False


@dataclass(frozen=True)
class Replay:
    """A study decided again.

    Args:
        redecisions: in the order in which they were made; none of what a trial did after its end.
        ends: of the trials that were stopped, broke off or became unknown; the others went
            through to the end of their record.
        readings: of each trial up to its end, by number; the newest last.
        probed: probe accuracy in [0, 1] by number, of the trials that were not stopped before.
    """

    redecisions: tuple[Redecision, ...]
    ends: Mapping[int, End]
    readings: Mapping[int, tuple[Reading, ...]]
    probed: Mapping[int, float]


def replay(
    events: Iterable[Event], rule: Rule, *, allow: Allow = lambda trial, epoch: GO_ON
) -> Replay:
    """Walk through the events of a study and ask a rule wherever a decision was made.

    The rule sees what it would have seen then: the readings of all trials so far, the trials that
    *it* has stopped as collapsed, the probes so far. The order of arrival is the recorded one.
    What a trial did after the rule stopped it is left out. A trial that was stopped then and now
    goes on is unknown from there; nothing is made up. What no rule decided (a training that broke,
    a budget, an error) is taken as it was.

    Args:
        events: in order.
        rule: that decides.
        allow: whether the budget allows a trial (number) its next rung (epoch); always by default.

    Returns:
        Every decision, then and now, and where each trial ends.
    """
    walk = _Walk(rule, allow)
    for event in events:
        walk.take(event)
    readings = {trial: walk.history.of(trial) for trial in walk.latest}
    return Replay(tuple(walk.redecisions), walk.ends, readings, dict(walk.history.probed))


def as_recorded(events: Iterable[Event]) -> Replay:
    """Walk through the events of a study with the verdicts that were given then."""
    events = tuple(events)
    return replay(events, _Recorded(events))


class _Recorded:
    """Decides what was decided."""

    def __init__(self, events: Iterable[Event]) -> None:
        self._verdicts = {(e.trial, e.epoch): e.decision for e in events if isinstance(e, Verdict)}

    def decide(self, reading: Reading, history: History) -> Decision:
        return self._verdicts[reading.trial, reading.epoch] or GO_ON


@dataclass
class _Walk:
    rule: Rule
    allow: Allow
    history: GrowingHistory = field(default_factory=GrowingHistory)
    latest: dict[int, Reading] = field(default_factory=dict)
    ends: dict[int, End] = field(default_factory=dict)
    ended_as_recorded: set[int] = field(default_factory=set)
    redecisions: list[Redecision] = field(default_factory=list)

    def take(self, event: Event) -> None:
        if event.trial in self.ends:
            # A trial that ended as it did then may have been probed after that.
            if isinstance(event, Probe) and event.trial in self.ended_as_recorded:
                self.history.probe(event.trial, event.accuracy)
            return
        if isinstance(event, Report):
            self._report(event.reading)
        elif isinstance(event, Verdict):
            self._decide(event)
        elif isinstance(event, Probe):
            self.history.probe(event.trial, event.accuracy)
        else:
            self._break_off(event)

    def _report(self, reading: Reading) -> None:
        decision = self.allow(reading.trial, reading.epoch)
        if decision.stop:
            self._end(reading.trial, decision.kind, decision.reason)
            return
        self.latest[reading.trial] = reading
        self.history.add(reading)

    def _decide(self, verdict: Verdict) -> None:
        new, then = self.rule.decide(self.latest[verdict.trial], self.history), verdict.decision
        self.redecisions.append(Redecision(verdict.trial, verdict.epoch, then, new))
        stopped_then = then is not None and then.stop
        if new.stop:
            if new.kind == "collapse":
                self.history.bury(verdict.trial)
            self._end(verdict.trial, new.kind, new.reason, as_recorded=stopped_then)
        elif then is not None and then.stop:
            self._end(
                verdict.trial,
                "unknown",
                f"goes on after epoch {verdict.epoch}, where its record ends ({then.reason})",
            )

    def _break_off(self, event: BreakOff) -> None:
        if event.kind == "collapse":
            self.history.bury(event.trial)
        self._end(event.trial, event.kind, event.reason, as_recorded=True, given=True)

    def _end(
        self, trial: int, kind: str, reason: str, *, as_recorded: bool = False, given: bool = False
    ) -> None:
        if as_recorded:
            self.ended_as_recorded.add(trial)
        last = self.latest.get(trial)
        self.ends[trial] = End(0 if last is None else last.epoch, kind, reason, given)


def _plain(decision: Decision) -> str:
    """A decision as it is stored: nan is nan there, and a tuple is a list."""
    return json.dumps(
        [decision.stop, decision.kind, decision.reason, dict(decision.evidence)], sort_keys=True
    )
