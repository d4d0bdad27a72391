"""The chosen backbone of a study, from its folder back into memory."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from hpo.backbones.preprocessing import Preprocess
from hpo.backbones.registry import spec_from
from hpo.errors import StorageError

CARD_NAME, WEIGHTS_NAME = "card.json", "backbone.safetensors"


class ChosenBackbone(nn.Module):
    """A backbone with its card, in evaluation mode.

    Args:
        net: images (n, channels, size, size), normalised, to features (n, dim).
        card: what it is, what was measured of it and why it was chosen, as in `card.json`.

    Attributes:
        preprocess: from pictures to images for it; see `Preprocess`.
        dim: width of the features.
    """

    def __init__(self, net: nn.Module, card: dict[str, Any]) -> None:
        super().__init__()
        self.net, self.card = net, card
        self.preprocess = Preprocess.of(card["input"])
        self.dim = int(card["architecture"]["dim"])

    def forward(self, images: Tensor) -> Tensor:
        """Return features, float32 (n, dim)."""
        features: Tensor = self.net(images)
        return features


@dataclass(frozen=True)
class ChosenFiles:
    """Where a chosen backbone lies.

    Args:
        card: path of the card.
        weights: path of the weights.
    """

    card: Path
    weights: Path

    @classmethod
    def at(cls, path: str | Path) -> ChosenFiles:
        """Find them from a study's directory, its `chosen` folder, or the file of the weights.

        Nothing is read.

        >>> str(ChosenFiles.at("a/backbone.safetensors").card)
        'a/card.json'
        """
        place = Path(path).expanduser()
        if place.suffix == ".safetensors":
            return cls(place.with_name(CARD_NAME), place)
        inside = place / "chosen"
        folder = inside if inside.is_dir() and not (place / CARD_NAME).exists() else place
        return cls(folder / CARD_NAME, folder / WEIGHTS_NAME)


def load_backbone(path: str | Path) -> ChosenBackbone:
    """Rebuild the backbone that a study chose, with its card and its preprocessing.

    A backbone of timm's needs timm, and one of the user's own its file, where they were.

    Args:
        path: a study's directory, its `chosen` folder, or a `.safetensors` file with its
            `card.json` beside it.

    Returns:
        The backbone with its trained weights, on the CPU and in evaluation mode; its
        `preprocess(pictures)` makes the images that it takes.

    Raises:
        StorageError: when card or weights are missing, damaged or do not belong together.
        ConfigError: when the backbone cannot be built here.
    """
    from safetensors.torch import load

    files = ChosenFiles.at(path)
    card = read_card(files.card)
    net = spec_from(card["architecture"]).build()
    try:
        content = files.weights.read_bytes()
    except OSError as error:
        raise StorageError(f"{files.weights}: cannot be read ({error}).") from error
    if hashlib.sha256(content).hexdigest() != card["weights"]["sha256"]:
        raise StorageError(
            f"{files.weights.parent}: {files.weights.name} is not the file that {files.card.name} "
            "describes. Give the command of the study again: it writes both anew."
        )
    try:
        net.load_state_dict(load(content))
    except RuntimeError as error:
        # The sum is right, so the code that builds the network has changed.
        raise StorageError(
            f"{files.weights.parent}: the weights do not fit the backbone: {error}"
        ) from error
    return ChosenBackbone(net, card).eval()


def load_chosen(folder: str | Path) -> nn.Module:
    """Rebuild the plain network that a study chose: images (n, channels, size, size) to features.

    Images are float32 pixels in [0, 1], normalised with the card's `input` mean and std. The same
    as `load_backbone(folder).net`.

    Args:
        folder: with the card and the weights, such as `studies/photos/chosen`.

    Raises:
        StorageError: see `load_backbone`.
        ConfigError: likewise.
    """
    return load_backbone(folder).net


def read_card(path: Path) -> dict[str, Any]:
    """Read the card of a chosen backbone.

    Raises:
        StorageError: when it is missing or is none.
    """
    try:
        card: dict[str, Any] = json.loads(path.read_bytes())
        lacking = [key for key in ("architecture", "weights", "input") if key not in card]
        if lacking:
            raise ValueError(f"it has no {' and no '.join(lacking)}")
        Preprocess.of(card["input"])
    except FileNotFoundError as error:
        raise StorageError(
            f"{path}: is not there: nothing has been chosen yet, or this is no study's directory. "
            "goldilocks status says how far a study is; the same goldilocks run goes on with it."
        ) from error
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise StorageError(
            f"{path}: cannot be read as the card of a chosen backbone ({error})."
        ) from error
    return card
