"""What one pass over the images leaves behind: moments of all, and the rows of some."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from objectives import Collapse, EmbeddingError, SecondMoments, ViewMoments, reduce_view_moments
from objectives.assessment import PAIRS_OF_AT_MOST
from objectives.distributed import gather
from objectives.embeddings import count_not_finite


@dataclass
class Kept:
    """Rows of the first images, for measures that compare pairs.

    Attributes:
        at_most: images of which rows are kept.
    """

    at_most: int = PAIRS_OF_AT_MOST
    _places: list[Tensor] = field(default_factory=list)
    _rows: list[Tensor] = field(default_factory=list)

    def update(self, places: Tensor, rows: Tensor) -> None:
        """Add rows (n, …) of the images at `places`."""
        chosen = places < self.at_most
        if bool(chosen.any()):
            self._places.append(places[chosen])
            self._rows.append(rows[chosen.to(rows.device)].cpu())

    def reduced(self) -> Tensor | None:
        """Rows of all processes in the order of their places; None where nothing was kept."""
        mine = (torch.cat(self._places), torch.cat(self._rows)) if self._rows else None
        parts = [part for part in gather(mine) if part is not None]
        if not parts:
            return None
        order = torch.cat([places for places, _ in parts]).argsort()
        return torch.cat([rows for _, rows in parts])[order]


@dataclass(frozen=True)
class Layer:
    """What is known of one layer's outputs.

    Args:
        moments: of all images.
        rows: float (n, dim), of the first images; None where no measure needs them.
        view_moments: of all images' views; None without views.
        views: float (n, n_views, dim), of the first images; None likewise.
    """

    moments: SecondMoments
    rows: Tensor | None = None
    view_moments: ViewMoments | None = None
    views: Tensor | None = None

    @classmethod
    def of_rows(cls, rows: Tensor, views: Tensor | None) -> Layer:
        """Describe a layer by the rows alone."""
        moments, view_moments = SecondMoments(), None
        moments.update(rows)
        if views is not None:
            view_moments = ViewMoments()
            view_moments.update(views)
        return cls(moments, rows, view_moments, views)


class LayerTally:
    """Takes one layer's outputs batch by batch, in memory that does not grow with the images.

    What is not finite is counted, not refused.
    """

    def __init__(self) -> None:
        self._all = Collapse(check_scale=False)
        self._view_moments = ViewMoments()
        self._rows, self._views = Kept(), Kept()
        self._n_views_not_finite = 0

    def update(self, places: Tensor, rows: Tensor, views: Tensor | None) -> None:
        """Add rows (n, dim), and views (n, n_views, dim), of the images at `places`."""
        self._all.update(rows)
        self._rows.update(places, rows)
        if views is None:
            return
        bad = count_not_finite(views.flatten(end_dim=1))
        self._n_views_not_finite += bad
        if not bad:
            self._view_moments.update(views)
        self._views.update(places, views)

    def reduced(self) -> tuple[Layer | None, int, int]:
        """Return what all processes have seen, each of which calls this.

        Returns:
            The layer, None where values are not finite; how many images were seen; and how many
            rows or views are not finite.
        """
        counts = gather((self._all.n_rows, self._all.n_not_finite + self._n_views_not_finite))
        n_images, n_bad = (sum(each) for each in zip(*counts, strict=True))
        if not n_images:
            raise EmbeddingError("loader: got no images from it; wanted at least two to measure.")
        if n_bad:
            return None, n_images, n_bad
        rows, views = self._rows.reduced(), self._views.reduced()
        view_moments = None if views is None else reduce_view_moments(self._view_moments)
        return Layer(self._all.reduce().moments, rows, view_moments, views), n_images, 0
