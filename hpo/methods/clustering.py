"""Clustering methods: views of an image are assigned to the same prototype."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from torch import Tensor, nn

from hpo.methods.criteria import Criterion
from hpo.methods.ranges import check_count, check_positive
from hpo.methods.shape import Method
from hpo.methods.widths import embedding_width

if TYPE_CHECKING:
    from lightly.models.modules import SwaVPrototypes


def swav(
    dim: int,
    *,
    temperature: float = 0.1,
    epsilon: float = 0.05,
    prototypes: int = 512,
    n_local: int = 6,
    projector_width: int | str = "auto",
) -> Method:
    """SwAV (Caron et al. 2020, arXiv 2006.09882): predict the assignment of the other view.

    Args:
        dim: width of the backbone's features.
        temperature: of the prediction's softmax, > 0.
        epsilon: sharpness of the assignments, > 0; smaller is sharper, large ones make all alike.
        prototypes: number of them, >= 2; 3000 for ImageNet, three for each class.
        n_local: small crops beside the two global ones, >= 0. Each predicts both global
            assignments.
        projector_width: of z; "auto" is the paper's 128.

    Raises:
        ConfigError: for a value outside its range.
    """
    from lightly.loss import SwaVLoss
    from lightly.models.modules import SwaVPrototypes
    from lightly.models.modules.heads import SwaVProjectionHead

    check_positive(temperature=temperature, epsilon=epsilon)
    check_count(2, prototypes=prototypes)
    check_count(0, n_local=n_local)
    width = embedding_width(projector_width, auto=128)
    return Method(
        projector=SwaVProjectionHead(dim, dim, width),
        criterion=Swapped(SwaVLoss(temperature, sinkhorn_epsilon=epsilon)),
        predictor=Prototypes(SwaVPrototypes(width, prototypes)),
        n_local=n_local,
    )


class Prototypes(nn.Module):
    """Scores of the embeddings' directions for every prototype, which are kept at length 1.

    Args:
        prototypes: Lightly's module.
    """

    def __init__(self, prototypes: SwaVPrototypes) -> None:
        super().__init__()
        self.prototypes = prototypes

    def before_step(self, step: int, n_steps: int) -> None:
        """Scale the prototypes to length 1: in place, so not between forward and backward."""
        self.prototypes.normalize()

    def forward(self, z: Tensor) -> Tensor:
        """Return scores (n, prototypes) of embeddings (n, width)."""
        return cast(Tensor, self.prototypes(nn.functional.normalize(z, dim=1)))


class Swapped(Criterion):
    """Loss of every view's scores against the assignments of the other global views."""

    def forward(self, online: list[Tensor], target: list[Tensor]) -> Tensor:
        """Return criterion(scores of the global views, scores of the local ones)."""
        n_global = len(target)
        loss = cast(Tensor, self.criterion(online[:n_global], online[n_global:]))
        return loss.squeeze(0)  # Lightly's has shape (1,)
