"""The loggers by their names, and whether what they need is installed."""

from __future__ import annotations

from collections.abc import Sequence

from hpo.errors import ConfigError
from hpo.loggers.logger import Logger
from hpo.storage import StudyDirectory

LOGGERS = ("mlflow", "tensorboard", "wandb")


def check_loggers(names: Sequence[str]) -> None:
    """Check before any training that loggers can be used.

    Args:
        names: of `LOGGERS`.

    Raises:
        ConfigError: for an unknown name, a library that is not installed, or W&B without a key.
    """
    for name in names:
        if name not in LOGGERS:
            raise ConfigError(f"log: got {name!r}, wanted one of {', '.join(LOGGERS)}.")
        try:
            _check(name)
        except ImportError as error:
            raise ConfigError(
                f"log: {name} cannot be imported ({error}); install it with: "
                f"pip install 'goldilocks-hpo[{name}]'"
            ) from error


def open_loggers(names: Sequence[str], directory: StudyDirectory, group: str) -> list[Logger]:
    """Open loggers; nothing is written before something is logged.

    Args:
        names: of `LOGGERS`, checked; one that is named twice is opened once.
        directory: of the study.
        group: what the study is called there.
    """
    return [_open(name, directory, group) for name in dict.fromkeys(names)]


def _check(name: str) -> None:
    if name == "tensorboard":
        from torch.utils.tensorboard import SummaryWriter  # noqa: F401
    elif name == "mlflow":
        from mlflow import MlflowClient  # noqa: F401
    else:
        from hpo.loggers.wandb_log import check_key

        check_key()


def _open(name: str, directory: StudyDirectory, group: str) -> Logger:
    if name == "tensorboard":
        from hpo.loggers.tensorboard_log import TensorBoardLog

        return TensorBoardLog(directory.out / "tensorboard")
    if name == "mlflow":
        from hpo.loggers.mlflow_log import MLflowLog

        return MLflowLog(group)
    from hpo.loggers.wandb_log import WandbLog

    return WandbLog(directory.out, group)
