"""What may be set of the views of a study."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class ViewOptions(BaseModel):
    """What may be set of the views; None keeps the default for the data."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    min_scale: float | None = Field(None, gt=0, le=1)
    hf_prob: float | None = Field(None, ge=0, le=1)
    cj_prob: float | None = Field(None, ge=0, le=1)
    cj_strength: float | None = Field(None, ge=0)
    cj_bright: float | None = Field(None, ge=0)
    cj_contrast: float | None = Field(None, ge=0)
    cj_sat: float | None = Field(None, ge=0)
    cj_hue: float | None = Field(None, ge=0, le=0.5)
    random_gray_scale: float | None = Field(None, ge=0, le=1)
    gaussian_blur: float | None = Field(None, ge=0, le=1)
    solarization_prob: float | None = Field(None, ge=0, le=1)
    min_sigma: float | None = Field(None, gt=0)
    max_sigma: float | None = Field(None, gt=0)
    max_scale: float | None = Field(None, gt=0, le=1)
    second_gaussian_blur: float | None = Field(None, ge=0, le=1)
    second_solarization_prob: float | None = Field(None, ge=0, le=1)
    local_gaussian_blur: float | None = Field(None, ge=0, le=1)
    local_min_scale: float | None = Field(None, gt=0, le=1)
    local_max_scale: float | None = Field(None, gt=0, le=1)
    local_size: int | None = Field(None, ge=4, le=512)
