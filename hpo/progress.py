"""Progress while a study runs: a live table and a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from hpo.budget import format_duration
from hpo.config import StudyConfig
from hpo.record import TrialRow
from hpo.report import trial_table

_LINE_EVERY_SECONDS = 30.0


class Fraction:
    """How much of the whole budget is used, and how long the rest will take.

    Args:
        config: its limits.

    >>> done = Fraction(StudyConfig(trials=4, epochs=10))
    >>> done.spent_seconds, done.epochs_done = 30.0, 20
    >>> done.value, done.eta_seconds
    (0.5, 30.0)
    """

    def __init__(self, config: StudyConfig) -> None:
        self.n_trials, self.n_epochs = config.n_trials, config.epochs
        self.budget_seconds = config.budget_seconds
        self.spent_seconds = 0.0
        self.epochs_done = 0.0
        self.running: dict[int, int] = {}
        self._ended_epochs = 0.0

    def rows(self, rows: Sequence[TrialRow]) -> None:
        """Count what trials have behind them; one that ended early is done."""
        ended = sum(row.state not in ("running", "interrupted", "waiting") for row in rows)
        self._ended_epochs = float(ended * self.n_epochs)
        known = self.running
        self.running = {
            row.number: max(row.epoch, known.get(row.number, 0))
            for row in rows
            if row.state == "running"
        }
        self._count()

    def epoch(self, number: int, epoch: int) -> None:
        """Count the epochs of a trial that is running."""
        self.running[number] = epoch
        self._count()

    def _count(self) -> None:
        self.epochs_done = self._ended_epochs + sum(self.running.values())

    @property
    def value(self) -> float:
        """In [0, 1]: of the limit that will be reached first."""
        by_trials = (
            self.epochs_done / (self.n_trials * self.n_epochs) if self.n_trials is not None else 0.0
        )
        by_time = self.spent_seconds / self.budget_seconds if self.budget_seconds else 0.0
        return min(1.0, max(by_trials, by_time))

    @property
    def eta_seconds(self) -> float | None:
        """Seconds left at the rate so far; None before there is a rate."""
        if self.value <= 0.005:
            return self.budget_seconds
        rest = self.spent_seconds * (1 - self.value) / self.value
        if self.budget_seconds is not None:
            rest = min(rest, max(0.0, self.budget_seconds - self.spent_seconds))
        return rest

    def text(self) -> str:
        """One line: share, time spent, time left."""
        eta = self.eta_seconds
        left = "" if eta is None else f", about {format_duration(eta)} left"
        return f"{100 * self.value:.0f} %, {format_duration(self.spent_seconds)} spent{left}"


class LiveProgress:
    """The table and the bar, redrawn in place.

    Args:
        console: a terminal.
        config: the study's.
    """

    def __init__(self, console: Console, config: StudyConfig) -> None:
        self._console, self._config = console, config
        self._fraction = Fraction(config)
        self._rows: Sequence[TrialRow] = ()
        self._status = "starting"
        self._live = Live(
            get_renderable=self._render, console=console, refresh_per_second=4, transient=True
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def note(self, text: str) -> None:
        """Print above the table, where it stays."""
        self._console.print(Text(text))
        self._status = text.splitlines()[0][:60]

    def decoding(self, done: int, total: int) -> None:
        """Show the reading of the images in the bar's line."""
        self._status = f"reading images: {done} of {total}"

    def rows(self, rows: Sequence[TrialRow]) -> None:
        """Take over the trials as they are now."""
        self._rows = rows
        self._fraction.rows(rows)

    def epoch(self, number: int, epoch: int) -> None:
        """Move the bar within a running trial."""
        self._fraction.epoch(number, epoch)
        running = sorted(self._fraction.running.items())
        shown = ", ".join(f"{n}: epoch {done}" for n, done in running[:4])
        more = f" and {len(running) - 4} more" if len(running) > 4 else ""
        plural = "s" if len(running) > 1 else ""
        self._status = f"trial{plural} {shown}{more} of {self._config.epochs}"

    def time(self, spent_seconds: float) -> None:
        """Take over the time spent on the study."""
        self._fraction.spent_seconds = spent_seconds

    def _render(self) -> Group:
        height = max(5, self._console.size.height - 6)
        rows = list(self._rows)[-height:]
        bar = Table.grid(padding=(0, 2, 0, 0))
        bar.add_row(
            ProgressBar(total=1.0, completed=self._fraction.value, width=40),
            Text(self._fraction.text()),
            Text(self._status, style="dim"),
        )
        return Group(trial_table(rows, measure=self._config.objective), Text(), bar)


class PlainProgress:
    """One line per event, for logs.

    Args:
        console: where to.
        config: the study's.
    """

    def __init__(self, console: Console, config: StudyConfig) -> None:
        self._console, self._config = console, config
        self._fraction = Fraction(config)
        self._seen: dict[int, tuple[str, int]] = {}
        self._started = self._last_line = time.monotonic()
        self._decoded_tenths = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return

    def note(self, text: str) -> None:
        """Print it."""
        self._print(text)

    def decoding(self, done: int, total: int) -> None:
        """Print a line every tenth, once reading takes long enough to be noticed."""
        tenths = 10 * done // max(total, 1)
        if tenths != self._decoded_tenths and time.monotonic() - self._started > 3:
            self._decoded_tenths = tenths
            self._print(f"reading images: {done} of {total}")

    def rows(self, rows: Sequence[TrialRow]) -> None:
        """Print a line for each trial that changed."""
        self._fraction.rows(rows)
        for row in rows:
            now = (row.state, row.epoch)
            if self._seen.get(row.number) != now:
                self._seen[row.number] = now
                self._print(self._line(row))

    def epoch(self, number: int, epoch: int) -> None:
        """Print nothing, epochs are too many for a log; but count it."""
        self._fraction.epoch(number, epoch)

    def time(self, spent_seconds: float) -> None:
        """Print how far the study is, every half minute."""
        self._fraction.spent_seconds = spent_seconds
        if time.monotonic() - self._last_line >= _LINE_EVERY_SECONDS:
            self._last_line = time.monotonic()
            self._print(f"progress: {self._fraction.text()}")

    def _line(self, row: TrialRow) -> str:
        name = self._config.objective
        values = [
            f"{shown} {row.values[key]:.2f}"
            for shown, key in ((name, name), ("α", "alpha_req"), ("moved", "moved"))
            if key in row.values and not (key == "alpha_req" and name == "alpha_req" == shown)
        ]
        text = f"trial {row.number}: {row.state}"
        if row.epoch:
            text += f" at epoch {row.epoch} of {self._config.epochs}: {', '.join(values)}"
        return f"{text}; {row.reason}" if row.reason else text

    def _print(self, text: str) -> None:
        self._console.print(Text(text), soft_wrap=True)
