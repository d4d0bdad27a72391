"""Contrastive methods whose keys come from elsewhere: a momentum copy, or a queue of embeddings."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from torch import Tensor

from hpo.methods.criteria import Criterion, Cross, OneWay
from hpo.methods.ranges import check_count, check_positive, check_share
from hpo.methods.remembered import remembered
from hpo.methods.shape import Method
from hpo.methods.widths import embedding_width

if TYPE_CHECKING:
    from lightly.loss import NTXentLoss
    from lightly.models.modules import NNMemoryBankModule


def mocov2(
    dim: int,
    *,
    temperature: float = 0.2,
    one_minus_momentum: float = 0.01,
    queue: int = 1024,
    projector_width: int | str = "auto",
) -> Method:
    """MoCo v2 (Chen et al. 2020, arXiv 2003.04297): negatives from a queue of momentum keys.

    Args:
        dim: width of the backbone's features.
        temperature: of the softmax, > 0.
        one_minus_momentum: 1 minus the momentum coefficient at the start, in (0, 1].
        queue: keys kept, >= 1. The paper's 65536 are a twentieth of ImageNet; a queue longer than
            the data holds the keys of every image, and old ones.
        projector_width: of z; "auto" is the paper's 128.

    Raises:
        ConfigError: for a value outside its range.
    """
    from lightly.loss import NTXentLoss
    from lightly.models.modules.heads import MoCoProjectionHead

    check_positive(temperature=temperature)
    check_share(one_minus_momentum=one_minus_momentum)
    check_count(1, queue=queue)
    width = embedding_width(projector_width, auto=128)
    loss = NTXentLoss(temperature, memory_bank_size=(queue, width))
    return Method(
        projector=MoCoProjectionHead(dim, dim, width),
        criterion=OneWay(remembered(loss)),
        one_way=True,
        target="ema",
        momentum=1.0 - one_minus_momentum,
    )


def mocov3(
    dim: int,
    *,
    temperature: float = 0.2,
    one_minus_momentum: float = 0.01,
    projector_width: int | str = "auto",
) -> Method:
    """MoCo v3 (Chen et al. 2021, arXiv 2104.02057): predict the momentum copy's key in the batch.

    Composed from BYOL's heads and NT-Xent, both ways round, for Lightly has none. The paper's
    loss has only the other view's keys as negatives, NT-Xent has all embeddings of both views.

    Args:
        dim: width of the backbone's features.
        temperature: of the softmax, > 0.
        one_minus_momentum: 1 minus the momentum coefficient at the start, in (0, 1].
        projector_width: of z and of the prediction; "auto" is twice the features' width, at most
            the paper's 256.

    Raises:
        ConfigError: for a value outside its range.
    """
    from lightly.loss import NTXentLoss
    from lightly.models.modules.heads import BYOLPredictionHead, BYOLProjectionHead

    check_positive(temperature=temperature)
    check_share(one_minus_momentum=one_minus_momentum)
    hidden, width = min(8 * dim, 4096), embedding_width(projector_width, auto=min(2 * dim, 256))
    return Method(
        projector=BYOLProjectionHead(dim, hidden, width),
        criterion=Cross(NTXentLoss(temperature)),
        predictor=BYOLPredictionHead(width, hidden, width),
        target="ema",
        momentum=1.0 - one_minus_momentum,
    )


def nnclr(
    dim: int,
    *,
    temperature: float = 0.1,
    queue: int = 1024,
    projector_width: int | str = "auto",
) -> Method:
    """NNCLR (Dwibedi et al. 2021, arXiv 2104.14548): the nearest neighbour is the positive.

    Args:
        dim: width of the backbone's features.
        temperature: of the softmax, > 0.
        queue: embeddings kept to find neighbours among, >= 1.
        projector_width: of z and of the prediction; "auto" is twice the features' width, at most
            the paper's 256.

    Raises:
        ConfigError: for a value outside its range.
    """
    from lightly.loss import NTXentLoss
    from lightly.models.modules import NNMemoryBankModule
    from lightly.models.modules.heads import NNCLRPredictionHead, NNCLRProjectionHead

    check_positive(temperature=temperature)
    check_count(1, queue=queue)
    width = embedding_width(projector_width, auto=min(2 * dim, 256))
    bank = NNMemoryBankModule(size=(queue, width))
    return Method(
        projector=NNCLRProjectionHead(dim, dim, width),
        criterion=Neighbours(NTXentLoss(temperature), bank),
        predictor=NNCLRPredictionHead(width, 2 * dim, width),
        target="stop-grad",
    )


class Neighbours(Criterion):
    """Mean loss of each view's prediction against the neighbour of the other view's target.

    Args:
        criterion: the loss of a neighbour and a prediction.
        bank: past embeddings of second views, which are replaced oldest first.
    """

    def __init__(self, criterion: NTXentLoss, bank: NNMemoryBankModule) -> None:
        super().__init__(criterion)
        self.bank = remembered(bank)

    def forward(self, online: list[Tensor], target: list[Tensor]) -> Tensor:
        """Return the mean of criterion(neighbour of k_0, q_1) and criterion(that of k_1, q_0)."""
        first = self.bank(target[0], update=False)
        second = self.bank(target[1], update=True)
        terms = self.criterion(first, online[1]) + self.criterion(second, online[0])
        return cast(Tensor, 0.5 * terms)
