"""How many workers, and how many threads each."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest

from hpo.config import StudyConfig
from hpo.workers.crew import Crew, crew_of, usable_cores, uses_cuda


def crew(n_cores: int, **options: Any) -> tuple[int, int | None]:
    found = crew_of(StudyConfig(**{"device": "cpu", "trials": 100, **options}), n_cores=n_cores)
    return found.n_workers, found.threads


def test_by_default_one_worker_a_core_on_one_thread() -> None:
    assert crew(8) == (8, 1)
    assert crew(8, trials=None, budget="1h") == (8, 1)


def test_one_core_runs_trials_in_the_parent() -> None:
    assert crew(1) == (1, None)


def test_never_more_workers_than_trials_and_no_core_idle() -> None:
    assert crew(8, trials=4) == (4, 2)
    assert crew(8, trials=1) == (1, None)
    assert crew(2, workers=16, trials=5) == (5, 1)


def test_what_is_asked_for_wins() -> None:
    assert crew(8, workers=3) == (3, 2)
    assert crew(8, workers=2, threads=3) == (2, 3)
    assert crew(8, threads=2) == (8, 2)
    assert crew(2, workers=4) == (4, 1)
    assert crew(8, workers=1) == (1, None)
    assert crew(8, workers=1, threads=5) == (1, 5)


def test_on_cuda_one_unless_asked_for() -> None:
    assert crew(8, device="cuda") == (1, None)
    assert crew(8, device="cuda", workers=2) == (2, 4)
    assert uses_cuda(StudyConfig(device="cuda"))
    assert not uses_cuda(StudyConfig(device="cpu"))


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system has no affinity")
def test_only_cores_that_the_process_may_use_count() -> None:
    script = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))});"
        "from hpo.workers.crew import usable_cores; print(usable_cores())"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == "1\n", done.stderr
    assert 1 <= usable_cores() <= len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("crew", "said"),
    [
        (Crew(1, 1), "1 trial, on 1 thread"),
        (Crew(1, 4), "1 trial, on 4 threads"),
        (Crew(2, 4), "2 trials, on 4 threads each"),
    ],
)
def test_it_is_said_in_words(crew: Crew, said: str) -> None:
    assert crew.describe() == said
