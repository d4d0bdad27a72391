"""How the processes of a group meet: on the loopback interface and nowhere else."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

import torch
import torch.distributed
from torch.distributed import TCPStore  # type: ignore[attr-defined]

if TYPE_CHECKING:
    from lightning_fabric import Fabric
    from lightning_fabric.plugins.environments.lightning import LightningEnvironment

DeviceType = Literal["cpu", "cuda"]
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Meeting:
    """Where and how the processes of a group meet.

    Args:
        n_devices: processes, one a device.
        device_type: "cpu" or "cuda"; CUDA devices are the first ones that torch sees.
        port: of the leader's store, on the loopback interface.
        timeout_seconds: how long one of them waits for another in the middle of a step.
    """

    n_devices: int
    device_type: DeviceType
    port: int
    timeout_seconds: float


def listening_socket() -> socket.socket:
    """Return a socket that listens on a free port of the loopback interface.

    The leader hands it to torch's store: a store that opens its own listens on every interface,
    and a port that was only looked up may be taken before it is used.
    """
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.bind((LOOPBACK, 0))
    listening.listen()
    return listening


def join(meeting: Meeting, rank: int, listening: socket.socket | None = None) -> Fabric:
    """Join the group and return this process's Fabric.

    Args:
        meeting: where to.
        rank: of this process, 0 for the leader.
        listening: the leader's socket, which belongs to the store from now on.
    """
    from lightning_fabric import Fabric

    patience = timedelta(seconds=meeting.timeout_seconds)
    cuda = meeting.device_type == "cuda"
    with _loopback_only():
        store = TCPStore(
            LOOPBACK,
            meeting.port,
            meeting.n_devices,
            is_master=listening is not None,
            timeout=patience,
            master_listen_fd=None if listening is None else listening.detach(),
        )
        # Gloo also on CUDA: the few bytes that are agreed upon each step stay off the device.
        torch.distributed.init_process_group(
            "cpu:gloo,cuda:nccl" if cuda else "gloo",
            store=store,
            rank=rank,
            world_size=meeting.n_devices,
            timeout=patience,
        )
        fabric = Fabric(
            accelerator=meeting.device_type,
            devices=meeting.n_devices,
            strategy="ddp",
            precision="32-true",  # a training chooses the precision of its networks itself
            plugins=[_environment(meeting, rank)],
        )
        fabric.launch()
        # NCCL opens its sockets at its first use, which must not be later.
        torch.distributed.all_reduce(torch.zeros(1, device=fabric.device))
    return fabric


def leave() -> None:
    """Leave the group, if this process is in one."""
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def _environment(meeting: Meeting, rank_: int) -> LightningEnvironment:
    """Say who we are without environment variables, which a process would leave to its children."""
    from lightning_fabric.plugins.environments.lightning import LightningEnvironment

    class OneOfUs(LightningEnvironment):
        creates_processes_externally = True
        main_address = LOOPBACK
        main_port = meeting.port

        def local_rank(self) -> int:
            return rank_

        def node_rank(self) -> int:
            return 0

    return OneOfUs()


@contextmanager
def _loopback_only() -> Iterator[None]:
    """Bind Gloo and NCCL to the loopback interface unless the user chose another."""
    name = next((name for _, name in socket.if_nameindex() if name.startswith("lo")), None)
    chosen = {} if name is None else {"GLOO_SOCKET_IFNAME": name, "NCCL_SOCKET_IFNAME": name}
    ours = {key: value for key, value in chosen.items() if key not in os.environ}
    os.environ.update(ours)
    try:
        yield
    finally:
        for key in ours:
            os.environ.pop(key, None)
