"""What Lightning's trainers warn of by themselves, whatever the callback does."""

from __future__ import annotations

from pathlib import Path

import pytest
from torch import Tensor

from tests.hpo.lightning_callback.modules import pictures

_OF_LIGHTNING = (
    "ignore:.*LeafSpec.*:FutureWarning",
    "ignore:.*does not have many workers.*",
    "ignore:.*smaller than the logging interval.*",
    "ignore:.*Checkpoint directory .* exists and is not empty.*",
    "ignore:You're resuming from a checkpoint that ended before the epoch ended.*",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            for warning in _OF_LIGHTNING:
                item.add_marker(pytest.mark.filterwarnings(warning))


@pytest.fixture(scope="session")
def small(digits: Tensor) -> Tensor:
    """160 digits, float32 (160, 3, 16, 16)."""
    return pictures(digits)
