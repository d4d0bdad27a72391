"""Errors of the search spaces, rooted in one class and each also a builtin."""

from __future__ import annotations


class SearchSpacesError(Exception):
    """Root of every error that `search_spaces` raises for its user."""


class SpaceError(SearchSpacesError, ValueError):
    """A dimension or a space is not well formed, or a name in it is unknown."""


class UnknownMethodError(SearchSpacesError, ValueError):
    """No search space is known for a method."""
