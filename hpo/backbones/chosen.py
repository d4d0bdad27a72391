"""The chosen backbone of a study, from its folder back into memory."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from torch import nn

from hpo.backbones.registry import spec_from
from hpo.errors import StorageError

WEIGHTS_NAME, CARD_NAME = "backbone.safetensors", "card.json"


def load_chosen(folder: str | Path) -> nn.Module:
    """Rebuild the chosen backbone of a study: images (n, channels, size, size) to features (n, d).

    Images are float32 pixels in [0, 1], normalised with the card's `input` mean and std. A backbone
    of timm's needs timm, and one of the user's own its file, where they were.

    Args:
        folder: with the card and the weights, such as `studies/photos/chosen`.

    Returns:
        The backbone with its trained weights, on the CPU and in evaluation mode.

    Raises:
        StorageError: when card or weights are missing, damaged or do not belong together.
        ConfigError: when the backbone cannot be built here.
    """
    from safetensors.torch import load

    place = Path(folder)
    card = _card(place / CARD_NAME)
    net = spec_from(card["architecture"]).build()
    try:
        content = (place / WEIGHTS_NAME).read_bytes()
    except OSError as error:
        raise StorageError(f"{place / WEIGHTS_NAME}: cannot be read ({error}).") from error
    if hashlib.sha256(content).hexdigest() != card["weights"]["sha256"]:
        raise StorageError(
            f"{place}: {WEIGHTS_NAME} is not the file that {CARD_NAME} describes. Give the command "
            "of the study again: it writes both anew."
        )
    try:
        net.load_state_dict(load(content))
    except RuntimeError as error:
        # The sum is right, so the code that builds the network has changed.
        raise StorageError(f"{place}: the weights do not fit the backbone: {error}") from error
    return net.eval()


def _card(path: Path) -> dict[str, Any]:
    try:
        card: dict[str, Any] = json.loads(path.read_bytes())
        if not {"architecture", "weights"} <= set(card):
            raise ValueError("it has no architecture or no weights")
    except (OSError, ValueError) as error:
        raise StorageError(
            f"{path}: cannot be read as the card of a chosen backbone ({error})."
        ) from error
    return card
