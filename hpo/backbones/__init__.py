"""Backbones: torchvision's networks for small images, timm's, and the user's own."""

from hpo.backbones.chosen import load_backbone, load_chosen
from hpo.backbones.registry import backbone_names, backbone_spec, build_backbone, spec_from
from hpo.backbones.spec import BackboneSpec
from hpo.backbones.weights import WeightsFile

__all__ = [
    "BackboneSpec",
    "WeightsFile",
    "backbone_names",
    "backbone_spec",
    "build_backbone",
    "load_backbone",
    "load_chosen",
    "spec_from",
]
