"""Whole studies with labels, replicates and a budget, two trials at once, killed on the way."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import optuna
import pytest

from hpo.ordering import PROBE, ROUND
from hpo.plan import images_per_epoch
from hpo.record import read_rows
from hpo.replay.command import replay_outcome
from hpo.storage import StudyDirectory, load_study
from hpo.study import run_study
from tests.hpo.studies import tiny, tiny_arguments

pytestmark = pytest.mark.slow

_ONLINE = {
    "trials": 9,
    "epochs": 6,
    "labels": True,
    "probe_batch": 2,
    "replicates": 1,
    "finalists": 2,
    "rung_factor": 2,
}


@pytest.fixture(scope="module")
def online(tmp_path_factory: pytest.TempPathFactory) -> optuna.Study:
    return run_study(tiny(tmp_path_factory.mktemp("online") / "study", workers=2, **_ONLINE))


def test_probes_come_in_rounds_within_their_bound(online: optuna.Study) -> None:
    attrs = online.user_attrs
    rounds = [attrs[key] for key in sorted(attrs) if key.startswith(ROUND)]
    probed = {n for each in rounds for n in each["numbers"]}
    assert len(rounds) >= 2
    for h in range(1, len(rounds) + 1):
        n_probed = sum(len(each["numbers"]) for each in rounds[:h])
        assert n_probed <= _ONLINE["probe_batch"] * (math.log(h) + 1) + 1e-9
    again = {r.number for r in read_rows(online, running=False) if r.replicate_of is not None}
    made = {int(k.removeprefix(PROBE)) for k in attrs if k.removeprefix(PROBE).isdigit()}
    assert made == probed | again


def test_finalists_are_repeated_under_one_other_seed_and_count_for_nothing_else(
    online: optuna.Study,
) -> None:
    rows = read_rows(online, running=False)
    again = [row for row in rows if row.replicate_of is not None]
    assert len(again) == 2
    assert len({row.seed for row in again}) == 1
    assert len(rows) - len(again) == _ONLINE["trials"]
    by_number = {row.number: row for row in rows}
    for row in again:
        assert row.replicate_of is not None
        assert row.hyperparameters == by_number[row.replicate_of].hyperparameters
        assert row.objective != by_number[row.replicate_of].objective
    choice = online.user_attrs["choice"]
    assert choice["number"] in {row.replicate_of for row in again}
    assert choice["spread"] > 0


def test_replay_reproduces_every_decision(online: optuna.Study) -> None:
    outcome = replay_outcome(online)
    redecided = outcome.replay.redecisions
    assert len(redecided) > 9
    assert all(again.same for again in redecided)
    again, choice = outcome.comparison.chosen, online.user_attrs["choice"]
    assert again is not None
    assert (again.number, again.reason) == (choice["number"], choice["reason"])
    assert (list(again.ties), again.spread) == (choice["ties"], choice["spread"])


def test_random_draws_do_not_depend_on_what_is_stopped(tmp_path: Path) -> None:
    options = {"trials": 4, "epochs": 2, "sampler": "random"}
    whole = run_study(tiny(tmp_path / "whole", prune=False, filter=False, workers=2, **options))
    pruned = run_study(tiny(tmp_path / "pruned", **options))
    drawn = [[trial.params for trial in study.get_trials()] for study in (whole, pruned)]
    assert drawn[0] == drawn[1]
    assert {row.state for row in read_rows(whole, running=False)} <= {"finished", "collapsed"}


def test_two_workers_keep_one_budget_through_kills(tmp_path: Path) -> None:
    out = tmp_path / "study"
    arguments = tiny_arguments(
        out, trials=50, epochs=9, workers=2, budget="40 epochs", replicates=0, image_size=8
    )
    command = [sys.executable, "-m", "hpo", "run", *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    for seconds in (14.0, 18.0):
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
        )
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        process.wait()
    ran = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=500)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    study = load_study(StudyDirectory(out))
    # In images, which are whole numbers: epochs are their shares, rounded one trial at a time.
    an_epoch = images_per_epoch(tiny(out), study.user_attrs["images"]["train"])
    spent = sum(trial.user_attrs["spent"]["images"] for trial in study.get_trials())
    reached = sum(row.epoch for row in read_rows(study, running=False))
    assert reached * an_epoch <= spent <= 40 * an_epoch
    assert "RUNNING" not in {trial.state.name for trial in study.get_trials()}
