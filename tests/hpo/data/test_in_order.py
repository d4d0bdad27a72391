"""Work on many items in threads, in order."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from hpo.data.in_order import FILES_AT_A_TIME, in_order


def test_results_keep_the_order_of_the_items() -> None:
    def slow_if_even(number: int) -> int:
        time.sleep(0.002 * (number % 2 == 0))
        return number

    with ThreadPoolExecutor(4) as pool:
        assert list(in_order(pool, slow_if_even, range(200))) == list(range(200))
        assert list(in_order(pool, slow_if_even, [])) == []


def test_closing_cancels_what_has_not_begun() -> None:
    begun: list[int] = []

    def work(number: int) -> int:
        begun.append(number)
        time.sleep(0.01)
        return number

    with ThreadPoolExecutor(1) as pool:
        results = in_order(pool, work, range(10_000))
        assert next(results) == 0
        results.close()
    assert len(begun) < FILES_AT_A_TIME


def test_an_error_comes_in_its_turn() -> None:
    with ThreadPoolExecutor(2) as pool:
        results = in_order(pool, lambda number: 1 // number, [2, 1, 0, 1])
        assert (next(results), next(results)) == (0, 1)
        with pytest.raises(ZeroDivisionError):
            next(results)
