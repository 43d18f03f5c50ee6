import pytest

from cxrkd.bench.timing import BLOCK_MS, MAX_BLOCK, interleave


def contender(ms, calls, name):
    def measure():
        calls.append(name)
        return ms

    return measure


def test_every_round_has_every_contender_and_the_order_turns():
    calls = []
    slow = {name: contender(5 * BLOCK_MS, calls, name) for name in "abc"}
    interleave(slow, rounds=4)
    assert "".join(calls[:3]) == "abc", "each warms up once"
    assert "".join(calls[3:]) == "abcbcacababc"


def test_a_quick_contender_runs_in_blocks_as_long_as_a_slow_call():
    calls = []
    timed = interleave({"quick": contender(1.0, calls, "q"), "slow": contender(BLOCK_MS, calls, "s")}, rounds=3)
    assert timed["quick"].n == 3 * MAX_BLOCK
    assert timed["slow"].n == 3


def test_medians_are_of_rounds_and_of_all_calls():
    warm_up, sizing = 1.0, BLOCK_MS / 2  # two calls a block
    times = iter([warm_up, sizing, 10.0, 20.0, 30.0, 60.0])
    timed = interleave({"a": lambda: next(times)}, rounds=2)["a"]
    assert timed.rounds_ms == (15.0, 45.0)
    assert timed.median_ms == pytest.approx(25.0)
    assert timed.n == 4


def test_a_very_slow_contender_is_not_run_twice_before_the_rounds():
    calls = []
    interleave({"epoch": contender(60_000.0, calls, "e")}, rounds=1)
    assert len(calls) == 2
