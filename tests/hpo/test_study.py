"""Whole studies, through the door that the command line uses."""

from __future__ import annotations

import json
import time
from pathlib import Path

import optuna
import pytest
import torch
from safetensors.torch import load_file

from hpo.errors import StudyLockedError, StudyMismatchError
from hpo.goldilocks import reach_of
from hpo.interruption import Interrupted, StopFlag
from hpo.meter import session_seconds
from hpo.observer import Silent
from hpo.record import read_rows
from hpo.selection import NothingToChooseError
from hpo.storage import StudyDirectory
from hpo.study import run_study
from tests.hpo.studies import parameters, states, tiny, values


class StopAfter(Silent):
    """Asks to stop once a number of epochs were trained."""

    def __init__(self, flag: StopFlag, n_epochs: int) -> None:
        self.flag, self.left = flag, n_epochs

    def epoch(self, number: int, epoch: int) -> None:
        self.left -= 1
        if self.left == 0:
            self.flag.signal_name = "SIGINT"


class Notes(Silent):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def note(self, text: str) -> None:
        self.lines.append(text)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[StudyDirectory, optuna.Study]:
    out = tmp_path_factory.mktemp("finished") / "study"
    study = run_study(tiny(out, trials=5, check_labels=True))
    return StudyDirectory(out), study


def test_a_study_ends_with_a_chosen_backbone(
    finished: tuple[StudyDirectory, optuna.Study],
) -> None:
    directory, study = finished
    choice = study.user_attrs["choice"]
    card = json.loads((directory.chosen / "card.json").read_text())
    weights = load_file(directory.chosen / "backbone.safetensors")
    trained = torch.load(directory.checkpoint(choice["number"]), weights_only=True)

    assert len(study.trials) == 5
    assert card["chosen"]["trial"] == choice["number"]
    assert choice["number"] in study.user_attrs["shortlist"]["numbers"]
    for name, tensor in weights.items():
        torch.testing.assert_close(tensor, trained["training"]["learner"][f"backbone.{name}"])
    assert not any(name.startswith(("projector", "predictor")) for name in weights)


def test_every_trial_is_measured_at_the_same_rungs_by_the_same_measures(
    finished: tuple[StudyDirectory, optuna.Study],
) -> None:
    _, study = finished
    rows = read_rows(study, running=False)
    for trial, row in zip(study.trials, rows, strict=True):
        assert trial.user_attrs["measured_as"] == study.user_attrs["identity"]["measured_as"]
        assert set(trial.intermediate_values) <= {1, 2, 6}
        assert {"rankme", "alpha_req", "lidar", "moved", "ssl_loss"} <= set(row.values)
    assert all(row.epoch == 6 for row in rows if row.state == "finished")


def test_the_time_of_all_parts_is_recorded_and_does_not_exceed_the_whole(
    finished: tuple[StudyDirectory, optuna.Study],
) -> None:
    _, study = finished
    rows = read_rows(study, running=False)
    parts = sum(row.train_seconds + row.measure_seconds for row in rows)
    assert all(row.train_seconds > 0 and row.measure_seconds > 0 for row in rows)
    assert 0 < parts <= session_seconds(study.user_attrs)


def test_labels_check_the_choice_but_do_not_make_it(
    finished: tuple[StudyDirectory, optuna.Study], tmp_path: Path
) -> None:
    _, study = finished
    number = study.user_attrs["choice"]["number"]
    assert "shortlisted" in study.user_attrs["choice"]["reason"]
    for name in (str(number), "untrained", "pixels"):
        assert 0.1 < study.user_attrs[f"probe/{name}"]["reported"] <= 1


@pytest.mark.slow
def test_with_labels_the_best_objective_within_reach_of_the_best_probe_wins(tmp_path: Path) -> None:
    study = run_study(tiny(tmp_path / "s", trials=4, labels=True, probe_batch=2, prune=False))
    listed = study.user_attrs["shortlist"]["numbers"]
    probes = {n: study.user_attrs[f"probe/{n}"]["cross_validated"] for n in listed}
    finished = [row for row in read_rows(study, running=False) if row.state == "finished"]
    decided = [v["numbers"] for k, v in study.user_attrs.items() if k.startswith("round/")]
    assert sorted(listed) == sorted(number for numbers in decided for number in numbers)
    assert 2 <= len(listed) <= len(finished)
    # The images that probes are fitted and compared on: those that are not kept for the end.
    n_kept = int(study.user_attrs["probe/untrained"]["n_reported"])
    reach = reach_of(probes, study.user_attrs["images"]["probe"] - n_kept).numbers
    objectives = {row.number: row.objective for row in finished if row.number in reach}
    assert study.user_attrs["choice"]["number"] == max(objectives, key=lambda n: objectives[n])
    others = {t.number for t in study.trials} - set(listed)
    assert not any(f"probe/{n}" in study.user_attrs for n in others)


@pytest.mark.parametrize("objective", ["rankme", "alpha_req", "lidar"])
@pytest.mark.parametrize("method", ["simclr", "barlow_twins", "vicreg", "byol"])
def test_every_method_runs_under_every_objective(
    method: str, objective: str, tmp_path: Path
) -> None:
    config = tiny(tmp_path / "s", method=method, objective=objective, trials=1, epochs=3)
    study = run_study(config)
    row = read_rows(study, running=False)[0]
    shown = row.values[objective]
    assert study.user_attrs["choice"]["number"] == 0
    assert row.objective == (abs(shown - 1) if objective == "alpha_req" else shown)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_trials_and_the_same_choice(tmp_path: Path) -> None:
    first = run_study(tiny(tmp_path / "a", trials=6, epochs=3, seed=3))
    second = run_study(tiny(tmp_path / "b", trials=6, epochs=3, seed=3))
    other = run_study(tiny(tmp_path / "c", trials=2, epochs=3, seed=4))
    a, b, c = (tmp_path / name / "study.db" for name in "abc")
    assert parameters(a) == parameters(b)
    assert values(a) == values(b)
    assert first.user_attrs["choice"] == second.user_attrs["choice"]
    assert parameters(a)[3:6] != parameters(c)[3:6]
    assert other.user_attrs["identity"]["seed"] == 4


def test_the_published_defaults_are_the_first_trial(
    finished: tuple[StudyDirectory, optuna.Study],
) -> None:
    _, study = finished
    assert study.trials[0].params == {"lr": 1e-3, "weight_decay": 0.01, "temperature": 0.2}


@pytest.mark.slow
def test_an_interrupted_study_goes_on_exactly_as_if_nothing_had_happened(tmp_path: Path) -> None:
    run_study(tiny(tmp_path / "whole", trials=4))
    for n_epochs in (3, 5, 4):
        flag = StopFlag()
        with pytest.raises(Interrupted):
            run_study(
                tiny(tmp_path / "parts", trials=4), flag=flag, observer=StopAfter(flag, n_epochs)
            )
    study = run_study(tiny(tmp_path / "parts", trials=4))
    whole, parts = tmp_path / "whole" / "study.db", tmp_path / "parts" / "study.db"
    assert states(parts) == states(whole)
    assert parameters(parts) == parameters(whole)
    assert values(parts) == values(whole)
    assert sum(key.startswith("session/") for key in study.user_attrs) == 4


def test_a_stop_is_heeded_while_images_are_read(tmp_path: Path) -> None:
    flag = StopFlag("SIGTERM")
    with pytest.raises(Interrupted, match="SIGTERM"):
        run_study(tiny(tmp_path / "s"), flag=flag)
    assert not (tmp_path / "s" / "study.db").exists()
    run_study(tiny(tmp_path / "s", trials=1, epochs=1))


def test_the_same_command_on_a_finished_study_trains_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tiny(tmp_path / "s", trials=2)
    run_study(config)
    before = values(tmp_path / "s" / "study.db")
    study = run_study(config)
    assert values(tmp_path / "s" / "study.db") == before
    assert len(study.trials) == 2


@pytest.mark.slow
def test_more_trials_search_on_in_the_same_study(tmp_path: Path) -> None:
    run_study(tiny(tmp_path / "s", trials=2))
    before = values(tmp_path / "s" / "study.db")
    study = run_study(tiny(tmp_path / "s", trials=4))
    assert len(study.trials) == 4
    assert values(tmp_path / "s" / "study.db")[: len(before)] == before


def test_another_configuration_is_refused_field_by_field(tmp_path: Path) -> None:
    run_study(tiny(tmp_path / "s", trials=1))
    with pytest.raises(StudyMismatchError) as caught:
        run_study(tiny(tmp_path / "s", trials=1, epochs=7, method="byol"))
    message = str(caught.value)
    assert "epochs: the study has 6, this run 7" in message
    assert "method: the study has 'simclr', this run 'byol'" in message
    assert "seed" not in message


def test_two_processes_cannot_run_one_study(tmp_path: Path) -> None:
    directory = StudyDirectory(tmp_path / "s")
    directory.prepare()
    with directory.lock(), pytest.raises(StudyLockedError, match="goldilocks status"):
        run_study(tiny(tmp_path / "s"))


@pytest.mark.parametrize(
    ("method", "fix", "kinds", "last"),
    [
        ("vicreg", {"var": 0}, ("projector collapsed, shrunk",), 18),
        ("simclr", {"lr": 10}, ("backbone collapsed",), 6),
        ("vicreg", {"lr": 10}, ("backbone collapsed",), 6),
        ("barlow_twins", {"lr": 10}, ("backbone collapsed",), 6),
        ("byol", {"lr": 10}, ("backbone collapsed",), 6),
    ],
)
def test_dead_settings_are_pruned_by_the_first_third_and_told_as_infeasible(
    method: str, fix: dict[str, float], kinds: tuple[str, ...], last: int, tmp_path: Path
) -> None:
    options = {"trials": 1, "image_size": 16, "batch_size": 128, "epochs": 54, "rungs": 3}
    config = tiny(tmp_path / "s", method=method, fix=fix, **options)
    with pytest.raises(NothingToChooseError, match="collapsed"):
        run_study(config)
    study = optuna.load_study(
        study_name="goldilocks", storage=f"sqlite:///{tmp_path / 's' / 'study.db'}"
    )
    trial = study.trials[0]
    assert trial.state == optuna.trial.TrialState.PRUNED
    assert trial.last_step in (None, last)
    assert trial.user_attrs["outcome"]["reason"].startswith(kinds)
    assert trial.constraints == {"collapse": 1.0}


@pytest.mark.parametrize("method", ["simclr", "barlow_twins", "vicreg", "byol"])
def test_a_plain_good_setting_passes_the_first_rung(method: str, tmp_path: Path) -> None:
    flag = StopFlag()
    options = {"trials": 1, "image_size": 16, "batch_size": 128, "epochs": 54, "rungs": 3}
    config = tiny(tmp_path / "s", method=method, **options)
    with pytest.raises(Interrupted):
        run_study(config, flag=flag, observer=StopAfter(flag, 8))
    assert states(tmp_path / "s" / "study.db") == [(0, "RUNNING")]
    assert [step for _, step, _ in values(tmp_path / "s" / "study.db")] == [6]


def test_a_trial_that_has_not_moved_is_never_chosen(tmp_path: Path) -> None:
    config = tiny(tmp_path / "s", trials=2, fix={"lr": 1e-7}, least_moved=0.1)
    with pytest.raises(NothingToChooseError, match="has not moved away from initialisation"):
        run_study(config)
    assert not (tmp_path / "s" / "chosen").exists()


def test_the_budget_ends_the_search_and_the_best_so_far_is_handed_over(tmp_path: Path) -> None:
    # Long enough for a first rung on a busy machine, far too short for 900 epochs.
    config = tiny(tmp_path / "s", trials=None, budget="30s", epochs=900, rung_factor=10)
    notes = Notes()
    started = time.monotonic()
    study = run_study(config, observer=notes)
    took = time.monotonic() - started
    rows = read_rows(study, running=False)
    assert rows[-1].state == "out of budget"
    assert "budget is spent" in rows[-1].reason
    assert sum("no trial will finish" in line for line in notes.lines) == 1
    assert took < 40
    assert session_seconds(study.user_attrs) == pytest.approx(took, abs=1.0)
    assert study.user_attrs["choice"]["number"] in {row.number for row in rows}
    assert (tmp_path / "s" / "chosen" / "backbone.safetensors").exists()


def test_collapsed_trials_leave_no_checkpoint(tmp_path: Path) -> None:
    config = tiny(tmp_path / "s", method="byol", fix={"lr": 10}, trials=1, epochs=54)
    with pytest.raises(NothingToChooseError):
        run_study(config)
    assert list((tmp_path / "s").glob("checkpoints/*")) == []
