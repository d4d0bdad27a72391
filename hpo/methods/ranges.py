"""What a hyperparameter may be at all, however it was set: checked before anything is built."""

from __future__ import annotations

import math

from hpo.errors import ConfigError


def check_count(at_least: int, **values: int) -> None:
    """Require whole numbers.

    Args:
        at_least: the smallest that makes sense.
        **values: by the name of the hyperparameter.

    Raises:
        ConfigError: for the first that is none.

    >>> check_count(2, n_views=1)
    Traceback (most recent call last):
        ...
    hpo.errors.ConfigError: n_views: got 1; wanted a whole number of at least 2.
    """
    for name, value in values.items():
        if not isinstance(value, int) or isinstance(value, bool) or value < at_least:
            raise ConfigError(
                f"{name}: got {value!r}; wanted a whole number of at least {at_least}."
            )


def check_positive(**values: float) -> None:
    """Require finite numbers above 0, such as temperatures.

    Raises:
        ConfigError: for the first that is none.
    """
    for name, value in values.items():
        if not _is_number(value) or value <= 0:
            raise ConfigError(f"{name}: got {value!r}; wanted a finite number above 0.")


def check_weight(**values: float) -> None:
    """Require finite numbers of at least 0, such as the weights of a loss's terms.

    Raises:
        ConfigError: for the first that is none.
    """
    for name, value in values.items():
        if not _is_number(value) or value < 0:
            raise ConfigError(f"{name}: got {value!r}; wanted a finite number of at least 0.")


def check_share(**values: float) -> None:
    """Require numbers in (0, 1], such as 1 minus a momentum.

    Raises:
        ConfigError: for the first that is none.

    >>> check_share(one_minus_momentum=0.01)
    """
    for name, value in values.items():
        if not _is_number(value) or not 0 < value <= 1:
            raise ConfigError(f"{name}: got {value!r}; wanted a number above 0 and at most 1.")


def check_mix(**values: float) -> None:
    """Require numbers in [0, 1], such as the weight of one term where another has the rest.

    Raises:
        ConfigError: for the first that is none.
    """
    for name, value in values.items():
        if not _is_number(value) or not 0 <= value <= 1:
            raise ConfigError(f"{name}: got {value!r}; wanted a number from 0 to 1.")


def check_switch(**values: str) -> bool:
    """Read "on" or "off".

    Args:
        **values: one, by the name of the hyperparameter.

    Raises:
        ConfigError: for another word.

    >>> check_switch(local_objective="on")
    True
    """
    ((name, value),) = values.items()
    if value not in ("on", "off"):
        raise ConfigError(f"{name}: got {value!r}; wanted 'on' or 'off'.")
    return value == "on"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
