"""Judging numbers needs no network."""

from __future__ import annotations

import subprocess
import sys


def test_importing_it_loads_neither_torch_nor_what_plots() -> None:
    heavy = ("torch", "sklearn", "plotly", "lightly", "ray", "pandas")
    code = f"import sys, hpo.trust; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
