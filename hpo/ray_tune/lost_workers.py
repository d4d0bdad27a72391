"""Workers that Ray itself ends, told to Tune as what they are: a trial's process is gone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ray.exceptions import OutOfMemoryError, RayActorError, RayError, RayTaskError

_USED = re.compile(r"was ([\d.]+ ?\w+) used / ([\d.]+ ?\w+) limit")


@contextmanager
def losses_counted() -> Iterator[None]:
    """Have Tune count every worker that is lost as a failure of its trial.

    Tune (2.60) knows workers that died and tasks that raised. A worker that the memory monitor of
    its node has killed is neither to it, and "Caught unexpected exception" would end the whole run
    for one trial that was too large. A Ray that is built otherwise is left as it is.
    """
    try:
        from ray.air.execution._internal.actor_manager import RayActorManager

        manager_class: Any = RayActorManager
        before = manager_class._actor_task_failed
    except (ImportError, AttributeError):
        yield
        return

    def failed(manager: Any, tracked_actor_task: Any, exception: Exception) -> None:
        before(manager, tracked_actor_task, as_lost(exception))

    manager_class._actor_task_failed = failed
    try:
        yield
    finally:
        manager_class._actor_task_failed = before


def as_lost(error: Exception) -> Exception:
    """Return an error of Ray's as the loss of a worker; any other as it is.

    >>> text = "1 worker(s) were killed. Memory on the node (IP: ::1) was 9.3GB used / 10GB limit"
    >>> print(as_lost(OutOfMemoryError(text)))
    Ray killed it because its node ran low on memory (9.3GB of 10GB were in use)
    """
    if not isinstance(error, RayError) or isinstance(error, RayActorError | RayTaskError):
        return error
    text = str(error).strip() or type(error).__name__
    if isinstance(error, OutOfMemoryError):
        used = _USED.search(text)
        figures = f" ({used[1]} of {used[2]} were in use)" if used else ""
        text = f"Ray killed it because its node ran low on memory{figures}"
    return RayActorError(error_msg=text)
