"""What Tune makes of a worker that Ray itself has ended, asked of Tune's own actor manager."""

from __future__ import annotations

import pytest
from ray.air.execution import PlacementGroupResourceManager
from ray.air.execution._internal.actor_manager import RayActorManager
from ray.air.execution._internal.tracked_actor import TrackedActor
from ray.air.execution._internal.tracked_actor_task import TrackedActorTask
from ray.exceptions import OutOfDiskError, OutOfMemoryError, RayActorError, RayTaskError

from hpo.ray_tune.lost_workers import as_lost, losses_counted

KILLED = OutOfMemoryError(
    "1 worker(s) were killed due to the node running low on memory. Memory on the node (IP: "
    "192.0.2.2, ID: 22d2) was 9.34GB used / 23.54GB limit (0.396641)\nOOM kill reason: …"
)


@pytest.fixture(autouse=True)
def _no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    """The workers below never were: there is nothing to be cleaned up."""
    monkeypatch.setattr(RayActorManager, "_cleanup_actor", lambda self, tracked_actor: None)


def told(error: Exception) -> list[Exception]:
    """What the manager tells Tune when the task of a worker ends with an error."""
    heard: list[Exception] = []
    worker = TrackedActor(1, on_error=lambda worker, error: heard.append(error))
    manager = RayActorManager(PlacementGroupResourceManager())
    manager._actor_task_failed(TrackedActorTask(worker), error)
    return heard


def test_a_worker_killed_for_want_of_memory_is_a_lost_worker_and_does_not_end_the_run() -> None:
    with losses_counted():
        (heard,) = told(KILLED)
    assert isinstance(heard, RayActorError)
    assert not heard.preempted  # which Tune would not count
    wanted = "Ray killed it because its node ran low on memory (9.34GB of 23.54GB were in use)"
    assert str(heard) == wanted


def test_without_us_it_ends_the_run() -> None:
    with losses_counted():
        pass
    with pytest.raises(RuntimeError, match="Caught unexpected exception"):
        told(KILLED)


def test_every_error_of_rays_is_a_loss_and_none_of_anybody_elses() -> None:
    assert "disk" in str(as_lost(OutOfDiskError("Local disk is full")))
    assert isinstance(as_lost(OutOfDiskError("Local disk is full")), RayActorError)
    assert str(as_lost(OutOfMemoryError("in other words"))).endswith("ran low on memory")
    died, raised, own = RayActorError(), RayTaskError("f", "…", ValueError()), ValueError("own")
    for error in (died, raised, own):
        assert as_lost(error) is error
