"""MAE: most patches of an image are hidden, and their pixels are to be told from the rest."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hpo.errors import ConfigError
from hpo.methods.masked.patches import attention_heads, grid_side, masked_encoder


class MaskedAutoencoder(nn.Module):
    """A vision transformer that sees some patches, and a decoder that paints the others.

    Args:
        backbone: a torchvision `VisionTransformer`; it stays one.
        mask_ratio: share of the patches that is hidden, in (0, 1).
        decoder_depth: transformer blocks of the decoder.
        decoder_width: width of its tokens, a multiple of 4.

    Raises:
        ConfigError: for another backbone, fewer than 4 x 4 patches, or none of them left to see.
    """

    n_global, n_local = 1, 0
    loss_sees_scale = False
    batch_multiple = 1

    def __init__(
        self, backbone: nn.Module, *, mask_ratio: float, decoder_depth: int, decoder_width: int
    ) -> None:
        from lightly.models.modules import MAEDecoder

        super().__init__()
        encoder = masked_encoder(backbone, method="mae")
        vit = encoder.vit
        self.backbone = backbone
        # In a list it is no submodule, so the backbone's weights are this learner's only once.
        self._encoder = [encoder]
        self.mask_ratio, self.patch_size = mask_ratio, vit.patch_size
        n_patches = grid_side(vit) ** 2
        if int(n_patches * (1 - mask_ratio)) < 1:
            raise ConfigError(
                f"mask_ratio: got {mask_ratio}, which hides all {n_patches} patches; wanted less "
                f"than {1 - 1 / n_patches:.3g}."
            )
        self.sequence_length = 1 + n_patches
        self.mask_token = nn.Parameter(torch.zeros(1, 1, decoder_width))
        nn.init.normal_(self.mask_token, std=0.02)
        self.decoder = MAEDecoder(
            seq_length=self.sequence_length,
            num_layers=decoder_depth,
            num_heads=attention_heads(decoder_width),
            embed_input_dim=vit.hidden_dim,
            hidden_dim=decoder_width,
            mlp_dim=4 * decoder_width,
            out_dim=vit.conv_proj.in_channels * vit.patch_size**2,
        )

    def forward(self, views: list[Tensor]) -> Tensor:
        """Return the mean squared error on the hidden patches, each normalised by itself.

        Args:
            views: one tensor (n, channels, size, size); what is hidden is drawn from torch's
                global generator.
        """
        from lightly.models import utils

        images = views[0]
        n, encoder = len(images), self._encoder[0]
        keep, hidden = utils.random_token_mask(
            (n, self.sequence_length), mask_ratio=self.mask_ratio, device=images.device
        )
        seen = self.decoder.embed(encoder.encode(images, idx_keep=keep))
        tokens = utils.repeat_token(self.mask_token, (n, self.sequence_length)).type_as(seen)
        decoded = self.decoder.decode(utils.set_at_index(tokens, keep, seen))
        painted = self.decoder.predict(utils.get_at_index(decoded, hidden))
        patches = utils.patchify(images, self.patch_size)
        # The patches do not count the class token, which is never hidden.
        wanted = utils.normalize_mean_var(utils.get_at_index(patches, hidden - 1))
        return nn.functional.mse_loss(painted, wanted)


def mae(
    backbone: nn.Module,
    *,
    mask_ratio: float = 0.75,
    decoder_depth: int = 2,
    decoder_width_share: float = 0.5,
) -> MaskedAutoencoder:
    """Masked autoencoder (arXiv 2111.06377).

    The backbone's features are the class token, which the decoder sees too. There is no projector,
    so `rankme`, `alignment` and `uniformity` are measured on the backbone. One view an image is
    trained on, and nothing asks two views of it to agree: `alignment`, `view_retrieval`, LiDAR and
    the guarded measures then ask for what was not trained, while RankMe, α-ReQ and the collapse
    report read the features of any method. The loss is an error in pixels and is not comparable
    between mask ratios.

    Args:
        backbone: a torchvision `VisionTransformer`, such as `vit_tiny`.
        mask_ratio: share of the patches that is hidden, in (0, 1).
        decoder_depth: transformer blocks of the decoder, at least 1; 8 in the paper.
        decoder_width_share: its width as a share of the backbone's, in (0, 1].

    Raises:
        ConfigError: for another backbone, fewer than 4 x 4 patches, or a value out of range.
    """
    if not 0 < mask_ratio < 1 or decoder_depth < 1 or not 0 < decoder_width_share <= 1:
        raise ConfigError(
            f"mae: got mask_ratio {mask_ratio}, decoder_depth {decoder_depth} and "
            f"decoder_width_share {decoder_width_share}; wanted a ratio between 0 and 1, at least "
            "1 block, and a share above 0 and up to 1."
        )
    width = int(getattr(backbone, "hidden_dim", 0))
    return MaskedAutoencoder(
        backbone,
        mask_ratio=mask_ratio,
        decoder_depth=decoder_depth,
        decoder_width=max(4, round(width * decoder_width_share / 4) * 4),
    )
