"""Batches of all the shapes that loaders give."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from hpo.errors import DataError
from hpo.lightning_callback.batches import images_and_views

ONE, TWO = torch.zeros(4, 3, 8, 8), torch.ones(4, 3, 8, 8)
LOCAL, LABELS, NAMES = torch.ones(4, 3, 4, 4), torch.arange(4), ("a", "b", "c", "d")


@pytest.mark.parametrize(
    ("batch", "n_views"),
    [
        (ONE, 0),
        ([ONE, LABELS], 0),
        ((ONE,), 0),
        (([ONE, TWO], LABELS, NAMES), 2),
        ([[ONE, TWO], LABELS], 2),
        ([ONE, TWO], 2),
        (([ONE, TWO, LOCAL, LOCAL], LABELS, NAMES), 2),
        (([ONE], LABELS), 0),
        ([ONE, LOCAL], 0),
    ],
    ids=["images", "labelled", "one", "lightly", "views and labels", "views", "crops", "single",
         "image and mask"],
)  # fmt: skip
def test_images_and_views_are_found(batch: Any, n_views: int) -> None:
    images, views = images_and_views(batch)
    assert images is ONE
    assert len(views) == n_views
    assert not views or (views[0] is ONE and views[1] is TWO)


@pytest.mark.parametrize(
    ("batch", "got"),
    [
        ({"image": ONE}, "a batch that is a dict"),
        ("image", "a batch that is a str"),
        ([], "a batch that is a list"),
        ([[]], "a batch with an empty list"),
        ([LABELS, ONE], r"shape \(4,\) where the images"),
        ([NAMES, ONE], "got str where the images"),
    ],
)
def test_anything_else_is_named(batch: Any, got: str) -> None:
    with pytest.raises(DataError, match=got):
        images_and_views(batch)
