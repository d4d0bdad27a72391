"""Weights & Biases: real runs in offline mode, their files read back record by record."""

import json
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hpo.errors import ConfigError
from hpo.loggers import KeepingUp, check_loggers, open_loggers
from hpo.storage import StudyDirectory
from tests.hpo.dashboard.made import begin, end, made_study

wandb = pytest.importorskip("wandb")
_BLOCK, _WHOLE, _LAST = 32768, 1, 4


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_CONFIG_DIR", str(tmp_path / "config"))
    for name in ("WANDB_PROJECT", "WANDB_API_KEY", "WANDB_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))


def session(study: Any, directory: StudyDirectory) -> None:
    (logger,) = open_loggers(["wandb"], directory, "photos")
    KeepingUp(study, logger).sync()
    logger.close()


def records(path: Path) -> Iterator[Any]:
    """The records of a run's file, which has the form of a LevelDB log behind seven bytes."""
    from wandb.proto import wandb_internal_pb2

    content, at, data = path.read_bytes(), 7, b""
    while at + 7 <= len(content):
        if _BLOCK - at % _BLOCK < 7:
            at += _BLOCK - at % _BLOCK  # no room for a header: the block is filled with zeros
            continue
        _, length, kind = struct.unpack("<IHB", content[at : at + 7])
        data += content[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (_WHOLE, _LAST):
            record = wandb_internal_pb2.Record()
            record.ParseFromString(data)
            yield record
            data = b""


def values(items: Any) -> dict[str, Any]:
    return {item.key or item.nested_key[0]: json.loads(item.value_json) for item in items}


def read(out: Path) -> dict[str, dict[str, Any]]:
    """Wait for the library's own process to have written all runs, and read them."""
    before, until = on_disk(out), time.monotonic() + 60.0
    while time.monotonic() < until:
        time.sleep(0.2)
        found = on_disk(out)
        if found == before and all("name" in run for run in found.values()):
            break
        before = found
    return before


def on_disk(out: Path) -> dict[str, dict[str, Any]]:
    """What lies on the disk, by run id: history, and what was said last of everything else."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(out.glob("wandb/offline-run-*/run-*.wandb")):
        start: dict[str, Any] = {"history": [], "summary": {}, "config": {}}
        run = found.setdefault(path.stem.removeprefix("run-"), start)
        for record in records(path):
            said = getattr(record, record.WhichOneof("record_type"))
            match record.WhichOneof("record_type"):
                case "run":
                    run["name"], run["group"] = said.display_name, said.run_group
                    run["project"], run["tags"] = said.project, list(said.tags)
                    run["notes"] = said.notes
                    run["config"] |= values(said.config.update)
                case "history" if "rankme" in (point := values(said.item)):
                    run["history"].append((point["epoch"], point["rankme"]))
                case "summary":
                    run["summary"] |= values(said.update)
    return found


def test_a_trial_is_a_run_in_the_studys_group(tmp_path: Path) -> None:
    study, directory = made_study(tmp_path)
    end(begin(study), None)
    end(begin(study, epochs=(1,)), None, kind="collapse", reason="constant")
    begin(study, epochs=(1,))
    session(study, directory)
    finished, collapsed, running = sorted(read(tmp_path).values(), key=lambda run: run["name"])
    assert (finished["name"], finished["group"]) == ("trial 0", "photos")
    assert finished["project"] == "goldilocks-hpo"
    assert finished["config"]["warmup_share"] == 0.1
    assert finished["history"] == [(1, 6.0), (3, 8.0), (9, 14.0)]
    assert finished["summary"]["state"] == "finished"
    assert collapsed["tags"] == ["collapsed"]
    assert collapsed["notes"] == collapsed["summary"]["reason"] == "constant"
    assert running["history"] == [(1, 6.0)]
    assert "state" not in running["summary"]


def test_another_session_goes_on_under_the_same_id(tmp_path: Path) -> None:
    study, directory = made_study(tmp_path)
    trial = begin(study, epochs=(1,))
    session(study, directory)
    trial.set_user_attr("rung/3", {"rankme": 8.0})
    trial.report(8.0, step=3)
    end(trial, None)
    for _ in range(2):
        session(study, directory)
    (run,) = read(tmp_path).values()
    assert run["history"] == [(1, 6.0), (3, 8.0)]


def test_another_project_gets_runs_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study, directory = made_study(tmp_path)
    trial = begin(study, epochs=(1,))
    session(study, directory)
    monkeypatch.setenv("WANDB_PROJECT", "other")
    end(trial, None)
    session(study, directory)
    assert sorted(run["project"] for run in read(tmp_path).values()) == ["goldilocks-hpo", "other"]


def test_without_a_key_an_online_run_is_refused_and_nobody_is_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WANDB_MODE", "online")
    wandb.teardown()
    with pytest.raises(ConfigError, match="wandb has no key"):
        check_loggers(["wandb"])
    monkeypatch.setenv("WANDB_MODE", "offline")
    wandb.teardown()
    check_loggers(["wandb"])
