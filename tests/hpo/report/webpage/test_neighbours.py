"""Nearest neighbours: the nearest by cosine, never the image itself, of all classes."""

from __future__ import annotations

import pytest
import torch
from sklearn.neighbors import NearestNeighbors

from hpo.errors import DataError
from hpo.report.webpage.images_of_study import SeenImages
from hpo.report.webpage.neighbours import neighbours_of
from hpo.report.webpage.pictures import data_uri


def seen(n: int = 40, *, labelled: bool = True) -> SeenImages:
    """Images that are all different, so that a picture tells which one it is."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 255, (n, 1, 8, 8), generator=generator, dtype=torch.uint8)
    features = torch.randn(n, 6, generator=generator)
    labels = torch.arange(n) % 4 if labelled else None
    return SeenImages(images, features, labels, "images")


def test_neighbours_are_those_of_scikit_learn() -> None:
    given = seen()
    names = {data_uri(image): place for place, image in enumerate(given.images)}
    search = NearestNeighbors(n_neighbors=6, metric="cosine").fit(given.features.numpy())
    for query in neighbours_of(given, n_queries=7):
        place = names[query.uri]
        far, near = search.kneighbors(given.features[place : place + 1].numpy())
        assert [names[each.uri] for each in query.neighbours] == near[0][1:].tolist()
        cosines = [each.similarity for each in query.neighbours]
        assert cosines == pytest.approx((1 - far[0][1:]).tolist(), abs=1e-5)
        assert [each.same_class for each in query.neighbours] == [
            each.label == query.label for each in query.neighbours
        ]


def test_queries_are_of_every_class_in_turn() -> None:
    assert [query.label for query in neighbours_of(seen(), n_queries=8)] == [0, 1, 2, 3] * 2


def test_without_labels_nothing_is_said_of_classes() -> None:
    found = neighbours_of(seen(labelled=False))
    assert len(found) == 12
    assert {query.label for query in found} == {None}
    assert {each.same_class for query in found for each in query.neighbours} == {None}


def test_few_images_have_few_neighbours() -> None:
    found = neighbours_of(seen(3))
    assert [len(query.neighbours) for query in found] == [2, 2, 2]


def test_features_that_are_not_finite_are_refused() -> None:
    given = seen()
    given.features[3, 0] = torch.nan
    with pytest.raises(DataError, match="not finite"):
        neighbours_of(given)
