"""What a study cost, summed up from recorded studies."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpo.budget import Spend
from hpo.costs import PHASES, costs_from, costs_of
from hpo.record import TrialRow
from tests.hpo.recorded import add_session, add_trial, recorded_study


def test_every_part_has_its_price_and_they_sum_to_all_workers_time(tmp_path: Path) -> None:
    study = recorded_study(tmp_path)
    add_trial(study, "finished")  # 9 s of training, 1 s of measuring
    add_trial(study, "halving", epoch=3, train=3.0, lost_epochs=2)
    add_trial(study, "collapse", epoch=1, train=1.0, measure=0.5)
    add_trial(study, "finished", replicate_of=0)
    study.set_user_attr("probe/0", {"seconds": 4.0})
    study.set_user_attr("probe/untrained", {"seconds": 3.0})
    add_session(study, 20.0, workers=2)
    add_session(study, 10.0, number=1)
    costs = costs_of(study)
    assert costs.wall_seconds == 30.0
    assert costs.phases == pytest.approx(
        {"train": 13.0, "measure": 2.5, "probe": 7.0, "replicate": 10.0, "lost": 2.0, "idle": 15.5}
    )
    assert costs.total_seconds == pytest.approx(50.0)
    assert costs.lost == Spend(device_seconds=2.0, epochs=2.0, images=2000.0)
    assert costs.by_state["pruned"] == Spend(device_seconds=4.0, epochs=3.0, images=3000.0)
    assert costs.by_state["finished"].epochs == 18.0
    assert [trial.total_seconds for trial in costs.trials] == pytest.approx([14.0, 6.0, 1.5, 10.0])
    assert costs.spend == Spend(
        wall_seconds=30.0, device_seconds=34.5, epochs=24.0, images=24_000.0, probe_seconds=7.0
    )


def test_work_in_progress_is_not_lost(tmp_path: Path) -> None:
    study = recorded_study(tmp_path)
    add_trial(study, None, epoch=3, train=3.0, lost_epochs=2)
    add_session(study, 10.0)
    for running in (True, False):
        costs = costs_of(study, running=running)
        assert costs.phases["train"] == 6.0
        assert costs.lost == Spend()
        assert costs.spend.epochs == 5.0


def test_several_devices_count_each(tmp_path: Path) -> None:
    study = recorded_study(tmp_path, devices=2)
    add_trial(study, "finished")
    study.set_user_attr("spent", {})
    add_session(study, 12.0)
    costs = costs_of(study)
    assert (costs.phases["train"], costs.phases["measure"], costs.phases["idle"]) == (
        18.0,
        2.0,
        4.0,
    )
    assert costs.total_seconds == 24.0


def test_a_study_that_says_nothing_of_what_it_spent_counts_by_its_seconds() -> None:
    row = TrialRow(0, "finished", 9, 5.0, {}, "", 9.0, 1.0, {}, images_per_second=100.0)
    costs = costs_from([row], {"session/0": {"seconds": 12.0}})
    assert (costs.phases["train"], costs.phases["lost"], costs.phases["idle"]) == (9.0, 0.0, 2.0)
    assert costs.lost == Spend()
    assert (costs.spend.epochs, costs.spend.images) == (9.0, 900.0)


def test_probes_beside_the_workers_leave_no_negative_idle_time(tmp_path: Path) -> None:
    study = recorded_study(tmp_path)
    add_trial(study, "finished")
    study.set_user_attr("probe/0", {"seconds": 4.0})
    add_session(study, 11.0)
    costs = costs_of(study)
    assert costs.phases["idle"] == 0.0
    assert costs.total_seconds == pytest.approx(14.0)


def test_a_study_without_trials() -> None:
    assert costs_from([], {}).total_seconds == 0.0


seconds = st.floats(0, 1e6)
rows = st.builds(
    TrialRow,
    number=st.integers(0, 100),
    state=st.sampled_from(["finished", "running", "interrupted", "pruned", "collapsed", "failed"]),
    epoch=st.integers(0, 9),
    objective=st.just(1.0),
    values=st.just({}),
    reason=st.just(""),
    train_seconds=seconds,
    measure_seconds=seconds,
    hyperparameters=st.just({}),
    images_per_second=st.one_of(st.just(math.nan), st.floats(0, 1e4)),
    replicate_of=st.one_of(st.none(), st.integers(0, 100)),
    spent=st.one_of(
        st.just({}),
        st.fixed_dictionaries(
            {
                "epochs": st.floats(0, 100),
                "images": st.integers(0, 10**9),
                "device_seconds": seconds,
            }
        ),
    ),
)


@given(trials=st.lists(rows, max_size=6), session=seconds)
@settings(max_examples=200)
def test_the_parts_are_never_negative_and_sum_to_the_whole(
    trials: list[TrialRow], session: float
) -> None:
    attrs = {"session/0": {"seconds": session, "workers": 2}, "config": {"batch_size": 10}}
    costs = costs_from(trials, attrs)
    assert tuple(costs.phases) == PHASES
    assert all(part >= 0 for part in costs.phases.values())
    assert costs.total_seconds == pytest.approx(sum(costs.phases.values()))
    assert costs.total_seconds >= 2 * session * (1 - 1e-12)
    assert sum(t.total_seconds for t in costs.trials) + costs.phases["idle"] == pytest.approx(
        costs.total_seconds
    )
    assert costs.lost.epochs >= 0
    assert costs.lost.images >= 0
