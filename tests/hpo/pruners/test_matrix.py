"""Every pruner on every storage, in both directions, with all that trials may report."""

import math
import pickle
from collections.abc import Iterator

import optuna
import pytest

from hpo.pruners import (
    CollapsePruner,
    CombinedPruner,
    GoldilocksPruner,
    HalvingPruner,
    report_rung,
)
from hpo.pruners.rule_pruner import DecidingPruner
from hpo.pruning import GOLDILOCKS
from tests.hpo.pruners.studies import (
    DEAD,
    EPOCH,
    STORAGES,
    Direction,
    Shelf,
    attrs,
    frozen,
    reported,
)

ZONE = {"zone": GOLDILOCKS, "measure": "alpha_req"}
PRUNERS = {
    "collapse": CollapsePruner(),
    "zone": GoldilocksPruner(**ZONE),
    "zone among peers": GoldilocksPruner(**ZONE, share=0.5),
    "halving": HalvingPruner(),
    "halving by a measure": HalvingPruner(measure="alpha_req", direction="minimize"),
    "combined": CombinedPruner(
        [CollapsePruner(), GoldilocksPruner(**ZONE, share=0.5), HalvingPruner()]
    ),
}
NOT_COLLAPSE = {name for name in PRUNERS if name != "collapse"}
KINDS = {
    "collapse": "collapse",
    "zone": "zone",
    "zone among peers": "zone",
    "halving": "halving",
    "halving by a measure": "halving",
    "combined": "collapse",
}


@pytest.fixture(scope="module", params=STORAGES)
def shelf(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shelf]:
    shelf = Shelf(request.param, tmp_path_factory.mktemp(request.param))
    yield shelf
    shelf.close()


@pytest.fixture(params=["maximize", "minimize"])
def direction(request: pytest.FixtureRequest) -> Direction:
    return request.param


@pytest.fixture(params=sorted(PRUNERS))
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def study(shelf: Shelf, direction: Direction, name: str) -> optuna.Study:
    """Three trials that have done well at the epoch: as few as anybody is compared with."""
    study = shelf.study(PRUNERS[name], direction)
    for number in range(3):
        reported(study, good(direction) + number / 10, alpha=1.0 + number / 100)
    return study


def good(direction: Direction) -> float:
    return 50.0 if direction == "maximize" else -50.0


def stopped(study: optuna.Study, trial: optuna.Trial) -> bool:
    """The verdict; the pure decision and what is stored must agree with it."""
    assert isinstance(study.pruner, DecidingPruner)
    decision = study.pruner.decide(study, frozen(study, trial))
    verdict = trial.should_prune()
    assert verdict is decision.stop
    stored = attrs(study, trial)
    assert ("outcome" in stored) is verdict
    if verdict:
        assert stored[f"decision/{frozen(study, trial).last_step}"] == {
            "order": 0,
            "stop": True,
            "reason": decision.reason,
            "kind": decision.kind,
            "evidence": decision.evidence,
        }
        assert stored["outcome"] == {"kind": decision.kind, "reason": decision.reason}
    return verdict


def test_without_a_report_or_with_a_good_one_nobody_is_stopped(
    study: optuna.Study, direction: Direction
) -> None:
    assert not stopped(study, study.ask())
    best = good(direction) + (1 if direction == "maximize" else -1)
    assert not stopped(study, reported(study, best))


def test_what_is_not_finite_stops_wherever_values_are_compared(
    study: optuna.Study, name: str
) -> None:
    for value in (math.nan, math.inf, -math.inf):
        assert stopped(study, reported(study, value, value)) is (name in NOT_COLLAPSE)


def test_where_nobody_else_reported_only_a_fixed_zone_can_stop(
    study: optuna.Study, name: str
) -> None:
    trial = reported(study, 0.0, alpha=3.0, epoch=EPOCH + 1)
    assert stopped(study, trial) is (name == "zone")
    # And after a gap: what lies between is not made up.
    trial = reported(study, 0.0, alpha=1.0, epoch=2)
    report_rung(trial, EPOCH + 30, 0.0, {"alpha_req": 3.0})
    assert stopped(study, trial) is (name == "zone")


def test_after_a_gap_who_reports_where_others_did_is_judged(study: optuna.Study) -> None:
    trial = reported(study, 0.0, alpha=1.0, epoch=2)
    assert not trial.should_prune()
    report_rung(trial, EPOCH, 0.0, {"alpha_req": 3.0}, DEAD)
    assert stopped(study, trial)


def test_a_repeated_report_changes_nothing(
    study: optuna.Study, name: str, direction: Direction
) -> None:
    trial = reported(study, 0.0, alpha=3.0, finding=DEAD)
    assert stopped(study, trial)
    before = dict(attrs(study, trial))
    report_rung(trial, EPOCH, good(direction), {"alpha_req": 1.0})
    assert trial.should_prune()
    assert attrs(study, trial) == before
    assert attrs(study, trial)["outcome"]["kind"] == KINDS[name]  # type: ignore[index]


def test_another_process_gives_the_same_verdict(
    shelf: Shelf, study: optuna.Study, name: str
) -> None:
    """With its own storage, its own pruner and a trial that it found there."""
    trial = reported(study, 0.0, alpha=3.0, finding=DEAD)
    fine = reported(study, 51.0)
    pruner = pickle.loads(pickle.dumps(PRUNERS[name]))
    again = shelf.again(study, pruner)
    for one in (trial, fine):
        here = PRUNERS[name].decide(study, frozen(study, one))
        assert pruner.decide(again, frozen(again, one)) == here
    assert pruner.prune(again, frozen(again, trial))
    assert trial.should_prune()
    assert attrs(again, trial)["outcome"]["kind"] == KINDS[name]  # type: ignore[index]


def test_a_collapse_is_told_to_the_sampler_and_nothing_else_is(
    study: optuna.Study, name: str
) -> None:
    trial = reported(study, 0.0, alpha=3.0, finding=DEAD)
    assert trial.should_prune()
    assert trial.should_prune()
    assert frozen(study, trial).constraints == (
        {"collapse": 1.0} if KINDS[name] == "collapse" else {}
    )
    assert ("collapse" in attrs(study, trial)) is (KINDS[name] == "collapse")
    # Who has ended is judged without a trace.
    ended = reported(study, 0.0, alpha=3.0, finding=DEAD)
    study.tell(ended, 0.0)
    assert study.pruner.prune(study, frozen(study, ended))
    assert "outcome" not in attrs(study, ended)
