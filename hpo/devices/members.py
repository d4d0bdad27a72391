"""The leader's view of the other processes: start them, tell them, hear from them, end them."""

from __future__ import annotations

import multiprocessing
import time
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

import torch

from hpo.devices.commands import Answer, Command, End, Report
from hpo.devices.failure import DeviceGroupError, DeviceLostError
from hpo.devices.follower import Prepare, follow
from hpo.devices.process_group import Meeting

_GRACE_SECONDS = 5.0


class Members:
    """The processes of ranks 1 to N - 1.

    Args:
        meeting: where the group meets.
        prepare: gives each of them the images.
    """

    def __init__(self, meeting: Meeting, prepare: Prepare) -> None:
        self.timeout_seconds = meeting.timeout_seconds
        self.processes: list[SpawnProcess] = []
        self.connections: list[Connection] = []
        # Not fork: CUDA and torch's threads do not survive it.
        context = multiprocessing.get_context("spawn")
        for rank in range(1, meeting.n_devices):
            ours, theirs = context.Pipe()
            process = context.Process(
                target=follow,
                args=(meeting, rank, torch.get_num_threads(), theirs, prepare),
                name=f"device-{rank}",
                daemon=True,
            )
            process.start()
            theirs.close()  # or we would never hear that the process closed it
            self.processes.append(process)
            self.connections.append(ours)

    def tell(self, command: Command) -> None:
        """Send a command to all.

        Raises:
            DeviceLostError: when one of them is gone.
        """
        for rank, connection in enumerate(self.connections, start=1):
            try:
                connection.send(command)
            except OSError as error:
                raise DeviceLostError(self._epitaph(rank)) from error

    def hear(self, wanted: Answer) -> None:
        """Wait until all have answered.

        Args:
            wanted: what they have to answer.

        Raises:
            DeviceGroupError: when one of them fails or answers otherwise.
            DeviceLostError: when one of them does not answer in time, or never again.
        """
        deadline = time.monotonic() + self.timeout_seconds
        for rank, connection in enumerate(self.connections, start=1):
            report = self._next(rank, connection, max(0.0, deadline - time.monotonic()))
            if report is None:
                raise DeviceLostError(
                    f"device {rank}: no answer after {self.timeout_seconds:.0f} s. All devices "
                    "were given up; they start again with the next training."
                )
            if report.answer != wanted:
                raise DeviceGroupError(
                    _failed(rank, report)
                    if report.answer == "failed"
                    else f"device {rank}: got {report.answer!r}, wanted {wanted!r} as on device 0."
                )

    def last_words(self) -> DeviceGroupError | None:
        """Return why processes were lost; None when all of them are there and silent."""
        deadline = time.monotonic() + _GRACE_SECONDS / 5
        lost: DeviceGroupError | None = None
        for rank, connection in enumerate(self.connections, start=1):
            try:
                report = self._next(rank, connection, max(0.0, deadline - time.monotonic()))
            except DeviceLostError as gone:
                lost = lost or gone
            else:
                if report is not None and report.answer == "failed":
                    return DeviceGroupError(_failed(rank, report))  # it says more than a silence
        return lost

    def end(self, patiently: bool) -> None:
        """End all processes.

        Args:
            patiently: whether they may end by themselves, as those that wait for a command do.
        """
        if patiently:
            with suppress(DeviceGroupError):
                self.tell(End())
        deadline = time.monotonic() + _GRACE_SECONDS * patiently
        for process in self.processes:
            process.join(max(0.0, deadline - time.monotonic()))
            process.kill()
            process.join()
        for connection in self.connections:
            connection.close()

    def _next(self, rank: int, connection: Connection, patience_seconds: float) -> Report | None:
        """The next report of a process; None when there is none in time."""
        wait([connection, self.processes[rank - 1].sentinel], patience_seconds)
        if not connection.poll():
            if self.processes[rank - 1].is_alive():
                return None
            raise DeviceLostError(self._epitaph(rank))
        try:
            report: Report = connection.recv()
        except (EOFError, OSError) as error:
            raise DeviceLostError(self._epitaph(rank)) from error
        return report

    def _epitaph(self, rank: int) -> str:
        process = self.processes[rank - 1]
        process.join(_GRACE_SECONDS)
        return (
            f"device {rank}: its process ended unexpectedly (exit code {process.exitcode}), "
            "perhaps killed for want of memory."
        )


def _failed(rank: int, report: Report) -> str:
    """Say what a process failed with in a line, and below it where."""
    reason = report.detail.strip().rpartition("\n")[2]
    return f"device {rank} failed, and its process ended: {reason}\n{report.detail}"
