"""How wide heads are: by rules of the backbone's width, or as the user says."""

from __future__ import annotations

from hpo.errors import ConfigError


def hidden_width(dim: int) -> int:
    """Return four times the features' width, at most the papers' 2048.

    The published heads are for 512 features and more; a narrow backbone under one of them would
    have most of its parameters in the head.

    Args:
        dim: width of the backbone's features.

    >>> hidden_width(128), hidden_width(2048)
    (512, 2048)
    """
    return min(4 * dim, 2048)


def embedding_width(projector_width: int | str, *, auto: int) -> int:
    """Return the width of the embeddings z.

    Args:
        projector_width: "auto", or the width itself, at least 2.
        auto: what the method's rule gives for its backbone.

    Raises:
        ConfigError: for anything else.

    >>> embedding_width("auto", auto=256), embedding_width(64, auto=256)
    (256, 64)
    """
    if projector_width == "auto":
        return auto
    is_whole = isinstance(projector_width, int) and not isinstance(projector_width, bool)
    if not is_whole or int(projector_width) < 2:
        raise ConfigError(
            f"projector_width: got {projector_width!r}; wanted 'auto' or a whole number of at "
            "least 2."
        )
    return int(projector_width)
