"""In which numbers networks are trained: bfloat16 where the hardware gains by it."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any, ContextManager, Literal  # noqa: UP035 - one import for annotations

import torch

Precision = Literal["bfloat16", "float32"]


def resolve_precision(wanted: Literal["auto", "bfloat16", "float32"], device: str) -> Precision:
    """Decide on the precision of the networks; losses are always float32.

    On a processor without instructions for it, bfloat16 halves the speed instead of raising it.

    Args:
        wanted: "auto" decides by the hardware; the others win.
        device: "cpu" or "cuda".

    >>> resolve_precision("float32", "cpu")
    'float32'
    """
    if wanted != "auto":
        return wanted
    gains = torch.cuda.is_bf16_supported() if device == "cuda" else _processor_has_bfloat16()
    return "bfloat16" if gains else "float32"


def autocast(device: torch.device, precision: Precision) -> ContextManager[Any]:
    """Return the context in which the networks of a step are run."""
    if precision == "bfloat16":
        return torch.autocast(device.type, dtype=torch.bfloat16)
    return nullcontext()


def _processor_has_bfloat16() -> bool:
    # torch before 2.10 does not say.
    capabilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16"))
