"""A backbone to rank, from its file into memory."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from hpo.backbones import BackboneSpec, WeightsFile, backbone_spec, spec_from
from hpo.backbones.chosen import load_backbone
from hpo.backbones.preprocessing import Preprocess
from hpo.backbones.weights import load_weights
from hpo.embedding import Normalisation
from hpo.errors import ConfigError
from hpo.rank.fitted_input import FittedInput, normalisation_for
from hpo.rank.origin import Origin
from hpo.rank.torchvision_models import PREFIX, torchvision_spec


@dataclass(frozen=True)
class Candidate:
    """A backbone in memory.

    Args:
        origin: where it comes from.
        network: pixels in [0, 1] to features (n, dim), in evaluation mode on the CPU.
        spec: what it is; builds the same network with fresh weights.
        normalised: with what: card, imagenet, data, none or given.
        sha256: of the file of its weights; empty for one without.
        notes: what a user should know of how it was loaded.
    """

    origin: Origin
    network: FittedInput
    spec: BackboneSpec
    normalised: str
    sha256: str = ""
    notes: tuple[str, ...] = ()

    @property
    def architecture(self) -> str:
        """Its name."""
        return self.spec.name


@dataclass(frozen=True)
class LoadOptions:
    """How files without a card of their own are read.

    Args:
        normalize: from `parse_normalize`.
        prefix: of the network's names in the file; None finds it.
        allow_partial: whether weights may be missing or left over.
    """

    normalize: Normalisation | str = "usual"
    prefix: str | None = None
    allow_partial: bool = False


def load_candidate(origin: Origin, images: Tensor, options: LoadOptions) -> Candidate:
    """Build a backbone with its weights.

    Args:
        origin: where it comes from.
        images: uint8 (n, 1 or 3, size, size), those it will be measured on.
        options: for files without a card of their own.

    Raises:
        ConfigError: when the network cannot be built, or the weights do not fit it.
        StorageError: when a chosen backbone's files are damaged.
    """
    if origin.own_card:
        chosen = load_backbone(origin.weights)
        spec, given = spec_from(chosen.card["architecture"]), chosen.preprocess
        fitted = FittedInput(chosen.net, given.channels, _of(given))
        sha256 = str(chosen.card["weights"]["sha256"])
        found = Candidate(origin, fitted, spec, "card", sha256)
    elif origin.card is not None:
        spec, given = spec_from(origin.card["architecture"]), Preprocess.of(origin.card["input"])
        found = _from_file(origin, spec, _of(given), "card", options)
    else:
        found = _of_any_channels(origin, images, options)
    _check_size(found, spec_size=images.shape[-1])
    return found


def untrained(candidate: Candidate, seed: int) -> FittedInput:
    """Return the same network with fresh weights, always the same under a seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = candidate.spec.build()
    there = candidate.network
    fresh = FittedInput(net, there.channels, there.normalisation)
    fresh.eval()
    return fresh


def architecture_spec(name: str, *, image_size: int, in_channels: int) -> BackboneSpec:
    """Describe an architecture by name, `torchvision:NAME` included; see `backbone_spec`."""
    build = torchvision_spec if name.startswith(PREFIX) else backbone_spec
    return build(name, image_size=image_size, in_channels=in_channels)


def _of_any_channels(origin: Origin, images: Tensor, options: LoadOptions) -> Candidate:
    """Weights know whether they are for grey or colour; try what the images are first."""
    name, (_, channels, _, size) = str(origin.architecture), images.shape
    only_colour = name.startswith(PREFIX)
    tried = (3,) if only_colour else (channels, 4 - channels)
    first: ConfigError | None = None
    for each in tried:
        try:
            spec = architecture_spec(name, image_size=size, in_channels=each)
            with_what = normalisation_for(options.normalize, each, images)
            return _from_file(origin, spec, *with_what, options)
        except ConfigError as error:
            first = first or error
    raise first or ConfigError(f"architecture: {name} takes no images.")


def _from_file(
    origin: Origin,
    spec: BackboneSpec,
    normalisation: Normalisation,
    normalised: str,
    options: LoadOptions,
) -> Candidate:
    with torch.random.fork_rng(devices=[]):
        net = spec.build()
    file = WeightsFile.of(origin.weights)
    loaded = load_weights(net, file, prefix=options.prefix, allow_partial=options.allow_partial)
    fitted = FittedInput(net.eval(), spec.in_channels, normalisation)
    return Candidate(origin, fitted, spec, normalised, file.sha256, loaded.notes())


def _of(given: Preprocess) -> Normalisation:
    return Normalisation(given.mean, given.std)


def _check_size(candidate: Candidate, *, spec_size: int) -> None:
    """Two images of the size that is asked, through a network whose card was of another."""
    made_for = candidate.origin.made_for
    if made_for in (None, spec_size):
        return
    images = torch.zeros(2, candidate.network.channels, spec_size, spec_size)
    try:
        with torch.no_grad():
            candidate.network(images)
    except Exception as error:
        raise ConfigError(
            f"image_size: got {spec_size}, which {candidate.architecture} cannot take: it was made "
            f"for {made_for} pixels ({error})."
        ) from error
