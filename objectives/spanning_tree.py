"""The Euclidean minimum spanning tree of embeddings: its length, and how that length grows."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from objectives.embeddings import ArrayLike, check_embeddings, to_float64
from objectives.errors import InvalidArgumentError
from objectives.round_off import check_no_overflow

ROWS_AT_ONCE = 1024

Floats = npt.NDArray[np.float64]


def spanning_tree_length(points: ArrayLike) -> float:
    """Measure the total edge length of the Euclidean minimum spanning tree.

        L = min over spanning trees T of Σ_{(u, v) ∈ T} ‖u − v‖₂

    It equals the total degree-0 persistence of the Rips filtration. The tree is exact: it is chosen
    from float64 distances, and its edges are then measured again from differences, so equal points
    are joined by edges of length 0. Only points closer than about 1e-7 of the spread may be joined
    in another order than the best.

    Args:
        points: Shape (n_points, dim), at least 1 point, floating, any device. Never changed.

    Returns:
        At least 0, in the unit of the points; 0 for one point and for equal points. No direction:
        see `idest` for what is read from it.

    Raises:
        EmbeddingError: See `check_embeddings`; or squares that overflow float64.

    References:
        Prim, "Shortest connection networks and some generalizations", Bell System Technical Journal
        36 (1957). Adams et al., "A fractal dimension for measures via persistent homology", Abel
        Symposia 15 (2020), for the persistence.

    Examples:
        >>> spanning_tree_length(torch.tensor([[0.0, 0.0], [3.0, 4.0], [3.0, 0.0]]))
        7.0
    """
    checked = check_embeddings(points, name="points")
    return prefix_tree_lengths(checked, [checked.shape[0]])[0]


def prefix_tree_lengths(points: ArrayLike, sizes: Sequence[int]) -> list[float]:
    """Measure the length of the minimum spanning tree of the first n points, for each n of sizes.

    The points join in blocks. An edge between two old points that the tree of the old points does
    without is the longest of some cycle, and stays so whatever joins; so the next tree lies within
    the old tree and the edges that touch a new point. Every distance is computed once and
    kept for one block: time O(n² dim) in matrix products plus O(n²) for each size, memory
    O(n (dim + 1024)). The products run on the points' device, the trees on the CPU.

    Args:
        points: Shape (n_points, dim), floating, any device. Never changed.
        sizes: How many points, increasing, each from 1 to n_points.

    Returns:
        A length for each size; see `spanning_tree_length`.

    Raises:
        EmbeddingError: See `spanning_tree_length`.
        InvalidArgumentError: The sizes do not increase or leave 1 … n_points.

    Examples:
        >>> prefix_tree_lengths(torch.tensor([[0.0], [4.0], [1.0]]), [1, 2, 3])
        [0.0, 4.0, 4.0]
    """
    checked = check_embeddings(points, name="points")
    _check_sizes(sizes, checked.shape[0])
    rows = to_float64(checked)
    # Distances from inner products lose what the points have in common: it must not be a long mean.
    rows = rows - rows.mean(dim=0)
    norms = rows.square().sum(dim=1)
    check_no_overflow(norms)
    tree, n_joined, lengths = _Tree(), 0, []
    for size in sizes:
        for start in range(n_joined, size, ROWS_AT_ONCE):
            stop = min(start + ROWS_AT_ONCE, size)
            tree = _grow(tree, _squared_distances(rows, norms, start, stop))
        n_joined = size
        lengths.append(_length(tree, rows))
    return lengths


@dataclass(frozen=True)
class _Tree:
    """Edges as pairs of point numbers, shape (n_edges, 2), and their squared lengths."""

    ends: npt.NDArray[np.intp] = field(default_factory=lambda: np.empty((0, 2), dtype=np.intp))
    squared: Floats = field(default_factory=lambda: np.empty(0))

    def neighbours(self, n_points: int) -> list[list[tuple[int, float]]]:
        found: list[list[tuple[int, float]]] = [[] for _ in range(n_points)]
        for (left, right), squared in zip(self.ends.tolist(), self.squared.tolist(), strict=True):
            found[left].append((right, squared))
            found[right].append((left, squared))
        return found


class _Outside:
    """The points outside a growing tree, each with its shortest edge into the tree so far."""

    def __init__(self, n_points: int) -> None:
        self.squared = np.full(n_points, np.inf)
        self.inner_end = np.zeros(n_points, dtype=np.intp)
        self.is_outside = np.ones(n_points, dtype=np.bool_)
        self._shorter = np.empty(n_points, dtype=np.bool_)

    def remove(self, point: int) -> None:
        self.is_outside[point] = False
        self.squared[point] = np.inf

    def offer(self, inner_end: int, squared: Floats, first: int = 0) -> None:
        """Offer edges from a point of the tree to all points from number `first` on."""
        shorter, ours = self._shorter[first:], self.squared[first:]
        np.less(squared, ours, out=shorter)
        shorter &= self.is_outside[first:]
        np.copyto(ours, squared, where=shorter)
        np.copyto(self.inner_end[first:], inner_end, where=shorter)

    def offer_one(self, inner_end: int, squared: float, point: int) -> None:
        if self.is_outside[point] and squared < self.squared[point]:
            self.squared[point] = squared
            self.inner_end[point] = inner_end


def _grow(tree: _Tree, from_new: Floats) -> _Tree:
    """Prim's algorithm over an old tree and all edges of new points: (n_new, n_old + n_new)."""
    n_new, n_points = from_new.shape
    n_old = n_points - n_new
    to_new = np.ascontiguousarray(from_new[:, :n_old].T)
    neighbours = tree.neighbours(n_old)
    outside = _Outside(n_points)
    ends, squared = np.empty((n_points - 1, 2), dtype=np.intp), np.empty(n_points - 1)
    point = 0
    for edge in range(n_points - 1):
        outside.remove(point)
        if point >= n_old:
            outside.offer(point, from_new[point - n_old])
        else:
            outside.offer(point, to_new[point], first=n_old)
            for neighbour, old_squared in neighbours[point]:
                outside.offer_one(point, old_squared, neighbour)
        point = int(outside.squared.argmin())
        ends[edge] = outside.inner_end[point], point
        squared[edge] = outside.squared[point]
    return _Tree(ends, squared)


def _squared_distances(rows: Tensor, norms: Tensor, start: int, stop: int) -> Floats:
    """From points start … stop − 1 to points 0 … stop − 1, in numpy: Prim's steps are tiny."""
    sums = norms[start:stop, None] + norms[None, :stop]
    squared = sums.addmm_(rows[start:stop], rows[:stop].T, alpha=-2.0)
    found: Floats = squared.cpu().numpy()
    return found


def _length(tree: _Tree, rows: Tensor) -> float:
    total = 0.0
    for ends in torch.split(torch.from_numpy(tree.ends).to(rows.device), ROWS_AT_ONCE):
        edges = rows[ends[:, 0]] - rows[ends[:, 1]]
        total += float(torch.linalg.vector_norm(edges, dim=1).sum())
    return total


def _check_sizes(sizes: Sequence[int], n_points: int) -> None:
    steps = [after - before for before, after in zip([0, *sizes], sizes, strict=False)]
    if not steps or min(steps) < 1 or sizes[-1] > n_points:
        raise InvalidArgumentError(
            f"sizes: got {list(sizes)} for {n_points} points, wanted increasing sizes from 1 to "
            f"{n_points}; sort them and drop repeated ones."
        )
