"""The same work on many files in threads, the results in the order of the files."""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

# Enough to keep every thread busy, few enough that results waiting for a slow file stay small.
FILES_AT_A_TIME = 64

Item = TypeVar("Item")
Result = TypeVar("Result")


def thread_pool() -> ThreadPoolExecutor:
    """Return as many threads as there are processors.

    Pillow decodes and resizes without the GIL, so processes would be no faster.
    """
    return ThreadPoolExecutor(os.cpu_count())


def in_order(
    pool: Executor, function: Callable[[Item], Result], items: Iterable[Item]
) -> Generator[Result, None, None]:
    """Yield `function(item)` for each item, working ahead by `FILES_AT_A_TIME`.

    Closing the generator cancels what has not begun, so that an error or Ctrl-C does not wait for
    it.

    Args:
        pool: where the function runs.
        function: what to do with an item.
        items: in the order in which results are wanted.
    """
    waiting: deque[Future[Result]] = deque()
    rest = iter(items)
    try:
        for item in islice(rest, FILES_AT_A_TIME):
            waiting.append(pool.submit(function, item))
        while waiting:
            result = waiting.popleft().result()
            for item in islice(rest, 1):
                waiting.append(pool.submit(function, item))
            yield result
    finally:
        for future in waiting:
            future.cancel()
