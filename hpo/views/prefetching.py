"""Reading ahead: the next batch comes from the disk while the last one is trained on."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Place = TypeVar("Place")
Batch = TypeVar("Batch")


def read_ahead(
    read: Callable[[Place], Batch], places: Iterable[Place], *, n_ahead: int = 2
) -> Generator[Batch, None, None]:
    """Yield read(place) for every place, in their order, reading in one other thread.

    Close the iterator, or let it run out, and the thread is gone: what was begun is finished, what
    was not is dropped. What `read` raises is raised here, at the batch where it happened.

    Args:
        read: called in the other thread, one call at a time.
        places: what to read, in order.
        n_ahead: how many batches may wait at most, >= 1.

    >>> list(read_ahead(lambda place: place * 10, [1, 2, 3]))
    [10, 20, 30]
    """
    remaining = iter(places)
    pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="views")
    try:
        begun = (pool.submit(read, place) for place in remaining)
        waiting: deque[Future[Batch]] = deque(islice(begun, n_ahead))
        while waiting:
            batch = waiting.popleft().result()
            waiting.extend(islice(begun, 1))
            yield batch
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
