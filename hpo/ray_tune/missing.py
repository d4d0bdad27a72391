"""The error that says that Ray is not there."""

from __future__ import annotations

from hpo.errors import GoldilocksError


class RayMissingError(GoldilocksError, ImportError):
    """Raised when something of Ray Tune is asked for and ray is not installed."""
