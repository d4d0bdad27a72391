"""One trial on several devices of a machine, through Lightning Fabric."""

from hpo.devices.failure import DeviceGroupError, DeviceLostError
from hpo.devices.group import DeviceGroup, Prepare

__all__ = ["DeviceGroup", "DeviceGroupError", "DeviceLostError", "Prepare"]
