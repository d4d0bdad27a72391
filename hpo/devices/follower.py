"""A process that leads one device of a group: it does what the leader says, and ends with it."""

from __future__ import annotations

import io
import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from hpo.data.store import ImageStore, as_store
from hpo.devices.commands import Answer, Begin, Command, End, Load, Report
from hpo.devices.failure import DeviceGroupError
from hpo.devices.process_group import Meeting, join, leave
from hpo.devices.shared_training import SharedTraining, StoppedTogether
from hpo.embedding import Normalisation
from hpo.training import Diverged

if TYPE_CHECKING:
    from lightning_fabric import Fabric

Prepare = Callable[[], tuple[Tensor | ImageStore, Normalisation]]
"""Gives a process the training images and their normalisation; picklable."""


def follow(
    meeting: Meeting, rank: int, n_threads: int, connection: Connection, prepare: Prepare
) -> None:
    """Prepare, join the group and obey until told to end; the body of a process.

    Args:
        meeting: where the group meets.
        rank: of this process, from 1.
        n_threads: of torch, as many as the leader has.
        connection: to the leader.
        prepare: gives the images.
    """
    # Ctrl-C goes to all processes of a terminal; it is the leader who decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_the_leader, daemon=True).start()
    torch.set_num_threads(n_threads)
    try:
        images, normalisation = prepare()
        connection.send(Report("ready"))
        fabric = join(meeting, rank)
        _Follower(connection, fabric, as_store(images), normalisation).obey()
        leave()
    except EOFError:  # the leader is gone
        os._exit(1)
    except BaseException:
        _last_words(connection, traceback.format_exc())
        os._exit(1)  # an ordinary end could wait for a device that waits for the others


class _Follower:
    """What a process knows once it is in its group."""

    def __init__(
        self, connection: Connection, fabric: Fabric, images: ImageStore, norm: Normalisation
    ) -> None:
        self.connection, self.fabric = connection, fabric
        self.images, self.normalisation = images, norm
        self.training: SharedTraining | None = None

    def obey(self) -> None:
        """Do what is asked, one command after the other, until the end."""
        while not isinstance(command := self.connection.recv(), End):
            self.connection.send(Report(self._do(command)))

    def _do(self, command: Command) -> Answer:
        if isinstance(command, Begin):
            self._check_images(command)
            self.training = None  # its memory first
            self.training = SharedTraining(
                command.plan, self.images, self.normalisation, self.fabric
            )
            return "ready"
        if self.training is None:
            raise DeviceGroupError(f"got {command} before any training began")
        if isinstance(command, Load):
            state = torch.load(io.BytesIO(command.state), map_location="cpu", weights_only=True)
            self.training.load_state_dict(state)
            return "ready"
        return _epoch_of(self.training)

    def _check_images(self, begin: Begin) -> None:
        mine = (self.images.shape, self.normalisation)
        if mine != (begin.shape, begin.normalisation):
            raise DeviceGroupError(
                f"prepare: got images {mine[0]} with {mine[1]}; the leader has {begin.shape} with "
                f"{begin.normalisation}. It must give every process the same images."
            )


def _epoch_of(training: SharedTraining) -> Answer:
    try:
        training.run_epoch()
    except StoppedTogether:
        return "stopped"
    except Diverged:
        return "diverged"
    return "done"


def _last_words(connection: Connection, words: str) -> None:
    try:
        connection.send(Report("failed", words))
    except OSError:  # nobody listens any more
        return


def _end_with_the_leader() -> None:
    """End at once when the leader is gone, even in the middle of a step or killed with SIGKILL."""
    leader = multiprocessing.parent_process()
    if leader is not None:
        multiprocessing.connection.wait([leader.sentinel])
        os._exit(1)
