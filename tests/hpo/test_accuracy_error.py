"""How far an accuracy can be believed."""

from __future__ import annotations

import numpy as np
import pytest

from hpo.accuracy_error import standard_error


def test_the_error_is_binomial() -> None:
    """Of many draws of 400 images."""
    drawn = np.random.default_rng(0).binomial(400, 0.9, size=20_000) / 400
    assert float(standard_error(np.array(0.9), 400)) == pytest.approx(drawn.std(), rel=0.03)


@pytest.mark.parametrize("accuracy", [0.0, 1.0])
def test_all_right_on_few_images_is_not_certain(accuracy: float) -> None:
    assert 0.01 < float(standard_error(np.array(accuracy), 50)) < 0.05
