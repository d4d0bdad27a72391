"""From a study's database to rows: a trial at a rung each, and a small file of what was not it."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

import hpo
import objectives
import search_spaces
from benchmarks.tabular.cells import StudyOfTable
from benchmarks.tabular.judging import judged_again, with_guarded_alpha
from benchmarks.tabular.untrained import initial
from hpo.config import StudyConfig
from hpo.ordering import FINDING, PROBE
from hpo.record import RUNG, RUNG_PROBE, TrialRow, read_rows
from hpo.storage import StudyDirectory, load_study

TABLE = Path(__file__).parent / "data"
SETTING = "setting"  # trial attribute: name of a setting that somebody chose
_HYPERPARAMETER, _MEASURE, _PROBE = "hyperparameter.", "measure.", "probe."


def export(
    cell: StudyOfTable,
    studies: Path,
    table: Path = TABLE,
    *,
    trained: bool = True,
) -> None:
    """Write a cell's rows as Parquet, and its conditions as JSON beside them.

    Collapses are judged by the gate as it is now (`benchmarks.tabular.judging`).

    Args:
        cell: whose study is exported.
        studies: folder of the studies.
        table: folder to write to.
        trained: whether trials may have been trained by the code that runs now.
    """
    study = load_study(StudyDirectory(studies / cell.name))
    attrs = study.user_attrs
    trials = study.get_trials(deepcopy=False)
    rows = [
        {"method": cell.method, "data": Path(cell.data.name).name, **at_rung}
        for row in read_rows(study, running=True)
        for at_rung in rows_of(row, trials[row.number].user_attrs, attrs)
    ]
    table.mkdir(parents=True, exist_ok=True)
    untrained = initial(cell, studies)
    frame = judged_again(with_guarded_alpha(pd.DataFrame(rows)), untrained)
    widths = f"{_HYPERPARAMETER}projector_width"
    if widths in frame:
        frame[widths] = frame[widths].astype(str)  # "auto" among numbers
    file = table / f"{cell.name}.json"
    frame.to_parquet(file.with_suffix(".parquet"), index=False)
    conditions = {
        "config": {k: v for k, v in attrs["config"].items() if k not in ("out", "data")},
        "identity": attrs.get("identity"),
        "images": attrs["images"],
        "measured_as": attrs["measured_as"],
        "untrained": attrs.get(f"{PROBE}untrained"),
        "pixels": attrs.get(f"{PROBE}pixels"),
        "machine": {"cpu": platform.processor() or platform.machine(), "cores": os.cpu_count()},
        "versions": {n: version(n) for n in ("goldilocks-hpo", "torch", "lightly", "optuna")},
        "code_sha256": _digests(file, trained),
        "judged_by_code_sha256": code_digest(),
        "space": str(StudyConfig.model_validate(attrs["config"]).search_space()),
        "initial": untrained,
    }
    file.write_text(json.dumps(conditions, indent=1) + "\n")


def _digests(file: Path, trained: bool) -> list[str]:
    """Digests of all code that trained, with those of exports before this one."""
    known = json.loads(file.read_text()).get("code_sha256", []) if file.exists() else []
    earlier = [known] if isinstance(known, str) else list(known)
    return sorted({*earlier, *([code_digest()] if trained else [])})


def code_digest() -> str:
    """Return a digest of all code that trains, measures and draws."""
    digest = hashlib.sha256()
    for package in (hpo, objectives, search_spaces):
        folder = Path(str(package.__file__)).parent
        for file in sorted(folder.rglob("*.py")):
            digest.update(f"{package.__name__}/{file.relative_to(folder)}".encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()


def rows_of(
    row: TrialRow, trial: dict[str, Any], study: dict[str, Any]
) -> list[dict[str, float | int | str | None]]:
    """Return what is known of a trial at each rung that it reached; one row without if at none."""
    common: dict[str, float | int | str | None] = {
        "trial": row.number,
        **{name: trial[name] for name in (SETTING,) if name in trial},
        "replicate_of": row.replicate_of,
        "seed": row.seed,
        "state": row.state,
        "reason": row.reason,
        "train_seconds": row.train_seconds,
        "measure_seconds": row.measure_seconds,
        **{f"{_HYPERPARAMETER}{name}": value for name, value in row.hyperparameters.items()},
    }
    if not row.rungs:
        return [{**common, "epoch": 0}] if row.state not in ("running", "waiting") else []
    return [
        {
            **common,
            "epoch": epoch,
            **_finding(trial.get(f"{FINDING}{epoch}")),
            **{f"{_MEASURE}{name}": value for name, value in trial[f"{RUNG}{epoch}"].items()},
            **_probe(row, epoch, study),
        }
        for epoch in row.rungs
    ]


def _finding(finding: dict[str, Any] | None) -> dict[str, str | bool | None]:
    found = finding or {}
    return {
        "collapse": found.get("kind"),
        "collapse_layer": found.get("layer"),
        "collapse_clear": found.get("clear"),
    }


def _probe(row: TrialRow, epoch: int, study: dict[str, Any]) -> dict[str, float]:
    probe = study.get(f"{RUNG_PROBE}{row.number}/{epoch}")
    if probe is None and epoch == row.epoch:
        probe = study.get(f"{PROBE}{row.number}")
    return {f"{_PROBE}{name}": value for name, value in (probe or {}).items() if name != "order"}
