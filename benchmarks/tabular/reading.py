"""The committed table as one object a cell, and which of its trials may be chosen."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.tabular.cells import DATA_SETS, METHODS

TABLE = Path(__file__).parent / "data"
LEAST_MOVED = 0.1
"""The product's own bar: `--least-moved`."""

# What "auto" stands for where the backbone has 128 features: the rules of `hpo.methods`.
AUTO_WIDTHS = {"simclr": 128, "barlow_twins": 512, "vicreg": 512, "byol": 256}
_WIDTH = "hyperparameter.projector_width"
_NOT_ENDED = ("running", "waiting", "interrupted")


@dataclass(frozen=True, eq=False)
class CellTable:
    """One cell of the table: a method on a data set.

    Args:
        method: whose space was drawn from.
        data: name of the data set.
        rows: a trial at a rung each, as exported, replicates included.
        n_fit: labelled images that linear probes are fitted on, by cross-validation.
        n_report: labelled images that they are reported on.
        n_measured: images that the measures are taken of.
        untrained: probe of the untrained backbone.
        pixels: probe of the plain pixels; None where it was not made.
    """

    method: str
    data: str
    rows: pd.DataFrame
    n_fit: int
    n_report: int
    n_measured: int
    untrained: Mapping[str, float]
    pixels: Mapping[str, float] | None = None

    @property
    def name(self) -> str:
        """Name of the cell and of its files."""
        return f"{self.method}-{self.data}"

    @cached_property
    def epochs(self) -> tuple[int, ...]:
        """Rungs, ascending; the last is the end of training."""
        return tuple(sorted(int(epoch) for epoch in self.rows["epoch"].unique() if epoch > 0))

    @property
    def untrained_accuracy(self) -> float:
        """Pooled accuracy of the untrained backbone: what is left when nothing may be chosen."""
        probe = self.untrained
        return float(self.pooled(probe["cross_validated"], probe["reported"]))

    @property
    def pixels_accuracy(self) -> float:
        """Pooled accuracy of plain pixels; nan where they were not probed."""
        if self.pixels is None:
            return math.nan
        return float(self.pooled(self.pixels["cross_validated"], self.pixels["reported"]))

    @property
    def n_labelled(self) -> int:
        """Labelled images of the probe."""
        return self.n_fit + self.n_report

    def at(self, epoch: int) -> pd.DataFrame:
        """Return the rows of one rung by trial, without replicates."""
        return self._rung(epoch, self.rows["replicate_of"].isna())

    @cached_property
    def final(self) -> pd.DataFrame:
        """The trials that were trained to the end and probed, by number, without replicates."""
        final = self.at(self.epochs[-1])
        return final[final["accuracy"].notna() & final["state"].isin(["finished", "collapsed"])]

    @cached_property
    def ended(self) -> pd.DataFrame:
        """The last row of every trial that ended, whatever became of it, without replicates."""
        own = self.rows[self.rows["replicate_of"].isna() & ~self.rows["state"].isin(_NOT_ENDED)]
        last = own.sort_values("epoch", kind="stable").groupby("trial").tail(1)
        rows = last.set_index("trial").sort_index()
        return rows.assign(width=self._widths(rows))

    @cached_property
    def replicates(self) -> pd.DataFrame:
        """The same of those that repeat a trial under another seed, by the trial's number."""
        repeated = self._rung(self.epochs[-1], self.rows["replicate_of"].notna())
        known = repeated[repeated["accuracy"].notna()]
        return known.set_index(known["replicate_of"].astype(int))

    @property
    def best(self) -> float:
        """Accuracy of the best trial, whether or not it may be chosen."""
        return float(self.final["accuracy"].max())

    def competing(self, *, bar: bool) -> pd.Series:
        """Say of each trial in `final` whether it may be chosen.

        Args:
            bar: whether it must also have moved from initialisation, as in the product; the
                measures were published without such a bar.
        """
        alive = self.final["state"] == "finished"
        return alive & (self.final["measure.moved"] >= LEAST_MOVED) if bar else alive

    def standard_error(self, accuracy: float) -> float:
        """Binomial standard error of an accuracy over all labelled images."""
        return float(np.sqrt(accuracy * (1 - accuracy) / self.n_labelled))

    def pooled(self, cross_validated: Any, reported: Any) -> Any:
        """Accuracy of the linear probe over all labelled images, each judged while held out."""
        right = cross_validated * self.n_fit + reported * self.n_report
        return right / self.n_labelled

    def _rung(self, epoch: int, chosen: pd.Series) -> pd.DataFrame:
        rows = self.rows[chosen & (self.rows["epoch"] == epoch)].set_index("trial").sort_index()
        accuracy = self.pooled(rows["probe.cross_validated"], rows["probe.reported"])
        return rows.assign(accuracy=accuracy, width=self._widths(rows))

    def _widths(self, rows: pd.DataFrame) -> pd.Series:
        widths = rows[_WIDTH].replace("auto", str(AUTO_WIDTHS[self.method]))
        return pd.to_numeric(widths)


def read_cell(folder: Path, name: str) -> CellTable | None:
    """Read one cell; None where it is missing or no trial of it was trained to the end.

    Args:
        folder: of the table.
        name: of the cell, `METHOD-DATA`.
    """
    file = folder / f"{name}.parquet"
    if not file.exists():
        return None
    rows = pd.read_parquet(file)
    conditions = json.loads(file.with_suffix(".json").read_text())
    if "probe.reported" not in rows or not conditions.get("untrained"):
        return None
    n_report = int(rows["probe.n_reported"].max())
    method, data = name.split("-", 1)
    cell = CellTable(
        method,
        data,
        rows,
        n_fit=conditions["images"]["probe"] - n_report,
        n_report=n_report,
        n_measured=conditions["images"]["measure"],
        untrained=conditions["untrained"],
        pixels=conditions.get("pixels"),
    )
    return cell if len(cell.final) else None


def read_table(folder: Path = TABLE) -> list[CellTable]:
    """Read the cells that are there, in the order of `benchmarks.tabular.cells`."""
    names = [f"{method}-{data}" for data in DATA_SETS for method in METHODS]
    found = [read_cell(folder, name) for name in names]
    return [cell for cell in found if cell is not None]


def as_one_frame(cells: list[CellTable]) -> pd.DataFrame:
    """Return the trials of all cells that were trained to the end, one row each."""
    return pd.concat([cell.final.reset_index() for cell in cells], ignore_index=True)
