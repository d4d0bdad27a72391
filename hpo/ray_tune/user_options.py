"""The options of a study that mean something where Ray alone says which trials there are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hpo.config import StudyConfig, load_config
from hpo.errors import ConfigError
from hpo.named_object import is_reference

USED = frozenset(
    {
        "data", "data_root", "max_images", "image_size", "max_unreadable_share",
        "method", "objective", "backbone", "weights", "epochs", "batch_size", "optimizer",
        "accumulate", "clip_norm", "compile", "precision", "pipeline", "views",
        "preset", "space", "search", "search_views", "fix",
        "rung_factor", "measure_images", "lidar_views",
        "seed", "device", "threads", "devices", "loader_workers", "cache_dir", "cache_gib",
    }
)  # fmt: skip


def user_config(options: dict[str, Any]) -> StudyConfig:
    """Check the options of a trainable, in the driver.

    Args:
        options: by the names of `StudyConfig`.

    Returns:
        The configuration, every path absolute: Ray runs a trial in a folder of its own.

    Raises:
        ConfigError: for an unknown option, an impossible value, or an option that is about which
            trials a study has, or where they run.
    """
    if others := sorted({*options} & {*StudyConfig.model_fields} - USED):
        raise ConfigError(
            f"{others[0]}: got {options[others[0]]!r}, which says how goldilocks run chooses and "
            "places trials; a script of your own says that to Ray. Leave it out."
        )
    config = load_config(None, options)
    changed: dict[str, Any] = {
        name: value.expanduser().absolute()
        for name in ("data_root", "weights", "cache_dir")
        if (value := getattr(config, name)) is not None
    }
    if _is_path(config.data):
        changed["data"] = str(Path(config.data).expanduser().absolute())
    for name in ("method", "backbone"):
        place, _, member = getattr(config, name).rpartition(":")
        if is_reference(getattr(config, name)) and place.endswith(".py"):
            changed[name] = f"{Path(place).expanduser().absolute()}:{member}"
    return config.model_copy(update=changed)


def _is_path(data: str) -> bool:
    return data != "digits" and not data.startswith("torchvision:")
