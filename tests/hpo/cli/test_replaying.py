"""`goldilocks replay` on a study in its directory: the page, the JSON and the refusals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.storages import RDBStorage
from typer.testing import CliRunner, Result

from hpo.cli import app
from hpo.storage import STUDY_NAME, StudyDirectory
from tests.hpo.replay import simulator
from tests.hpo.replay.simulator import courses, run


def replayed(out: Path, *arguments: object) -> Result:
    return CliRunner().invoke(app, ["replay", str(out), *(str(a) for a in arguments)])


def as_json(out: Path, *arguments: object) -> dict[str, Any]:
    result = replayed(out, *arguments, "--json")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout, parse_constant=pytest.fail)
    return found


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of 10 trials in SQLite, two at a time, with rules on."""
    directory = StudyDirectory(tmp_path_factory.mktemp("study"))
    study = optuna.create_study(
        storage=RDBStorage(f"sqlite:///{directory.database}"),
        study_name=STUDY_NAME,
        direction="maximize",
    )
    run(study, courses(10, seed=4), simulator.settings(labels=True), at_once=2)
    study.set_user_attr("choice", {"number": 0, "reason": "for the test"})
    return directory.out


def test_the_record_is_confirmed(out: Path) -> None:
    result = replayed(out)
    assert result.exit_code == 0, result.output
    lines = {line.split("  ")[0]: line for line in result.stdout.splitlines()}
    assert "as recorded: verdict, reason and evidence" in lines["decisions"]
    assert "10: 10 end as recorded, 0 stopped sooner" in lines["trials"]
    assert "0 of" in lines["compute"]
    assert "order of arrival is the recorded one" in lines["note"]


def test_json_counts_every_decision_and_trial(out: Path) -> None:
    record = as_json(out)
    assert record["decisions"]["made"] == record["decisions"]["same"] > 10
    assert record["decisions"]["different"] == []
    assert record["trials"] == {"same": 10, "sooner": 0, "lost": 0, "unknown": 0}
    assert record["choice"]["recorded"] == 0
    assert record["settings"] == {}


def test_what_is_changed_is_named_and_compared(out: Path) -> None:
    record = as_json(out, "--no-prune", "--no-filter", "--zone", "0.5..1.5", "--patience", "1")
    assert record["settings"] == {
        "prune": {"recorded": True, "replayed": False},
        "filter": {"recorded": True, "replayed": False},
        "zone": {"recorded": None, "replayed": "0.5..1.5"},
        "patience": {"recorded": 2, "replayed": 1},
    }
    assert record["trials"]["unknown"] > 0
    assert record["compute"]["extra_epochs_at_least"] > 0
    page = replayed(out, "--no-prune", "--no-filter").stdout
    assert "prune False (recorded: True)" in page
    assert "unknown trials cost at least" in page
    assert "goes on after epoch" in page


def test_a_budget_ends_the_study_sooner(out: Path) -> None:
    record = as_json(out, "--budget", "2m")
    ended = [fate for fate in record["fates"] if fate["now"] == "budget"]
    assert ended
    assert record["compute"]["saved"]["device_seconds"] > 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--shuffles", 0), "shuffles: got 0"),
        (("--shuffles", 3), "cut short in this study"),
        (("--zone", "near"), "zone: got 'near'"),
        (("--objective", "accuracy"), "accuracy"),
        (("--rung-factor", 1), "rung_factor: got 1"),
        (("--filter-share", 0), "filter_share: got 0"),
    ],
)
def test_what_cannot_be_is_refused(out: Path, arguments: tuple[object, ...], message: str) -> None:
    result = replayed(out, *arguments)
    assert result.exit_code == 2, result.output
    assert message in result.stderr
    assert result.stdout == ""


def test_no_study(tmp_path: Path) -> None:
    result = replayed(tmp_path)
    assert result.exit_code == 2
    assert "holds no study" in result.stderr
