"""Trust as plain values for JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from hpo.trust.assessing import Trust
from hpo.trust.headline import headline
from hpo.trust.sentences import sentences


def as_json(trust: Trust) -> dict[str, Any]:
    """Return all figures and sentences as what `json.dumps` takes; no nan among them.

    Args:
        trust: the figures.

    Returns:
        "headline", "sentences" by title, and the fields of `Trust` by their names. What is
        undefined is None.
    """
    said = {"headline": headline(trust), "sentences": dict(sentences(trust))}
    figures: dict[str, Any] = _plain(asdict(trust))
    return {**said, **figures}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
