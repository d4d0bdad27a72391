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

from hpo.budget import Limits, Spend, format_duration, parse_budget
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
        self.limits = Limits() if config.budget is None else parse_budget(config.budget)
        self.spent_seconds = 0.0
        self.epochs_done = 0.0
        self.running: dict[int, int] = {}
        self._ended_epochs = 0.0
        self._replicates: frozenset[int] = frozenset()
        self._seen: dict[int, int] = {}
        self._spent = Spend()

    def rows(self, rows: Sequence[TrialRow]) -> None:
        """Count what trials have behind them; one that ended early is done."""
        self._replicates = frozenset(r.number for r in rows if r.replicate_of is not None)
        ended = sum(
            row.state not in ("running", "interrupted", "waiting") and row.replicate_of is None
            for row in rows
        )
        self._ended_epochs = float(ended * self.n_epochs)
        known = self.running
        self.running = {
            row.number: max(row.epoch, known.get(row.number, 0))
            for row in rows
            if row.state == "running"
        }
        self._seen = dict(self.running)
        self._spent = Spend(
            device_seconds=sum(row.spent.get("device_seconds", row.seconds) for row in rows)
            + sum(float(row.probe.get("seconds", 0.0)) for row in rows),
            epochs=sum(max(row.spent_epochs, self.running.get(row.number, 0)) for row in rows),
            images=sum(row.spent_images for row in rows),
        )
        self._count()

    def epoch(self, number: int, epoch: int) -> None:
        """Count the epochs of a trial that is running."""
        self.running[number] = epoch
        self._count()

    def _count(self) -> None:
        trials = [n for number, n in self.running.items() if number not in self._replicates]
        self.epochs_done = self._ended_epochs + sum(trials)

    @property
    def spend(self) -> Spend:
        """What is known to be spent; epochs since the last look at the trials included."""
        since = sum(n - self._seen.get(number, 0) for number, n in self.running.items())
        per_epoch = self._spent.images / self._spent.epochs if self._spent.epochs else 0.0
        return self._spent + Spend(
            wall_seconds=self.spent_seconds, epochs=since, images=since * per_epoch
        )

    @property
    def value(self) -> float:
        """In [0, 1]: of the limit that will be reached first."""
        spend = self.spend
        parts = [spend.of(unit) / (self.limits.of(unit) or 1.0) for unit in self.limits.units]
        if self.n_trials is not None:
            parts.append(self.epochs_done / (self.n_trials * self.n_epochs))
        return min(1.0, max(parts, default=0.0))

    @property
    def eta_seconds(self) -> float | None:
        """Seconds left at the rate so far; None before there is a rate."""
        wall_seconds = self.limits.wall_seconds
        if self.value <= 0.005:
            return wall_seconds
        rest = self.spent_seconds * (1 - self.value) / self.value
        if wall_seconds is not None:
            rest = min(rest, max(0.0, wall_seconds - self.spent_seconds))
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
        self._phase, self._status = "", "starting"
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

    def phase(self, name: str) -> None:
        """Show what the study is at: "searching", "probing" or "replicating"."""
        self._phase = name

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
            Text(": ".join(filter(None, (self._phase, self._status))), style="dim"),
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
        self._phase = ""

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

    def phase(self, name: str) -> None:
        """Name in the lines on progress what the study is at."""
        self._phase = name

    def time(self, spent_seconds: float) -> None:
        """Print how far the study is, every half minute."""
        self._fraction.spent_seconds = spent_seconds
        if time.monotonic() - self._last_line >= _LINE_EVERY_SECONDS:
            self._last_line = time.monotonic()
            self._print(f"{self._phase or 'progress'}: {self._fraction.text()}")

    def _line(self, row: TrialRow) -> str:
        name = self._config.objective
        values = [
            f"{shown} {row.values[key]:.2f}"
            for shown, key in ((name, name), ("α", "alpha_req"), ("moved", "moved"))
            if key in row.values and not (key == "alpha_req" and name == "alpha_req" == shown)
        ]
        again = "" if row.replicate_of is None else f" ({row.replicate_of} again)"
        text = f"trial {row.number}{again}: {row.state}"
        if row.epoch:
            text += f" at epoch {row.epoch} of {self._config.epochs}: {', '.join(values)}"
        ended = row.state != "running"  # the reason is stored a moment before the end
        return f"{text}; {row.reason}" if row.reason and ended else text

    def _print(self, text: str) -> None:
        self._console.print(Text(text), soft_wrap=True)
