"""The comparison with other implementations runs from end to end, and its figures are right."""

import json
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mpmath import mpf
from torch import Tensor

from benchmarks import objectives, side_by_side
from benchmarks.known_spectra import embeddings, views
from benchmarks.objective_peers import (
    CONTESTANTS,
    Contestant,
    exact_alpha,
    exact_rankme,
)

SIZE = {"rankme": (1000, 128), "lidar": (300, 10, 128)}
OURS_AND_FORMULAS = [
    (measure, key) for measure in SIZE for key in CONTESTANTS[measure] if key != "reptrix"
]


@pytest.mark.parametrize(("measure", "key"), OURS_AND_FORMULAS)
def test_each_contestant_is_right_by_its_own_convention(measure: str, key: str) -> None:
    make = embeddings if measure == "rankme" else views
    contestant = CONTESTANTS[measure][key]
    bound = 1e-4 if key.endswith("32") else 2e-9
    for spectrum in objectives.SPECTRA[measure]:
        spectra = objectives.spectra_of(measure, SIZE[measure], spectrum)
        values = contestant.run(make(*SIZE[measure], spectrum))
        found = objectives.errors(contestant, measure, values, spectra, spectrum)
        assert found.get("own", found[measure]) < bound
        assert ("own" in found) == (contestant.own is not None)
        assert (found[measure] > 1e-5) == (contestant.own is not None)
        assert ("alpha_req" in found) == ((measure, spectrum, key) == ("rankme", "power", "ours"))
        assert found.get("alpha_req", 0.0) < 1e-12


def test_the_conventions_differ_by_more_than_their_errors() -> None:
    """Or an error by its own convention would say nothing about which one was computed."""
    rank = objectives.spectra_of("rankme", SIZE["rankme"], "power")
    svd, reptrix = (CONTESTANTS["rankme"][key].own for key in ("svd32", "reptrix"))
    assert svd is not None
    assert reptrix is not None
    paper = float(exact_rankme(rank))
    assert float(svd(rank)) > paper * 1.004
    assert float(reptrix(rank)) < paper * 0.7


def test_exact_values_of_golden_cases() -> None:
    squares = [mpf(9), mpf(1)]
    reptrix = CONTESTANTS["rankme"]["reptrix"].own
    assert reptrix is not None
    assert float(exact_rankme((squares, []))) == pytest.approx(1.75476535, abs=1e-6)
    assert float(reptrix(([], squares))) == pytest.approx(1.38414549, abs=1e-6)
    law = [mpf(k) ** -2 for k in range(1, 120)]
    assert float(exact_alpha(([], law[::-1]))) == pytest.approx(2.0, abs=1e-14)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The result of the small sizes, of few contestants: each takes a process of its own."""
    out = tmp_path_factory.mktemp("benchmark") / "result.json"
    with pytest.MonkeyPatch.context() as patch:
        few = {"rankme": ("ours", "svd32", "reptrix"), "lidar": ("ours", "reptrix")}
        chosen = {m: {key: CONTESTANTS[m][key] for key in keys} for m, keys in few.items()}
        for found in chosen.values():
            found["reptrix"] = Contestant("absent", lambda z: {}, package="no_such_peer==1.0")
        patch.setattr("benchmarks.objective_peers.CONTESTANTS", chosen)
        patch.setattr(side_by_side, "QUIET_SECONDS", 0.0)
        options = ["--sizes", "small", "--rounds", "2", "--out", str(out)]
        patch.setattr(sys, "argv", ["objectives.py", *options])
        objectives.main()
    result: dict[str, Any] = json.loads(out.read_text())
    return result


def test_it_runs_from_end_to_end(written: dict[str, Any]) -> None:
    assert [run["measure"] for run in written["runs"]] == ["rankme", "lidar"]
    for run in written["runs"]:
        for key, row in run["contestants"].items():
            if key == "reptrix":
                assert row["not_run"] == "pip install no_such_peer==1.0"
                continue
            assert len(row["seconds"]) == 2
            assert row["peak_bytes"] >= 0
            assert row["input_bytes"] in (1000 * 128 * 4, 300 * 10 * 128 * 4)
            assert list(row["errors"]) == list(objectives.SPECTRA[run["measure"]])
        assert run["contestants"]["ours"]["times_ours"] == 1.0
    assert {"openblas", "mkl"} & {pool["internal_api"] for pool in written["machine"]["libraries"]}


def test_the_table_shows_every_contestant(written: dict[str, Any]) -> None:
    rankme, lidar = (part.splitlines() for part in objectives.table(written["runs"]).split("\n\n"))
    assert [line.count("|") for line in rankme] == [10] * 5
    assert [line.count("|") for line in lidar] == [9] * 4
    ours, rival, absent = rankme[2:]
    assert ours.startswith("| (1,000, 128) | ours: RankMe, α-ReQ and collapse report, one pass |")
    assert "| 1.00 |" in ours
    assert "(ε = 1e-5)" in rival
    assert "pip install no_such_peer==1.0" in absent


def test_what_cannot_fit_is_not_tried() -> None:
    hungry = Contestant("", lambda z: {}, batch_bytes=lambda shape: 10**15 * shape[0])
    assert objectives.impossible(hungry, (2,)) == "needs 2000000 GB: not run"
    assert objectives.impossible(hungry, (0,)) == ""
    needed = CONTESTANTS["lidar"]["reptrix"].batch_bytes
    assert needed is not None
    assert needed((5000, 10, 2048)) == 83_886_080_000


@pytest.mark.parametrize(
    ("text", "limit", "why"),
    [
        ("import time; time.sleep(9)", 0.5, "stopped after 0.5 s"),
        ("raise MemoryError('too much')", 60.0, "failed: MemoryError: too much"),
        ("import os; os.kill(os.getpid(), 9)", 60.0, "failed: killed"),
    ],
)
def test_a_hopeless_contestant_is_recorded(
    text: str, limit: float, why: str, tmp_path: Path
) -> None:
    script = tmp_path / "script.py"
    script.write_text(text)
    found = side_by_side.in_own_process(script, "rankme", "ours", [], "cpu", limit)
    assert found == {"not_run": why}


def test_contestants_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def contestant(name: str) -> Contestant:
        def run(data: Tensor) -> dict[str, float]:
            calls.append(name if len(data) == 300 else name.upper())
            return {}

        return Contestant(name, run)

    monkeypatch.setattr(
        side_by_side,
        "time",
        types.SimpleNamespace(sleep=lambda _: None, perf_counter=lambda: 2.0 ** len(calls)),
    )
    both = {name: contestant(name) for name in ("a", "b")}
    found = side_by_side.seconds_in_turn(both, torch.zeros(300, 4), {"a": 3, "b": 1}, "cpu")
    assert calls == ["a", "B", "a", "b", "a", "a"]  # B: warmed up on a small piece only
    assert found == {"a": [4.0, 16.0, 32.0], "b": [8.0]}
    assert side_by_side.ratio(found["b"], found["a"]) == 2.0


ALLOCATES_80_MB = """
import json, sys
from pathlib import Path
import torch
from benchmarks import side_by_side
from benchmarks.objective_peers import CONTESTANTS, Contestant

def run(data):
    return {"sum": float(torch.ones(len(data) * 100, dtype=torch.float64).sum())}

CONTESTANTS["rankme"] = {"test": Contestant("", run)}
*_, device, _, measure, key, path = sys.argv
print(json.dumps(side_by_side.once(measure, key, [Path(path)], device)))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="VmHWM is Linux's")
def test_memory_is_that_of_the_run_above_the_input(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """In a process of its own, as measured: in this one the memory of other tests is freed."""
    script, path = tmp_path / "allocates.py", tmp_path / "input.npy"
    script.write_text(ALLOCATES_80_MB)
    np.save(path, np.zeros((100_000, 32), dtype=np.float32))
    monkeypatch.setenv("PYTHONPATH", str(Path(side_by_side.__file__).parents[1]))
    found = side_by_side.in_own_process(script, "rankme", "test", [path], "cpu", 300)
    assert found.get("not_run") is None
    assert found["input_bytes"] == 12_800_000
    assert found["peak_bytes"] == pytest.approx(80e6, rel=0.1)
    assert found["values"] == {"input": {"sum": 1e7}}
