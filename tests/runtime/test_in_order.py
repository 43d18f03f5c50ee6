"""Results in the order of what was asked, a few ahead at most, whoever is slow or fails."""

import threading
import time

import pytest

from cxrkd.runtime.in_order import AHEAD, in_order


@pytest.mark.parametrize("threads", [1, 3])
def test_results_come_in_order_whoever_is_slow(threads):
    def work(n):
        time.sleep(0.01 if n % 3 == 0 else 0)
        return n * n

    assert list(in_order(work, range(40), threads)) == [n * n for n in range(40)]


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_no_more_is_begun_than_somebody_takes(threads):
    """Ten thousand things need the memory of a few."""
    begun, lock = [], threading.Lock()

    def work(n):
        with lock:
            begun.append(n)
        return n

    results = in_order(work, range(10_000), threads)
    for taken in range(50):
        next(results)
        assert len(begun) <= taken + 1 + AHEAD * threads
    results.close()
    time.sleep(0.05)
    assert len(begun) <= 50 + AHEAD * threads


def test_what_fails_fails_in_its_turn():
    def work(n):
        if n == 5:
            raise ValueError("five")
        return n

    results, taken = in_order(work, range(10), 3), []
    with pytest.raises(ValueError, match="five"):
        taken.extend(results)
    assert taken == [0, 1, 2, 3, 4]
