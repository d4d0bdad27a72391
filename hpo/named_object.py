"""Objects of the user's own, named as `FILE.py:NAME` or `package.module:NAME`."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from hpo.errors import ConfigError
from hpo.suggestion import suggestion


def is_reference(text: str) -> bool:
    """Whether a text names an object in a file or module.

    >>> is_reference("my_nets.py:tiny"), is_reference("simclr")
    (True, False)
    """
    module, colon, name = text.rpartition(":")
    return bool(module and colon and name.isidentifier())


def load_object(text: str, *, argument: str) -> Any:
    """Import a file or module of the user's and return what the text names in it.

    Args:
        text: `FILE.py:NAME`, relative to the working directory, or `package.module:NAME`.
        argument: the option it was given for, for messages.

    Raises:
        ConfigError: when the file, the module or the name is not there, or importing it fails.
    """
    place, _, name = text.rpartition(":")
    is_file = place.endswith(".py")
    module = _from_file(Path(place), argument) if is_file else _module(place, argument)
    try:
        return getattr(module, name)
    except AttributeError:
        public = [entry for entry in vars(module) if not entry.startswith("_")]
        raise ConfigError(
            f"{argument}: {place} has no {name!r}. {suggestion(name, public)}"
        ) from None


def file_digest(text: str) -> str | None:
    """Return 12 hex digits of the file that a text names an object in; None if it names none.

    A study made with another content of that file is another study.
    """
    place, _, _ = text.rpartition(":")
    if not (is_reference(text) and place.endswith(".py")):
        return None
    return hashlib.sha256(Path(place).expanduser().read_bytes()).hexdigest()[:12]


def _from_file(path: Path, argument: str) -> ModuleType:
    resolved = path.expanduser().resolve()
    if not resolved.is_file():
        raise ConfigError(f"{argument}: there is no file {path}; wanted FILE.py:NAME.")
    # One name a file, so that two files of the same name do not get in each other's way.
    name = f"{resolved.stem}_{hashlib.sha256(str(resolved).encode()).hexdigest()[:12]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, resolved)
    if spec is None or spec.loader is None:
        raise ConfigError(f"{argument}: {path} cannot be imported as Python.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise ConfigError(_failed(argument, str(path), error)) from error
    return module


def _module(place: str, argument: str) -> ModuleType:
    try:
        return importlib.import_module(place)
    except Exception as error:
        raise ConfigError(_failed(argument, place, error)) from error


def _failed(argument: str, place: str, error: Exception) -> str:
    return f"{argument}: importing {place} failed with {type(error).__name__}: {error}"
