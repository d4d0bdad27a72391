"""What is raised when the devices can no longer work together."""

from __future__ import annotations

from hpo.errors import GoldilocksError


class DeviceGroupError(GoldilocksError, RuntimeError):
    """Raised when a process that leads one of the devices of a trial died or disagrees."""


class DeviceLostError(DeviceGroupError):
    """Raised when such a process is gone or silent, without a word why: it may go well again."""
