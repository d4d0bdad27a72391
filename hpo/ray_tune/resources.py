"""What a trial asks a Ray cluster for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpo.errors import ConfigError

if TYPE_CHECKING:
    from ray.tune import PlacementGroupFactory


def bundle(
    devices: int = 1, *, cpus_per_trial: float = 1.0, gpus_per_trial: float = 0.0
) -> dict[str, float]:
    """Return the one bundle that a trial asks for, as plain numbers.

    It is one bundle also for several devices. A bundle lies on one node, which is where a
    `hpo.devices` group works; and an actor sees only the GPUs of the bundle that it is in, so a
    leader with a bundle a device would see one device and not all of them.

    Args:
        devices: that a trial trains on, >= 1.
        cpus_per_trial: cores of all its processes together, > 0.
        gpus_per_trial: 0 for none. With one device at most 1, a share being allowed: 0.5 lets two
            trials have a GPU. With several, one whole GPU a device.

    Returns:
        By Ray's name of the resource; without "GPU" where none is asked for.

    Raises:
        ConfigError: for a number out of its range, or GPUs that do not fit the devices.

    >>> bundle(2, cpus_per_trial=4, gpus_per_trial=2)
    {'CPU': 4, 'GPU': 2}
    >>> bundle(gpus_per_trial=0.5)
    {'CPU': 1.0, 'GPU': 0.5}
    """
    if devices < 1:
        raise ConfigError(f"devices: got {devices}; wanted at least 1.")
    if not 0 < cpus_per_trial < float("inf"):
        raise ConfigError(f"cpus_per_trial: got {cpus_per_trial:g}; wanted more than 0.")
    if cpus_per_trial > 1 and cpus_per_trial % 1:
        raise ConfigError(
            f"cpus_per_trial: got {cpus_per_trial:g}; wanted a whole number, or a share of 1."
        )
    if gpus_per_trial == 0:
        return {"CPU": cpus_per_trial}
    if devices > 1 and gpus_per_trial != devices:
        raise ConfigError(
            f"gpus_per_trial: got {gpus_per_trial:g} for {devices} devices; wanted {devices}, a "
            "whole one for each, or 0 to train on the processor."
        )
    if not 0 < gpus_per_trial <= devices:
        raise ConfigError(
            f"gpus_per_trial: got {gpus_per_trial:g}; wanted between 0 and 1 for one device. Ask "
            "for more with devices."
        )
    return {"CPU": cpus_per_trial, "GPU": gpus_per_trial}


def trial_resources(
    devices: int = 1, *, cpus_per_trial: float = 1.0, gpus_per_trial: float = 0.0
) -> PlacementGroupFactory:
    """Return what a trial asks for, for `tune.with_resources`; see `bundle`.

    Raises:
        ConfigError: as `bundle` does.
    """
    from ray.tune import PlacementGroupFactory

    asked = bundle(devices, cpus_per_trial=cpus_per_trial, gpus_per_trial=gpus_per_trial)
    return PlacementGroupFactory([asked], strategy="STRICT_PACK")
