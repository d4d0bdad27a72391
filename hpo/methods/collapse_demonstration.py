"""A method that collapses by its own loss, to see a study notice it.

`goldilocks run --method hpo.methods.collapse_demonstration:empssl` is EMP-SSL as Lightly 1.6.0 has
it. Its loss adds the total coding rate, which the authors' code subtracts, so training makes the
embeddings of all images one. With `--fix sign_mended=on` the same loss has the authors' sign.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import normalize

from hpo.methods.criteria import Criterion
from hpo.methods.declaration import method
from hpo.methods.ranges import check_switch
from hpo.methods.shape import Method
from hpo.methods.widths import hidden_width
from search_spaces import Categorical


class CodingRate(Criterion):
    """EMP-SSL's loss on the unit sphere, where the authors' model puts its embeddings.

    Args:
        criterion: Lightly's `EMPSSLLoss`.
        sign_mended: whether to subtract the coding rate, as the authors do.
    """

    def __init__(self, criterion: torch.nn.Module, *, sign_mended: bool) -> None:
        super().__init__(criterion)
        self.sign_mended = sign_mended

    def forward(self, online: list[Tensor], target: list[Tensor]) -> Tensor:
        """Return the loss of all online outputs."""
        from lightly.loss.emp_ssl_loss import tcr_loss

        views = [normalize(q, dim=1) for q in online]
        loss: Tensor = self.criterion(views)
        if self.sign_mended:
            rate: Tensor = tcr_loss(torch.stack(views), eps=float(self.criterion.tcr_eps))  # type: ignore[arg-type]
            loss = loss - 2 * rate
        return loss


@method(
    sign_mended=Categorical(
        ("off", "on"),
        default="off",
        source="EMP-SSL's authors subtract the coding rate; Lightly 1.6.0 adds it",
        collapses="off: all embeddings become one",
    )
)
def empssl(dim: int, *, sign_mended: str = "off") -> Method:
    """EMP-SSL (Tong et al. 2023, arXiv 2304.03977), with the sign that Lightly gives it.

    Args:
        dim: width of the backbone's features.
        sign_mended: "on" for the authors' sign, which does not collapse; "off" for Lightly's.

    Raises:
        ConfigError: for another word.
    """
    from lightly.loss import EMPSSLLoss
    from lightly.models.modules.heads import VICRegProjectionHead

    mended = check_switch(sign_mended=sign_mended)
    hidden = hidden_width(dim)
    head = VICRegProjectionHead(dim, hidden, min(2 * dim, 256), num_layers=2)
    return Method(head, CodingRate(EMPSSLLoss(), sign_mended=mended), n_global=4)
