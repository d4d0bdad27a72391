"""Several callbacks of ours in one trainer."""

from __future__ import annotations

from collections.abc import Sequence

from hpo.errors import ConfigError


def check_companions(names: Sequence[str], n_telling: int) -> None:
    """Check that the callbacks of one trainer can be told apart.

    Args:
        names: what each puts before the names of what it logs.
        n_telling: how many of them tell a trial.

    Raises:
        ConfigError: for two of one name, or two that tell a trial.

    >>> check_companions(["train", "test"], 1)
    """
    if len(set(names)) < len(names):
        raise ConfigError(
            f"name: got {list(names)} in the callbacks of one trainer; wanted a name for each, "
            "which goes before what it logs."
        )
    if n_telling > 1:
        raise ConfigError(
            "trial: got one in several callbacks of one trainer; wanted it in one: a trial has one "
            "value at a rung."
        )
