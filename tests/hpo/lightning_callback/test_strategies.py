"""Strategies that cannot be measured under, and those whose processes end with the training."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from pytorch_lightning.strategies import FSDPStrategy

from hpo.errors import ConfigError
from hpo.lightning_callback.strategies import check_strategy, copies_memory
from tests.hpo.lightning_callback.modules import PACKAGES, trainer


def test_networks_in_pieces_are_refused() -> None:
    # A trainer takes this strategy on a GPU only.
    with pytest.raises(ConfigError, match="strategy: got FSDPStrategy, whose processes hold parts"):
        check_strategy(SimpleNamespace(strategy=FSDPStrategy()))


@pytest.mark.parametrize("package", PACKAGES)
def test_processes_that_are_made_for_a_training_are_known(package: str, tmp_path: Path) -> None:
    shared = {"accelerator": "cpu", "devices": 2, "strategy": "ddp_spawn"}
    assert copies_memory(trainer(package, tmp_path, **shared))
    alone = trainer(package, tmp_path)
    check_strategy(alone)
    assert not copies_memory(alone)
