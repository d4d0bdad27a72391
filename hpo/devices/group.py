"""Several devices for one trial: their processes are started when needed and replaced if lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from hpo.data.store import ImageStore
from hpo.devices.commands import Answer, Command
from hpo.devices.failure import DeviceGroupError
from hpo.devices.follower import Prepare
from hpo.devices.led_training import LedTraining
from hpo.devices.members import Members
from hpo.devices.process_group import DeviceType, Meeting, join, leave, listening_socket
from hpo.embedding import Normalisation
from hpo.errors import ConfigError
from hpo.training import TrainingPlan

if TYPE_CHECKING:
    from lightning_fabric import Fabric

__all__ = ["DeviceGroup", "Prepare"]


class DeviceGroup:
    """Several devices of this machine that train one trial at a time.

    This process leads the first device itself and starts one process for each of the others, at
    the first training. It must not be a daemon of `multiprocessing`, and it can lead one group at
    a time. While the group is open, `torch.distributed` is initialised here: losses that look at
    it, such as DINO's, must not be trained outside the group.

    Args:
        n_devices: at least 2.
        device_type: "cpu" or "cuda".
        prepare: gives each process the images that `training` is called with; picklable. It is
            called in the other processes only.
        timeout_seconds: how long a process waits for another before it gives up.

    Raises:
        ConfigError: for fewer than 2 devices, or more than there are.
    """

    def __init__(
        self,
        n_devices: int,
        device_type: DeviceType,
        prepare: Prepare,
        timeout_seconds: float = 600.0,
    ) -> None:
        check_devices(n_devices, device_type)
        self.n_devices, self.device_type, self.prepare = n_devices, device_type, prepare
        self.timeout_seconds = timeout_seconds
        self.current: LedTraining | None = None
        self._members: Members | None = None
        self._fabric: Fabric | None = None

    def training(
        self, plan: TrainingPlan, images: Tensor | ImageStore, normalisation: Normalisation
    ) -> LedTraining:
        """Begin a training, which takes the place of the one before.

        Args:
            plan: what to do; the batch size is that of all devices together.
            images: to train on, the same that `prepare` gives.
            normalisation: theirs.

        Raises:
            ConfigError: when the plan cannot be shared out.
            DeviceGroupError: when one of the processes died.
        """
        self.current = None
        return LedTraining(plan, images, normalisation, self)

    def fabric(self) -> Fabric:
        """Return Lightning's Fabric of this process; the others are started if they are not there.

        Raises:
            DeviceGroupError: when one of them cannot be started.
        """
        if self._fabric is None or self._members is None:
            try:
                self._fabric = self._start()
            except BaseException:
                self.close(patiently=False)
                raise
        return self._fabric

    def _start(self) -> Fabric:
        with listening_socket() as listening:
            port = listening.getsockname()[1]
            meeting = Meeting(self.n_devices, self.device_type, port, self.timeout_seconds)
            self._members = Members(meeting, self.prepare)
            self._members.hear("ready")
            return join(meeting, 0, listening)

    def require(self, training: LedTraining) -> None:
        """Check that the devices work on this training.

        Raises:
            DeviceGroupError: when they work on another one, or on none after a failure.
        """
        if self.current is not training:
            raise DeviceGroupError(
                "this training no longer has its devices: another one began, or a process was "
                "lost. Begin it again and load its latest checkpoint."
            )

    @contextmanager
    def together(self, on_step: Callable[[], None] = lambda: None) -> Iterator[Joint]:
        """Do something with the other processes, and give them up when it fails half-way.

        Args:
            on_step: asked first when a process is lost: the signal that ended it may have been
                meant for us all.
        """
        joint = Joint(self)
        try:
            yield joint
        except BaseException as error:
            if joint.settled:
                raise
            lost = self._members.last_words() if self._members else None
            self.close(patiently=False)
            if lost is None or isinstance(error, DeviceGroupError):
                raise
            on_step()
            raise lost from error

    def members(self) -> Members:
        """Return the other processes, which must have been started."""
        if self._members is None:
            raise DeviceGroupError("the group has not been started, or was closed")
        return self._members

    def close(self, patiently: bool = True) -> None:
        """End the other processes; a later training would start new ones.

        Args:
            patiently: whether they may end by themselves first.
        """
        self.current = self._fabric = None
        members, self._members = self._members, None
        if members is not None:
            members.end(patiently)
        leave()

    def __enter__(self) -> DeviceGroup:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Joint:
    """One thing that all processes do: told, done, and agreed upon.

    Args:
        group: of the processes.

    Attributes:
        settled: whether the others wait for the next command, so that an error harms nobody.
    """

    def __init__(self, group: DeviceGroup) -> None:
        self.group, self.settled = group, True

    def tell(self, command: Command) -> None:
        """Tell all others; from now on an error of ours leaves them half-way."""
        self.settled = False
        self.group.members().tell(command)

    def settle(self, answer: Answer) -> None:
        """Hear from all others that it went as it did here.

        Raises:
            DeviceGroupError: when it went otherwise, or one of them died.
        """
        self.group.members().hear(answer)
        self.settled = True


def check_devices(n_devices: int, device_type: DeviceType) -> None:
    """Check that there are that many devices.

    Args:
        n_devices: wanted, at least 2.
        device_type: "cpu", which counts as any number, or "cuda".

    Raises:
        ConfigError: when there are not.
    """
    if n_devices < 2:
        raise ConfigError(f"devices: got {n_devices} for a group; wanted at least 2.")
    if device_type == "cuda" and torch.cuda.device_count() < n_devices:
        raise ConfigError(
            f"devices: got {n_devices}, but torch sees {torch.cuda.device_count()} CUDA device(s) "
            "here. Ask for at most that many."
        )
