"""The untrained network on its way to the workers of a cluster: a file that all nodes reach.

Not Ray's object store: that is shared with whatever else the cluster runs, and where it is full,
and the disk that it overflows to as well, no worker could begin.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from hpo.errors import StorageError
from hpo.ray_tune.checkpoint_store import CheckpointStore


@dataclass(frozen=True)
class Parcel:
    """What was sent, and where it lies.

    Args:
        url: its folder.
        sha256: of what was sent, in hexadecimal. Unpacking runs what is in the file, so it has to
            be what the driver wrote, whoever else may write to that storage.
    """

    url: str
    sha256: str


def send(store: CheckpointStore, url: str, content: bytes) -> Parcel:
    """Write bytes to where every node finds them.

    Raises:
        StorageError: when they cannot be written.
    """
    store.write(content, url)
    return Parcel(url, hashlib.sha256(content).hexdigest())


def receive(parcel: Parcel) -> bytes:
    """Read them on whatever node this is.

    Raises:
        StorageError: when they cannot be read, or are not what was sent.
    """
    content = CheckpointStore(parcel.url).read(parcel.url)
    if hashlib.sha256(content).hexdigest() != parcel.sha256:
        raise StorageError(
            f"{parcel.url}: the untrained network there is not the one that was sent; something "
            "else writes to this folder. Give the same command again, with another --storage-path."
        )
    return content
