"""Which array of several is taken."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from hpo.errors import ConfigError
from hpo.score.reading import read_embeddings
from tests.hpo.score.files import FORMATS, named, refused, rows, same


@pytest.mark.parametrize("kind", FORMATS)
def test_usual_names_in_their_order(tmp_path: Path, kind: str) -> None:
    arrays = {name: rows(seed=i) for i, name in enumerate(("h", "z", "features", "embeddings"))}
    arrays["labels"] = np.arange(6)
    for name in ("embeddings", "features", "z", "h"):
        assert same(read_embeddings(named(tmp_path, kind, **arrays)).embeddings, arrays[name])
        del arrays[name]


@pytest.mark.parametrize("kind", FORMATS)
def test_embeddings_and_views_of_one_file(tmp_path: Path, kind: str) -> None:
    views = np.stack([rows(seed=1), rows(seed=2)], axis=1)
    path = named(tmp_path, kind, z=rows(), views=views, image_ids=np.arange(6))
    found = read_embeddings(path)
    assert same(found.embeddings, rows())
    assert found.views is not None
    assert same(found.views, views)
    assert not found.first_views
    assert found.source == f"{path}['z'], views from 'views'"


def test_with_a_key_only_what_is_named_is_taken(tmp_path: Path) -> None:
    views = np.stack([rows(seed=1), rows(seed=2)], axis=1)
    path = named(tmp_path, "npz", z=rows(), other=rows(seed=3), views=views, crops=views + 1)
    found = read_embeddings(path, key="other")
    assert same(found.embeddings, rows(seed=3))
    assert found.views is None
    both = read_embeddings(path, key="other", views_key="crops")
    assert both.views is not None
    assert same(both.views, views + 1)
    alone = read_embeddings(path, views_key="crops")
    assert alone.first_views
    assert same(alone.embeddings, views[:, 0] + 1)


@pytest.mark.parametrize("kind", FORMATS)
def test_several_unknown_names_are_listed(tmp_path: Path, kind: str) -> None:
    message = refused(named(tmp_path, kind, left=rows(), right=rows(5)))
    assert "'left' float32 of shape (6, 4)" in message
    assert "'right' float32 of shape (5, 4)" in message
    assert "--key" in message


def test_a_long_list_is_cut(tmp_path: Path) -> None:
    message = refused(named(tmp_path, "npz", **{f"array{i}": rows() for i in range(20)}))
    assert "'array11'" in message
    assert "'array12'" not in message
    assert "8 more" in message


def test_a_file_of_no_arrays(tmp_path: Path) -> None:
    np.savez(tmp_path / "z.npz")
    assert "got no array" in refused(tmp_path / "z.npz")


def test_a_name_that_is_not_there(tmp_path: Path) -> None:
    path = named(tmp_path, "npz", features=rows(), labels=np.arange(6))
    message = refused(path, ConfigError, key="feature")
    assert "--key: got 'feature'" in message
    assert "Did you mean 'features'?" in message
    assert "--ids-key" in refused(path, ConfigError, ids_key="ids")


@pytest.mark.parametrize("option", ["key", "views_key", "ids_key"])
def test_a_name_for_a_nameless_array(tmp_path: Path, option: str) -> None:
    np.save(tmp_path / "z.npy", rows())
    message = refused(tmp_path / "z.npy", ConfigError, **{option: "z"})
    assert f"leave out --{option.replace('_', '-')}" in message


def test_one_array_for_two_parts(tmp_path: Path) -> None:
    path = tmp_path / "z.npz"
    np.savez(path, z=rows(), labels=np.arange(6))
    with pytest.raises(ConfigError, match=r"--key, --views-key: got 'z', 'z', wanted a different"):
        read_embeddings(path, key="z", views_key="z")


def test_weights_of_a_model_are_recognised(tmp_path: Path) -> None:
    torch.save(torch.nn.Linear(4, 4).state_dict(), tmp_path / "z.pt")
    assert "run the model over the images" in refused(tmp_path / "z.pt")
