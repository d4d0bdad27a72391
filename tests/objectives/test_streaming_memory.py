"""Streaming takes memory by dim², not by the number of rows."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

N_ROWS, DIM, BATCH, N_VIEWS = 200_000, 512, 4096, 4
MIB = 2**20
SQUARE = 8 * DIM**2 / MIB
"""One dim × dim matrix of float64, in MiB: here 2."""
BOUND = 4 * SQUARE + 2 * 8 * 1024 * DIM / MIB + 10
"""In MiB: at most two scatters and a copy of each; the rows of one rank-k update (1024) in float64
and where they are centred; about 5 for the test of 2^20 values for finiteness; as much again for
all that is small. The rows themselves would be 391."""

PROGRAMME = f"""
import re, sys
from pathlib import Path
import numpy as np
import torch
from objectives.accumulators import LiDAR, RankMe

DIM, BATCH, N_VIEWS = {DIM}, {BATCH}, {N_VIEWS}
kind, n_rows = sys.argv[1], int(sys.argv[2])
torch.set_num_threads(1)
scale = torch.arange(1, DIM + 1, dtype=torch.float32) ** -0.5
batch = torch.ones(BATCH, DIM)

def batches():
    generator = torch.Generator().manual_seed(0)
    for start in range(0, n_rows, BATCH):
        batch.normal_(generator=generator).mul_(scale).add_(0.1)
        rows = batch[: n_rows - start]
        yield rows if kind != "LiDAR" else rows.view(-1, N_VIEWS, DIM)

def resident(field):
    status = Path("/proc/self/status").read_text()
    return int(re.search(field + r":\\s+(\\d+) kB", status)[1]) / 1024

# Libraries load and set up their buffers on the first use: at another, small dim.
for warm, shape in ((RankMe(), (3000, 32)), (LiDAR(), (700, N_VIEWS, 32))):
    warm.update(torch.randn(shape))
    warm.compute()
accumulator, kept = LiDAR() if kind == "LiDAR" else RankMe(), []
before = resident("VmRSS")
Path("/proc/self/clear_refs").write_text("5")  # forget the highest so far
for rows in batches():
    accumulator.update(rows)
    if kind == "hoard":
        kept.append(rows.clone())
value = accumulator.compute()
print(resident("VmHWM") - before, value)

if kind == "RankMe":
    gram = np.zeros((DIM, DIM))
    for rows in batches():
        wide = rows.numpy().astype(np.float64)
        gram += wide.T @ wide
    shares = np.sqrt(np.linalg.eigvalsh(gram))
    shares = shares / shares.sum() + 1e-7
    print(np.exp(-(shares * np.log(shares)).sum()))
"""

needs_linux = pytest.mark.skipif(
    not Path("/proc/self/clear_refs").exists(), reason="no /proc to read the peak from"
)


def run(kind: str, n_rows: int) -> list[float]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAMME, kind, str(n_rows)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        # What is freed is given back: the holes in glibc's heap come and go from run to run.
        env={**os.environ, "MALLOC_MMAP_THRESHOLD_": str(2**16)},
    )
    assert done.returncode == 0, done.stderr
    return [float(figure) for figure in re.findall(r"\S+", done.stdout)]


@needs_linux
@pytest.mark.slow
def test_rankme_of_many_rows_takes_a_few_matrices() -> None:
    peak, value, reference = run("RankMe", N_ROWS)
    assert peak <= BOUND
    assert value == pytest.approx(reference, rel=1e-9)


@needs_linux
@pytest.mark.slow
def test_lidar_of_many_views_takes_a_few_matrices() -> None:
    peak, value = run("LiDAR", N_ROWS)
    assert peak <= BOUND
    assert 1.0 < value <= DIM


@needs_linux
def test_the_check_can_fail() -> None:
    peak, _ = run("hoard", 12 * BATCH)
    assert peak > BOUND
