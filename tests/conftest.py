"""What all tests share: one thread, one token for Ray, and real images."""

import secrets
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> Iterator[None]:
    """Small tensors: threads cost more than they give, and others share the machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True, scope="session")
def _own_cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Decoded images are cached in the user's home otherwise; other processes inherit it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("user_cache")))
        yield


@pytest.fixture(autouse=True, scope="session")
def _one_token() -> Iterator[None]:
    """Ray reads its token once a process, from the home directory: the second cluster of a test
    run has another home, without that token, and would not start."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))
        yield


@pytest.fixture(scope="session")
def digits() -> Tensor:
    """160 handwritten digits as they are, uint8 (160, 1, 8, 8)."""
    from hpo.data import load_images

    return load_images(
        "digits", image_size=8, data_root=None, with_labels=False, max_images=160, seed=0
    ).tensor()


@pytest.fixture(scope="session")
def photos() -> Tensor:
    """40 pieces of two colour photographs, uint8 (40, 3, 64, 64)."""
    from sklearn.datasets import load_sample_images

    pixels = np.stack(load_sample_images().images)[:, :424, :640]
    pieces = torch.from_numpy(pixels).unfold(1, 64, 90).unfold(2, 64, 180)
    return pieces.reshape(-1, 3, 64, 64).contiguous()
