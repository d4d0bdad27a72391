"""Starting worker processes: quickly, deaf to Ctrl-C, and without the user's own script."""

from __future__ import annotations

import multiprocessing
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import forkserver, resource_tracker
from multiprocessing.process import BaseProcess
from types import ModuleType
from typing import Any

# Imported once by the server that workers are forked from: seconds that no worker spends again.
_IMPORTED_BEFORE = [
    "torch",
    "torchvision",
    "lightly.loss",
    "lightly.models.modules.heads",
    "optuna",
    "hpo.workers.worker",
]


def start_method(on_cuda: bool) -> str:
    """Return how processes are started: forked from a server, or spawned where that cannot be.

    A process that was forked cannot use CUDA if its parent has.
    """
    known = multiprocessing.get_all_start_methods()
    return "forkserver" if "forkserver" in known and not on_cuda else "spawn"


def warm_up(method: str) -> None:
    """Let the server import while this process does something else."""
    if method != "forkserver":
        return
    multiprocessing.get_context("forkserver").set_forkserver_preload(_IMPORTED_BEFORE)
    with _signals_blocked(), _no_main_module():
        forkserver.ensure_running()


def start(method: str, work: Callable[..., None], *arguments: Any, name: str) -> BaseProcess:
    """Start a process that hears no signals of the terminal before it can ignore them.

    Args:
        method: as `start_method` said.
        work: a function of a module, to call there.
        arguments: of it.
        name: of the process.
    """
    context: Any = multiprocessing.get_context(method)
    process: BaseProcess = context.Process(target=work, args=arguments, name=name)
    with _signals_blocked(), _no_main_module():
        process.start()
    return process


def ignore_signals() -> None:
    """Leave Ctrl-C and SIGTERM, which a whole group of processes gets, to the parent."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    for number in numbers:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, numbers)


@contextmanager
def _signals_blocked() -> Iterator[None]:
    """Processes inherit what is blocked; what arrives here meanwhile is handled afterwards."""
    # Before anything is blocked: starting the tracker, as both methods do, unblocks signals.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _no_main_module() -> Iterator[None]:
    """Hide the script that was started, which new processes would import and so run again.

    Nothing that they are given comes from there.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
