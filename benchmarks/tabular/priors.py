"""What the package tells of a measure where a study has no labels: how it did in the table."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from statistics import fmean, median
from typing import Any

from objectives import measure_names

FILE = Path(__file__).parents[2] / "hpo" / "trust" / "prior.json"
_SEARCH = "16"
_PLACES = 2


def prior_text(study: Mapping[str, Any]) -> str:
    """Return the records as the package brings them.

    Args:
        study: as `objectives_study` wrote it; cells that are too short for a search are left out.
    """
    cells = [c for c in study["cells"].values() if _SEARCH in c["bounds"]["random"]["bar"]]
    blind = fmean(c["bounds"]["random"]["bar"][_SEARCH]["mean"] for c in cells)
    names = list(study["cells"])
    methods, data = (len({n.split("-", 1)[k] for n in names}) for k in (0, 1))
    records = []
    for name in measure_names():
        found = [c["candidates"][name]["bar"] for c in cells]
        taus = [0.0 if math.isnan(f["tau"][0]) else f["tau"][0] for f in found]
        records.append(
            {
                "measure": name,
                "n_studies": len(cells),
                "tau_median": round(median(taus), _PLACES),
                "tau_lowest": round(min(taus), _PLACES),
                "tau_highest": round(max(taus), _PLACES),
                "regret_points": round(fmean(f["regret"][_SEARCH]["mean"] for f in found), _PLACES),
                "random_regret_points": round(blind, _PLACES),
                "source": f"random searches of {_SEARCH} trials, {methods} methods on {data} data "
                "sets of small images; benchmarks/README.md",
            }
        )
    return json.dumps(records, indent=1) + "\n"
