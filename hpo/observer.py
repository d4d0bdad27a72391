"""What a running study tells whoever watches it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from hpo.record import TrialRow


class Observer(Protocol):
    """Receives the events of a study. Nothing it does may change the study."""

    def note(self, text: str) -> None:
        """One line worth keeping: what is planned, what a decision was."""

    def decoding(self, done: int, total: int) -> None:
        """Images read so far."""

    def rows(self, rows: Sequence[TrialRow]) -> None:
        """The trials as they are now."""

    def epoch(self, number: int, epoch: int) -> None:
        """A trial finished an epoch."""

    def time(self, spent_seconds: float) -> None:
        """Wall time spent on the study so far."""

    def phase(self, name: str) -> None:
        """What the study is at: searching, probing or replicating."""


class Silent:
    """An observer that shows nothing."""

    def note(self, text: str) -> None:
        """Show nothing."""

    def decoding(self, done: int, total: int) -> None:
        """Show nothing."""

    def rows(self, rows: Sequence[TrialRow]) -> None:
        """Show nothing."""

    def epoch(self, number: int, epoch: int) -> None:
        """Show nothing."""

    def time(self, spent_seconds: float) -> None:
        """Show nothing."""

    def phase(self, name: str) -> None:
        """Show nothing."""
