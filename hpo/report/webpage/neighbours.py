"""Images beside those that the chosen backbone takes for the most similar, for people to judge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hpo.errors import DataError
from hpo.report.webpage.images_of_study import SeenImages
from hpo.report.webpage.pictures import data_uri

if TYPE_CHECKING:
    import torch

N_QUERIES, N_NEIGHBOURS = 12, 5


@dataclass(frozen=True)
class Neighbour:
    """One similar image.

    Args:
        uri: of the picture.
        similarity: cosine of its features and the query's, in [-1, 1].
        label: its class; None without labels.
        same_class: whether it is of the query's class; None without labels.
    """

    uri: str
    similarity: float
    label: int | None
    same_class: bool | None


@dataclass(frozen=True)
class Query:
    """An image and those nearest to it, the nearest first."""

    uri: str
    label: int | None
    neighbours: tuple[Neighbour, ...]


def neighbours_of(
    seen: SeenImages, *, n_queries: int = N_QUERIES, n_neighbours: int = N_NEIGHBOURS
) -> tuple[Query, ...]:
    """Find the nearest neighbours of a dozen images by the cosine of their features.

    Queries are spread evenly over the classes, or over all images where there are no labels; the
    same study always shows the same ones.

    Args:
        seen: images and features.
        n_queries: how many images to ask for, at most all.
        n_neighbours: of each, at most all others.

    Raises:
        DataError: for features that are not finite.
    """
    import torch
    from torch.nn.functional import normalize

    if not bool(torch.isfinite(seen.features).all()):
        raise DataError("the chosen backbone's features are not finite")
    features = normalize(seen.features.double(), dim=1)
    queries = _queries(seen, n_queries)
    cosines = features[queries] @ features.T
    cosines[torch.arange(len(queries)), queries] = -torch.inf
    n = min(n_neighbours, len(features) - 1)
    values, places = cosines.topk(n, dim=1)
    return tuple(
        Query(
            data_uri(seen.images[query]),
            _label(seen, query),
            tuple(
                Neighbour(
                    data_uri(seen.images[place]),
                    float(value),
                    _label(seen, place),
                    None if seen.labels is None else _label(seen, place) == _label(seen, query),
                )
                for value, place in zip(row_values.tolist(), row_places.tolist(), strict=True)
            ),
        )
        for query, row_values, row_places in zip(queries.tolist(), values, places, strict=True)
    )


def _queries(seen: SeenImages, n: int) -> torch.Tensor:
    import torch

    order = torch.randperm(len(seen.features), generator=torch.Generator().manual_seed(0))
    if seen.labels is not None:
        # The first of every class, then the second of every class, and so on.
        labels = seen.labels[order].tolist()
        turn: dict[int, int] = {}
        rounds = []
        for label in labels:
            turn[label] = turn.get(label, -1) + 1
            rounds.append(turn[label])
        places = sorted(range(len(labels)), key=lambda place: (rounds[place], labels[place]))
        order = order[torch.tensor(places)]
    return order[: min(n, len(order))]


def _label(seen: SeenImages, place: int) -> int | None:
    return None if seen.labels is None else int(seen.labels[place])
