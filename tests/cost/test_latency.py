import numpy as np
import pytest

from cxrkd.cost.latency import measure_latency
from cxrkd.runtime import timing


class Clock:
    """Time that only passes when the predictor says so."""

    def __init__(self, monkeypatch, durations):
        self.now, self.durations, self.calls = 0.0, iter(durations), 0
        monkeypatch.setattr(timing.time, "perf_counter", lambda: self.now)

    def predict(self, x):
        self.calls += 1
        self.now += next(self.durations)
        return np.zeros((len(x), 2), np.float32)


X = np.zeros((4, 1, 8, 8), np.float32)


def test_median_and_p90_of_the_timed_calls_only(monkeypatch):
    timed = [0.010, 0.020, 0.030, 0.040, 0.200]
    clock = Clock(monkeypatch, [9.0, 9.0, *timed])
    latency = measure_latency(clock.predict, X, engine="toy", threads=2, warmup=2, runs=5, max_s=1e9)
    assert latency.median_ms == pytest.approx(30)
    assert latency.p90_ms == pytest.approx(np.percentile(timed, 90) * 1e3)
    assert (latency.n, latency.batch_size, latency.engine, latency.threads) == (5, 4, "toy", 2)
    assert latency.images_per_s == pytest.approx(4 / 0.030)
    assert latency.to_dict()["median_ms"] == latency.median_ms


def test_the_budget_ends_the_measurement(monkeypatch):
    clock = Clock(monkeypatch, [0.4] * 100)
    latency = measure_latency(clock.predict, X, engine="toy", threads=1, warmup=1, runs=50, max_s=1.0)
    assert latency.n == 2
    assert clock.calls == 3


def test_a_slow_network_is_still_timed_once(monkeypatch):
    clock = Clock(monkeypatch, [60.0] * 10)
    assert measure_latency(clock.predict, X, engine="toy", threads=1, max_s=1.0).n == 1
    assert clock.calls == 2
