"""Methods that hide patches of an image: whole learners around a vision transformer."""

from hpo.methods.masked.ijepa import ijepa
from hpo.methods.masked.mae import mae

__all__ = ["ijepa", "mae"]
