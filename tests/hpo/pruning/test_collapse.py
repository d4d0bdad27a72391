"""Collapse: what was found in two layers' reports, and when it stops a trial."""

import dataclasses
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hpo.decision import GO_ON, Decision
from hpo.errors import ConfigError
from hpo.history import Finding, History, Reading
from hpo.pruning import CollapseRule, findings
from hpo.pruning.collapse import KINDS
from objectives import CollapseReport, EmbeddingStatistics, collapse_report

ALIVE = CollapseReport(None, "", {})
DEAD = CollapseReport("constant", "the embeddings are all but equal: spread 0.01", {"spread": 0.01})
UNTRAINED = EmbeddingStatistics(spread=1.0, total_variance=10.0, mean_square_norm=4.0, rank=100.0)


def clear(report: CollapseReport, reference: EmbeddingStatistics | None = UNTRAINED) -> bool:
    found = findings(report, ALIVE, references=(reference, None))
    assert found is not None
    return found.clear


def report(kind: str, **evidence: float) -> CollapseReport:
    return CollapseReport(kind, kind, evidence)  # type: ignore[arg-type]


# Findings


def test_two_living_layers_show_nothing() -> None:
    assert findings(ALIVE, ALIVE) is None


@pytest.mark.parametrize(
    ("backbone", "projector", "named"),
    [(DEAD, ALIVE, "backbone"), (ALIVE, DEAD, "projector"), (DEAD, DEAD, "backbone")],
)
def test_a_dead_layer_is_named_with_its_evidence(
    backbone: CollapseReport, projector: CollapseReport, named: str
) -> None:
    reason = f"{named} collapsed, constant: {DEAD.reason}"
    assert findings(backbone, projector) == Finding("constant", named, reason, clear=True)


def test_a_real_report_is_found() -> None:
    found = findings(ALIVE, collapse_report(torch.full((8, 4), torch.nan)))
    assert found is not None
    assert found.clear
    assert "projector collapsed, not finite: 8 of 8" in found.reason


@pytest.mark.parametrize(
    ("kind", "figure", "near", "far"),
    [
        ("constant", "spread", 0.09, 0.06),
        ("unmoved", "moved", 0.09, 0.06),
        ("dimensional", "rank", 14.0, 9.0),  # a share of 0.15 of 100
        ("shrunk", "total_variance", 1.9, 1.3),  # a share of 0.2 of 10
        ("exploded", "mean_square_norm", 410.0, 610.0),  # 100 times 4
    ],
)
def test_only_what_lies_far_beyond_its_threshold_is_clear(
    kind: str, figure: str, near: float, far: float
) -> None:
    assert not clear(report(kind, **{figure: near}))
    assert clear(report(kind, **{figure: far}))


def test_a_figure_of_zero_or_none_at_all_is_clear() -> None:
    assert clear(report("dimensional", rank=0.0))
    assert clear(report("unmoved", moved=float("nan")))
    assert clear(report("not finite", n_not_finite=3.0))


def test_without_a_reference_a_share_is_clear_and_an_absolute_rank_is_judged() -> None:
    assert clear(report("shrunk", total_variance=1.9), None)
    assert clear(report("dimensional", rank=14.0), None)
    assert not clear(report("dimensional", rank=1.9), None)
    assert clear(report("dimensional", rank=1.2), None)


def test_far_beyond_one_of_two_thresholds_of_rank_is_clear() -> None:
    small = dataclasses.replace(UNTRAINED, rank=12.5)
    # 1.9 is near the least rank of 2 and near 0.15 · 12.5 = 1.875; far below 0.15 · 100.
    assert not clear(report("dimensional", rank=1.8), small)
    assert clear(report("dimensional", rank=1.8), UNTRAINED)


WELL = CollapseReport(None, "", {"rank": 100.0})
BOTH = (UNTRAINED, UNTRAINED)


@pytest.mark.parametrize("kind", ["constant", "shrunk", "exploded", "dimensional"])
@pytest.mark.parametrize(
    ("gain", "dead"), [(3.0, False), (1.11, False), (1.1, True), (0.5, True), (math.nan, True)]
)
def test_a_projector_counts_where_the_backbone_gained_nothing(
    kind: str, gain: float, dead: bool
) -> None:
    lost = CollapseReport(None, "", {"rank": 10.0})
    found = findings(lost, report(kind, rank=1.0), references=BOTH, gain=gain)
    assert (found is not None) == dead
    if found is not None:
        told = f"{gain:.2f} times as often as untrained"
        assert (told in found.reason) == math.isfinite(gain)
        # What many of the best begin with must be seen again.
        assert found.clear == (kind == "constant")


@pytest.mark.parametrize("gain", [0.5, 3.0, math.nan])
def test_a_backbone_and_what_is_not_finite_count_whatever_was_gained(gain: float) -> None:
    for dead in (DEAD, report("dimensional", rank=1.0)):
        found = findings(dead, ALIVE, references=BOTH, gain=gain)
        assert found == findings(dead, ALIVE, references=BOTH)
        assert found is not None
    broken = findings(WELL, report("not finite", n_not_finite=1.0), references=BOTH, gain=gain)
    assert broken is not None
    assert broken.clear


def test_few_dimensions_of_a_projector_count_where_the_backbone_lost_rank_too() -> None:
    thin = report("dimensional", rank=5.0)
    for rank, dead in ((100.0, False), (25.1, False), (25.0, True), (16.0, True)):
        backbone = CollapseReport(None, "", {"rank": rank})
        for gain in (math.nan, 0.5):
            found = findings(backbone, thin, references=BOTH, gain=gain)
            assert (found is not None) == dead, rank
    # Of a backbone that nobody measured nothing is known, and other kinds always count.
    assert findings(ALIVE, thin, references=BOTH) is not None
    assert findings(WELL, thin, references=(None, UNTRAINED)) is not None
    shrunk = report("shrunk", total_variance=0.1)
    assert findings(WELL, shrunk, references=BOTH) is not None


# The rule


def seen(epoch: int, kind: str | None, *, is_clear: bool = False, trial: int = 0) -> Reading:
    found = None if kind is None else Finding(kind, "backbone", f"{kind} at {epoch}", is_clear)
    return Reading(trial, epoch, 1.0, finding=found)


def judged(*readings: Reading, **changed: object) -> Decision:
    rule = CollapseRule(**changed)  # type: ignore[arg-type]
    return rule.decide(readings[-1], History(readings))


def test_what_is_alive_goes_on() -> None:
    assert judged(seen(6, None)) == GO_ON


def test_a_clear_collapse_stops_at_once_with_its_reason_and_evidence() -> None:
    assert judged(seen(6, "dimensional", is_clear=True)) == Decision(
        True,
        "dimensional at 6",
        "collapse",
        {"finding": "dimensional", "layer": "backbone", "seen": 1},
    )


@pytest.mark.parametrize("kind", ["not finite", "constant", "undefined"])
def test_where_noise_cannot_play_once_is_enough(kind: str) -> None:
    assert judged(seen(6, kind), patience=5).stop


def test_near_its_threshold_a_collapse_must_be_seen_in_a_row() -> None:
    first = judged(seen(6, "shrunk"))
    assert not first.stop
    assert first.kind == ""
    assert "near its threshold and seen once, stopped when seen at 2 rungs" in first.reason
    assert judged(seen(6, "shrunk"), seen(18, "dimensional")).stop
    assert not judged(seen(6, "shrunk"), seen(12, None), seen(18, "shrunk")).stop
    assert judged(seen(6, "shrunk"), seen(6, "shrunk", trial=1)).stop is False
    assert not judged(seen(2, "shrunk"), seen(6, "shrunk"), patience=3).stop
    assert judged(seen(2, "shrunk"), seen(6, "shrunk"), seen(18, "shrunk"), patience=3).stop


def test_only_the_kinds_asked_for_count() -> None:
    kinds = frozenset({"constant"})
    assert judged(seen(6, "dimensional", is_clear=True), kinds=kinds) == GO_ON
    assert judged(seen(6, "constant"), kinds=kinds).stop
    assert judged(seen(6, "collapse", is_clear=True), kinds=kinds).stop
    both = frozenset({"shrunk", "unmoved"})
    assert not judged(seen(2, "dimensional"), seen(6, "shrunk"), kinds=both).stop


def test_a_reading_that_the_history_does_not_hold_counts_all_the_same() -> None:
    """A replicate is nobody's peer, and not in the history."""
    assert CollapseRule(patience=1).decide(seen(6, "shrunk"), History()).stop


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"patience": 0}, "patience: got 0; wanted at least 1"),
        ({"kinds": frozenset({"odd", "constant"})}, r"kinds: got \['odd'\]; wanted some of"),
    ],
)
def test_impossible_arguments(changed: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        CollapseRule(**changed)  # type: ignore[arg-type]


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    kinds=st.lists(st.sampled_from([None, *sorted(KINDS)]), min_size=1, max_size=6),
    others=st.lists(st.sampled_from([None, *sorted(KINDS)]), max_size=6),
    patience=st.integers(1, 4),
)
def test_no_other_trial_changes_the_verdict(
    kinds: list[str | None], others: list[str | None], patience: int
) -> None:
    own = [seen(epoch, kind) for epoch, kind in enumerate(kinds)]
    theirs = [seen(epoch, kind, trial=1) for epoch, kind in enumerate(others)]
    rule = CollapseRule(patience=patience)
    alone = rule.decide(own[-1], History(tuple(own)))
    assert rule.decide(own[-1], History((*theirs, *reversed(own)))) == alone
