"""Loggers by name: what is missing is said before anything is trained."""

import sys
from pathlib import Path

import pytest

from hpo.errors import ConfigError
from hpo.loggers import LOGGERS, check_loggers, open_loggers
from hpo.storage import StudyDirectory


def test_no_logger_needs_nothing() -> None:
    check_loggers([])


def test_an_unknown_one_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"^log: got 'comet', wanted one of mlflow, tensorboard"):
        check_loggers(["comet"])


@pytest.mark.parametrize(
    ("name", "module"), [("mlflow", "mlflow"), ("tensorboard", "tensorboard"), ("wandb", "wandb")]
)
def test_what_is_not_installed_is_refused_with_the_way_to_get_it(
    name: str, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for known in [m for m in sys.modules if m == module or m.startswith(f"{module}.")]:
        monkeypatch.delitem(sys.modules, known)
    monkeypatch.delitem(sys.modules, "torch.utils.tensorboard", raising=False)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ConfigError, match=rf"pip install 'goldilocks-hpo\[{name}\]'"):
        check_loggers([name])


def test_opening_writes_nothing_and_takes_each_once(tmp_path: Path) -> None:
    for name in ("mlflow", "tensorboard", "wandb"):
        pytest.importorskip(name)
    loggers = open_loggers([*LOGGERS, *LOGGERS], StudyDirectory(tmp_path), "a")
    assert [logger.name for logger in loggers] == list(LOGGERS)
    assert list(tmp_path.iterdir()) == []
