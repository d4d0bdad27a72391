"""What a view is made with: the random transformation, under the names that Lightly gives it."""

from __future__ import annotations

from dataclasses import dataclass

from hpo.errors import ConfigError

_SHARES = ("hf_prob", "cj_prob", "random_gray_scale", "gaussian_blur", "solarization_prob")
_SPREADS = ("cj_strength", "cj_bright", "cj_contrast", "cj_sat", "cj_hue")


@dataclass(frozen=True)
class ViewRecipe:
    """The random transformation that makes one view.

    Steps come in Lightly's order: crop, flip, colour jitter, grey, blur, solarisation. The names
    are those of Lightly's transforms too, and so are the defaults but for `min_scale` (Lightly
    .08), `cj_strength` (1) and `gaussian_blur` (.5), which suit large photographs.

    Args:
        min_scale: smallest share of the image's area a crop keeps, in (0, 1]; 1 keeps all of it.
        hf_prob: probability of a horizontal flip, in [0, 1].
        cj_prob: probability of colour jitter, in [0, 1].
        cj_strength: multiplies the jitter ranges below, >= 0.
        cj_bright: brightness factor range 1 ± this, >= 0.
        cj_contrast: contrast factor range 1 ± this, >= 0.
        cj_sat: saturation factor range 1 ± this, >= 0 (colour images only).
        cj_hue: hue rotation range ± this share of a turn (colour images only); at most a half once
            multiplied by `cj_strength`.
        random_gray_scale: probability of dropping the colour, in [0, 1] (colour images only).
        max_scale: largest share of the image's area a crop keeps, in [min_scale, 1].
        gaussian_blur: probability of a blur, in [0, 1].
        min_sigma: smallest width of the blur, in pixels of the view, > 0. Lightly's `sigmas[0]`.
        max_sigma: largest width of the blur, >= min_sigma. Lightly's `sigmas[1]`. Two plain
            numbers, because they are stored as JSON, which would make a list of a pair.
        solarization_prob: probability of inverting the pixels from 128/255 upwards, in [0, 1].
        size: side of the view in pixels, >= 1; None for the image's own.

    Raises:
        ConfigError: for a value outside its range; the message begins with the argument's name.

    >>> ViewRecipe(min_scale=0.5, max_scale=0.3)
    Traceback (most recent call last):
        ...
    hpo.errors.ConfigError: max_scale: got 0.3, wanted a number from 0.5 (min_scale) to 1.
    """

    min_scale: float = 0.2
    hf_prob: float = 0.5
    cj_prob: float = 0.8
    cj_strength: float = 0.5
    cj_bright: float = 0.8
    cj_contrast: float = 0.8
    cj_sat: float = 0.8
    cj_hue: float = 0.2
    random_gray_scale: float = 0.2
    max_scale: float = 1.0
    gaussian_blur: float = 0.0
    min_sigma: float = 0.1
    max_sigma: float = 2.0
    solarization_prob: float = 0.0
    size: int | None = None

    def __post_init__(self) -> None:
        def check(name: str, holds: bool, wanted: str) -> None:
            if not holds:
                raise ConfigError(f"{name}: got {getattr(self, name)}, wanted {wanted}.")

        # Comparisons that a NaN fails, too.
        check("min_scale", 0 < self.min_scale <= 1, "a number above 0 and up to 1")
        low, high = self.min_scale, self.max_scale
        check("max_scale", low <= high <= 1, f"a number from {low} (min_scale) to 1")
        for name in _SHARES:
            check(name, 0 <= getattr(self, name) <= 1, "a probability from 0 to 1")
        for name in _SPREADS:
            check(name, 0 <= getattr(self, name) < float("inf"), "a number from 0 upwards")
        turn = self.cj_hue * self.cj_strength
        check("cj_hue", turn <= 0.5, f"at most half a turn; cj_strength makes it {turn:g}")
        check("min_sigma", 0 < self.min_sigma < float("inf"), "a number above 0, in pixels")
        low, high = self.min_sigma, self.max_sigma
        check("max_sigma", low <= high < float("inf"), f"a number from {low} (min_sigma) upwards")
        check("size", self.size is None or self.size >= 1, "at least 1 pixel, or None")
