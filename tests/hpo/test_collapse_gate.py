"""Features that share a large offset, as masked methods leave them, are judged about their mean."""

import torch
from torch import Tensor

from hpo.collapse_gate import about_mean, features_report
from objectives import EmbeddingStatistics


def cloud(seed: int, n: int = 200, dim: int = 16) -> Tensor:
    return torch.randn(n, dim, generator=torch.Generator().manual_seed(seed))


def judged(features: Tensor, *, centred: bool = True) -> str | None:
    reference = EmbeddingStatistics.of(cloud(1))
    mean = features.mean(dim=0) if centred else None
    return features_report(features, reference=reference, mean=mean).kind


OFFSET = torch.linspace(-1, 1, 16) * 30


def test_an_offset_is_no_collapse_where_there_is_no_projector() -> None:
    assert judged(cloud(0) + OFFSET) is None
    assert judged(cloud(0) + OFFSET, centred=False) == "constant"


def test_next_to_nothing_beside_the_offset_is() -> None:
    assert judged(0.01 * cloud(0) + OFFSET) == "constant"
    assert judged(torch.zeros(200, 16) + OFFSET) == "constant"


def test_few_dimensions_beside_the_offset_are_dimensional() -> None:
    line = cloud(0)[:, :1] * torch.ones(1, 16)
    assert judged(line + OFFSET) == "dimensional"


def test_what_is_not_finite_is_named() -> None:
    broken = cloud(0)
    broken[3, 2] = float("nan")
    assert judged(broken) == "not finite"
    assert judged(broken, centred=False) == "not finite"


def test_about_no_mean_is_as_it_is() -> None:
    features = cloud(0)
    assert about_mean(features, None) is features
    assert about_mean(features, features.mean(dim=0)).mean(dim=0).abs().max() < 1e-6
