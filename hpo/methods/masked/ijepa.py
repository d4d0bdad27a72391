"""I-JEPA: from one part of an image, predict a momentum copy's features of other parts."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn

from hpo.errors import ConfigError
from hpo.methods.masked.blocks import draw_blocks
from hpo.methods.masked.patches import attention_heads, grid_side, masked_encoder


class JointEmbeddingPredictor(nn.Module):
    """A vision transformer that sees a context, its momentum copy that sees all, a predictor.

    Args:
        backbone: a torchvision `VisionTransformer`; it stays one.
        momentum: start value of the momentum copy's coefficient, in [0, 1); cosine to 1.
        n_targets: blocks to predict.
        target_scale: share of the patches in each.
        context_scale: share of the patches in the block they are predicted from.
        predictor_depth: transformer blocks of the predictor.

    Raises:
        ConfigError: for another backbone, or fewer than 4 x 4 patches.
    """

    n_global, n_local = 1, 0
    loss_sees_scale = False
    batch_multiple = 1

    def __init__(
        self,
        backbone: nn.Module,
        *,
        momentum: float,
        n_targets: int,
        target_scale: float,
        context_scale: float,
        predictor_depth: int,
    ) -> None:
        super().__init__()
        encoder = masked_encoder(backbone, method="ijepa")
        self.backbone = backbone
        self.teacher = copy.deepcopy(backbone).requires_grad_(False)
        # In a list they are no submodules, so every weight is this learner's only once.
        self._encoders = [encoder, masked_encoder(self.teacher, method="ijepa")]
        self.momentum, self.n_targets = momentum, n_targets
        self.target_scale, self.context_scale = target_scale, context_scale
        self.side = grid_side(encoder.vit)
        self.predictor = _predictor(encoder.vit.hidden_dim, self.side, predictor_depth)

    def forward(self, views: list[Tensor]) -> Tensor:
        """Return the smooth L1 distance of predictions and the copy's normalised features.

        Args:
            views: one tensor (n, channels, size, size); the blocks are drawn from torch's global
                generator.
        """
        from lightly.models.utils import apply_masks

        images, (student, teacher) = views[0], self._encoders
        blocks = draw_blocks(
            len(images),
            self.side,
            n_targets=self.n_targets,
            target_scale=self.target_scale,
            context_scale=self.context_scale,
        )
        # The class token comes before the patches and is always seen.
        context = nn.functional.pad(blocks.context + 1, (1, 0)).to(images.device)
        targets = list((blocks.targets + 1).to(images.device).unbind(1))
        encoded = student.encode(images, idx_keep=context)
        predicted = self.predictor(encoded, context, targets)
        with torch.no_grad():
            full = teacher.encode(images)
            wanted = apply_masks(nn.functional.layer_norm(full, full.shape[-1:]), targets)
        return nn.functional.smooth_l1_loss(predicted, wanted)

    def before_step(self, step: int, n_steps: int) -> None:
        """Move the momentum copy towards the backbone.

        Args:
            step: index of this step, from 0.
            n_steps: steps of the whole training; the coefficient reaches 1 at its end.
        """
        from lightly.models.utils import update_momentum
        from lightly.utils.scheduler import cosine_schedule

        coefficient = cosine_schedule(step, n_steps, self.momentum, 1.0)
        update_momentum(self.backbone, self.teacher, coefficient)


def ijepa(
    backbone: nn.Module,
    *,
    one_minus_momentum: float = 0.004,
    target_scale: float = 0.2,
    context_scale: float = 0.9,
    n_targets: int = 4,
    predictor_depth: int = 2,
) -> JointEmbeddingPredictor:
    """I-JEPA, joint-embedding prediction without augmentations of colour (arXiv 2301.08243).

    The backbone's features are the class token. The paper has none and averages the patches; here
    it is part of what the predictor sees, as in MAE, so that it learns and the backbone stays what
    torchvision's is. There is no projector, so `rankme`, `alignment` and `uniformity` are measured
    on the backbone. One view an image is trained on, and nothing asks two views to agree; LiDAR
    was published for I-JEPA too (arXiv 2312.04000), RankMe and α-ReQ read the features of any
    method. Predictions of features can collapse, and the momentum copy's are normalised: the
    collapse report is the one to watch, as a small loss may mean either. The momentum rises on a
    cosine, as for all methods here, where the paper has a line.

    Args:
        backbone: a torchvision `VisionTransformer`, such as `vit_tiny`.
        one_minus_momentum: 1 minus the momentum at the start, in (0, 1].
        target_scale: share of the patches in a target block, in (0, 0.5]; the paper draws it from
            0.15 to 0.2.
        context_scale: share of the patches in the context block, in (0, 1], before the targets'
            are taken out; the paper draws it from 0.85 to 1.
        n_targets: target blocks an image, at least 1.
        predictor_depth: transformer blocks of the predictor, at least 1; 6 in the paper. It is half
            as wide as the backbone.

    Raises:
        ConfigError: for another backbone, fewer than 4 x 4 patches, or a value out of range.
    """
    if not 0 < target_scale <= 0.5 or not 0 < context_scale <= 1:
        raise ConfigError(
            f"ijepa: got target_scale {target_scale} and context_scale {context_scale}; wanted "
            "shares above 0, up to 0.5 and up to 1."
        )
    if not 0 < one_minus_momentum <= 1 or n_targets < 1 or predictor_depth < 1:
        raise ConfigError(
            f"ijepa: got one_minus_momentum {one_minus_momentum}, n_targets {n_targets} and "
            f"predictor_depth {predictor_depth}; wanted more than 0 and up to 1, and at least 1 "
            "of both."
        )
    return JointEmbeddingPredictor(
        backbone,
        momentum=1.0 - one_minus_momentum,
        n_targets=n_targets,
        target_scale=target_scale,
        context_scale=context_scale,
        predictor_depth=predictor_depth,
    )


def _predictor(dim: int, side: int, depth: int) -> Any:
    """Lightly's predictor, half as wide as the backbone, that takes the class token too."""
    from lightly.models.modules.ijepa import IJEPAPredictor
    from lightly.models.utils import get_2d_sincos_pos_embed
    from torchvision.models.vision_transformer import Encoder

    width = max(4, dim // 8 * 4)
    n_heads = attention_heads(width)
    none = {"dropout": 0.0, "attention_dropout": 0.0}
    # What it calls mlp_dim is the width of the tokens that come in and go out.
    predictor = IJEPAPredictor(
        seq_length=1, num_layers=0, num_heads=n_heads, hidden_dim=width,
        predictor_embed_dim=width, num_patches=side**2, mlp_dim=dim, **none,
    )  # fmt: skip
    predictor.layers = Encoder(1, depth, n_heads, width, 4 * width, **none).layers
    # It has no use for the positions that torchvision's Encoder learns: it has its own, fixed.
    del predictor.pos_embedding
    positions = torch.from_numpy(get_2d_sincos_pos_embed(width, side, cls_token=True)).float()
    predictor.predictor_pos_embed = nn.Parameter(positions[None], requires_grad=False)
    return predictor
