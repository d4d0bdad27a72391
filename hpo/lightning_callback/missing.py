"""The error that says that Lightning is not there."""

from __future__ import annotations

from hpo.errors import GoldilocksError


class LightningMissingError(GoldilocksError, ImportError):
    """Raised when the callback is asked for and no package of PyTorch Lightning is installed."""
