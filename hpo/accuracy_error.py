"""How far an accuracy can be believed that was seen on so many images."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def standard_error(accuracy: Floats, n_tested: int, seed_spread: float | None = None) -> Floats:
    """Return the standard error of accuracies: √( p̃ (1 − p̃) / (n + 4) + s² ).

    p̃ = (p n + 2) / (n + 4) is the rate with two more images right and two more wrong, so that an
    accuracy of 1 on a few images is not called certain.

    Args:
        accuracy: p, in [0, 1], any shape.
        n_tested: n, images behind each, >= 1.
        seed_spread: s, standard deviation between seeds, in the unit of accuracy; None for none.

    Source:
        Agresti and Coull, The American Statistician 52 (1998).

    >>> round(float(standard_error(np.array(1.0), 96)), 4)
    0.014
    """
    rate = (accuracy * n_tested + 2) / (n_tested + 4)
    found: Floats = np.sqrt(rate * (1 - rate) / (n_tested + 4) + (seed_spread or 0.0) ** 2)
    return found
