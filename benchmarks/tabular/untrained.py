"""What the untrained network of a study measures: what its collapses are held against."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.tabular.cells import StudyOfTable
from hpo.config import StudyConfig
from hpo.storage import StudyDirectory, load_study
from hpo.workload import prepare


def initial(study: StudyOfTable, folder: Path) -> dict[str, Any]:
    """Return the statistics of the untrained network that a study's collapses are held against.

    Args:
        study: that was run.
        folder: of all studies.

    Returns:
        Those of the "backbone", and its view "retrieval". All trials begin with the same one.
    """
    attrs = load_study(StudyDirectory(folder / study.name)).user_attrs
    workload = prepare(StudyConfig.model_validate(attrs["config"]))
    space = workload.space
    plan = workload.plan({**space.defaults, **space.fixed})
    untrained = workload.gauge.initial(workload.begin(plan).learner, workload.train)
    return {
        "backbone": asdict(untrained.backbone),
        "retrieval": workload.gauge.untrained_retrieval(untrained),
    }
