"""Backbones as a user would write them, good and bad."""

from typing import Any

from torch import Tensor, nn


class Tiny(nn.Module):
    """A convolution and BatchNorm."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(in_channels, 8, 3, 2), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(2)
        )

    def forward(self, images: Tensor) -> Tensor:
        features: Tensor = self.layers(images).flatten(1)
        return features


class Tied(nn.Module):
    """One matrix under two names, as safetensors does not like it."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(16, 16), nn.Linear(16, 16)
        self.second.weight = self.first.weight

    def forward(self, images: Tensor) -> Tensor:
        pooled = nn.functional.adaptive_avg_pool2d(images.mean(1, keepdim=True), 4)
        features: Tensor = self.second(self.first(pooled.flatten(1)).relu())
        return features


def linear(image_size: int, in_channels: int) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(in_channels * image_size**2, 5))


def anything(**offered: Any) -> nn.Module:
    return linear(offered["image_size"], offered["in_channels"])


def unpooled(in_channels: int) -> nn.Module:
    return nn.Conv2d(in_channels, 8, 3)


class Rigid(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        return images.view(len(images), -1)


class Listing(nn.Module):
    def forward(self, images: Tensor) -> list[Tensor]:
        return [images.flatten(1)]


class Counting(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        return images.flatten(1).long()


class Merging(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        return images.flatten(1).mean(0, keepdim=True)


def greedy(*, size: int) -> nn.Module:
    return nn.Linear(size, 1)


def nothing() -> None:
    return None


NUMBER = 3
MADE = nn.Identity()


class Headed(nn.Module):
    """Its features come out of a layer called as torchvision calls its classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(16, 4)

    def forward(self, images: Tensor) -> Tensor:
        pooled = nn.functional.adaptive_avg_pool2d(images.mean(1, keepdim=True), 4)
        features: Tensor = self.fc(pooled.flatten(1))
        return features
