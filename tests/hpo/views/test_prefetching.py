"""Reading ahead keeps the order, stays bounded, hands errors on and leaves no thread."""

import threading
import time
from collections.abc import Iterator

import pytest

from hpo.views.prefetching import read_ahead


def reading_threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("views")]


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    yield
    assert reading_threads() == []


def test_batches_come_in_order() -> None:
    def read(place: int) -> int:
        time.sleep(0.01 if place % 2 else 0.0)
        return place * 10

    assert list(read_ahead(read, range(7))) == [0, 10, 20, 30, 40, 50, 60]
    assert list(read_ahead(read, [])) == []


def test_it_reads_elsewhere_while_a_batch_is_used_and_no_further_than_asked() -> None:
    begun: list[int] = []
    reached = threading.Event()

    def read(place: int) -> str:
        begun.append(place)
        if place == 2:
            reached.set()
        return threading.current_thread().name

    batches = read_ahead(read, range(10), n_ahead=2)
    assert next(batches).startswith("views")
    assert reached.wait(5)  # with no call of next
    time.sleep(0.05)
    assert begun == [0, 1, 2]
    batches.close()


def test_an_error_arrives_at_its_batch() -> None:
    def read(place: int) -> int:
        if place == 1:
            raise OSError("the disk is gone")
        return place

    batches = read_ahead(read, range(5))
    assert next(batches) == 0
    with pytest.raises(OSError, match="the disk is gone"):
        next(batches)


def test_closing_drops_what_was_not_begun() -> None:
    begun: list[int] = []

    def read(place: int) -> int:
        begun.append(place)
        time.sleep(0.05)
        return place

    batches = read_ahead(read, range(100), n_ahead=8)
    next(batches)
    assert reading_threads()
    batches.close()
    assert reading_threads() == []
    assert len(begun) <= 3
