"""How rows become views."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hpo.errors import ConfigError
from hpo.score.reading import read_embeddings
from tests.hpo.score.files import FORMATS, named, refused, rows, same


@pytest.fixture
def image_ids() -> NDArray[np.int64]:
    return np.array([30, 10, 20, 10, 30, 20])


@pytest.mark.parametrize("kind", ["npy", *FORMATS])
def test_three_dimensions_are_views(tmp_path: Path, kind: str) -> None:
    views = np.stack([rows(seed=1), rows(seed=2), rows(seed=3)], axis=1)
    if kind == "npy":
        path = tmp_path / "z.npy"
        np.save(path, views)
    else:
        path = named(tmp_path, kind, z=views)
    found = read_embeddings(path)
    assert found.views is not None
    assert same(found.views, views)
    assert found.first_views
    assert same(found.embeddings, views[:, 0])


def by_id(array: NDArray[Any]) -> NDArray[Any]:
    """Rows of image 10, 20, 30 under the ids of the fixture."""
    return np.stack([array[[1, 3]], array[[2, 5]], array[[0, 4]]])


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8"])
def test_flat_rows_are_grouped_by_image_id(
    tmp_path: Path, kind: str, dtype: str, image_ids: NDArray[np.int64]
) -> None:
    path = named(tmp_path, kind, z=rows(), image_ids=image_ids.astype(dtype))
    found = read_embeddings(path)
    assert found.views is not None
    assert same(found.views, by_id(rows()))
    assert found.first_views
    assert same(found.embeddings, rows()[[1, 2, 0]])
    assert "grouped by 'image_ids'" in found.source


def test_ids_of_another_name_and_flat_views(tmp_path: Path, image_ids: NDArray[np.int64]) -> None:
    path = named(tmp_path, "npz", z=rows(), crops=rows(seed=1), ids=image_ids)
    found = read_embeddings(path, key="z", views_key="crops", ids_key="ids")
    assert found.views is not None
    assert same(found.views, by_id(rows(seed=1)))
    assert same(found.embeddings, rows())
    alone = read_embeddings(path, key="crops", ids_key="ids")
    assert alone.views is not None
    assert same(alone.views, found.views.numpy())


def test_ids_that_differ_in_every_row_group_nothing(tmp_path: Path) -> None:
    found = read_embeddings(named(tmp_path, "npz", z=rows(), image_ids=np.arange(6)[::-1]))
    assert same(found.embeddings, rows())
    assert (found.views, found.first_views) == (None, False)


def test_unequal_numbers_of_views_name_the_images(tmp_path: Path) -> None:
    path = named(tmp_path, "npz", z=rows(), image_ids=np.array([7, 7, 7, 9, 9, 8]))
    assert "got 3 rows of image 7 but 1 of image 8" in refused(path)


def test_another_number_of_ids_than_rows(tmp_path: Path) -> None:
    path = named(tmp_path, "npz", z=rows(), image_ids=np.arange(5))
    assert "got 5 image ids for 6 rows" in refused(path)


@pytest.mark.parametrize("ids", [np.arange(6.0), np.ones((6, 1), np.int64), np.ones(6, bool)])
def test_ids_of_another_kind(tmp_path: Path, ids: NDArray[Any]) -> None:
    message = refused(named(tmp_path, "npz", z=rows(), image_ids=ids))
    assert f"got {ids.dtype} of shape {ids.shape}, wanted image ids as integers" in message


def test_ids_for_views_that_are_grouped_already(tmp_path: Path) -> None:
    path = named(tmp_path, "npz", z=rows().reshape(3, 2, 4), ids=np.arange(3))
    assert "leave out --ids-key" in refused(path, ConfigError, key="z", ids_key="ids")


def test_flat_views_without_ids(tmp_path: Path) -> None:
    message = refused(named(tmp_path, "npz", z=rows(), views=rows()))
    assert "wanted float16, bfloat16, float32 or float64 of shape (n_images, n_views, dim)." in (
        message
    )
    assert "--ids-key" in message


def test_embeddings_of_three_dimensions_beside_views(tmp_path: Path) -> None:
    views = rows().reshape(3, 2, 4)
    message = refused(named(tmp_path, "npz", z=views, views=views))
    assert "of shape (n_samples, dim)." in message
    assert "as --key alone" in message


def test_views_of_another_layer_than_the_embeddings(tmp_path: Path) -> None:
    path = named(tmp_path, "npz", z=rows(), views=np.zeros((3, 2, 5), np.float32))
    assert "beside views of 5 dimensions" in refused(path)
