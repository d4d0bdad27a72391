"""Resampling is two matrix products, whatever comes in."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.testing import assert_close

from hpo.views.resampling import resample


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 3), st.sampled_from([1, 3]), *[st.integers(1, 6)] * 4)
def test_it_is_rows_image_columns(n: int, c: int, h: int, w: int, new_h: int, new_w: int) -> None:
    images, rows, columns = torch.rand(n, c, h, w), torch.rand(n, new_h, h), torch.rand(n, new_w, w)
    expected = torch.einsum("nyh,nchw,nxw->ncyx", rows, images, columns)
    assert_close(resample(images, rows, columns), expected)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_the_identity_changes_nothing(photos: Tensor, dtype: torch.dtype) -> None:
    identity = torch.eye(64).expand(len(photos), 64, 64)
    found = resample(photos.to(dtype), identity, identity)
    assert found.dtype == torch.float32
    assert torch.equal(found, photos.float())
