"""What a trial was worth at its end by labels: whether it is dead never rests on our own gate."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd

Worth = Literal["dead", "no gain", "alive"]
MARGIN = 0.05
"""A trial is dead when its k-NN or its linear accuracy is at least this far below the untrained
network's, or its training broke; alive when one of them is at least as far above and none below.
About two standard errors of a difference on the 300 images of the smaller set."""


@dataclass(frozen=True)
class Trained:
    """One trial as a study of collapse sees it.

    Args:
        number: its own.
        rows: a row a rung, ascending; none for a training that broke before the first.
        state: as exported.
        reason: why it ended early.
        setting: its name; empty for a random draw.
        n_epochs: of a whole training.
        knn: accuracy at the end less the untrained network's; nan without probe.
        linear: the same of the linear probe, over both halves of the labelled images.
    """

    number: int
    rows: tuple[Mapping[str, Any], ...]
    state: str
    reason: str
    setting: str
    n_epochs: int
    knn: float
    linear: float

    @property
    def broke(self) -> bool:
        """Whether it ended with values that are not finite, or with an error."""
        if self.rows and self.rows[-1]["collapse"] == "not finite":
            return True
        reached = int(self.rows[-1]["epoch"]) if self.rows else 0
        return self.state == "failed" or (self.state == "collapsed" and reached < self.n_epochs)

    def worth(self, margin: float = MARGIN) -> Worth:
        """Return what labels say that training did to the network."""
        if self.broke or min(self.knn, self.linear) <= -margin:
            return "dead"
        return "alive" if max(self.knn, self.linear) >= margin else "no gain"


@dataclass(frozen=True)
class CollapseTable:
    """The trials of one study.

    Args:
        name: of the study and of its files.
        method: as exported.
        data: name of the data set.
        trials: that have ended, replicates left out.
        conditions: as exported.
    """

    name: str
    method: str
    data: str
    trials: tuple[Trained, ...]
    conditions: Mapping[str, Any]

    @property
    def untrained(self) -> Mapping[str, float]:
        """The untrained backbone: its RankMe as "backbone", its view retrieval as "retrieval"."""
        initial = self.conditions["initial"]
        return {
            "backbone": float(initial["backbone"]["rank"]),
            "retrieval": float(initial["retrieval"]),
        }


def read_collapse_table(file: Path) -> CollapseTable:
    """Read the rows of a study.

    Args:
        file: Parquet, with its conditions as JSON beside it.

    Raises:
        ValueError: for rows that do not say how far beyond its threshold a collapse lies.
    """
    rows = pd.read_parquet(file)
    conditions = json.loads(file.with_suffix(".json").read_text())
    if "collapse_clear" not in rows:
        raise ValueError(
            f"{file}: has no column collapse_clear, without which no collapse can be decided "
            "again; export it again with benchmarks.tabular.export_again."
        )
    own = rows[rows["replicate_of"].isna() & ~rows["state"].isin(["running", "waiting"])]
    trials = tuple(
        _trained(number, own[own["trial"] == number].sort_values("epoch"), conditions)
        for number in own["trial"].unique().tolist()
    )
    return CollapseTable(
        file.stem, str(rows["method"].iloc[0]), str(rows["data"].iloc[0]), trials, conditions
    )


def _trained(number: int, rows: pd.DataFrame, conditions: Mapping[str, Any]) -> Trained:
    last, untrained = rows.iloc[-1], conditions["untrained"]
    n_report, n_probe = untrained["n_reported"], conditions["images"]["probe"]

    def pooled(cross_validated: float, reported: float) -> float:
        right = cross_validated * (n_probe - n_report) + reported * n_report
        return float(right / n_probe)

    before = pooled(untrained["cross_validated"], untrained["reported"])
    probe = {n: float(last.get(f"probe.{n}", float("nan"))) for n in _PROBES}
    return Trained(
        number,
        tuple({str(k): v for k, v in row.items()} for _, row in rows.iterrows() if row["epoch"]),
        str(last["state"]),
        str(last["reason"] or ""),
        str(last.get("setting", "")),
        int(conditions["config"]["epochs"]),
        # Whole images: 0.65 - 0.7 is a little less far from 0 than 0.05.
        round(probe["knn"] - untrained["knn"], 9),
        round(pooled(probe["cross_validated"], probe["reported"]) - before, 9),
    )


_PROBES = ("knn", "cross_validated", "reported")
