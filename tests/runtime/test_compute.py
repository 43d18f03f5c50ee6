"""The queue with work that tells its order and waits for events: nothing here looks at a clock."""

import threading
from concurrent.futures import CancelledError

import numpy as np
import pytest

from cxrkd.errors import BusyError, CxrkdError
from cxrkd.runtime.compute import ComputeQueue, Rank
from cxrkd.runtime.cores import cores, threads_elsewhere
from cxrkd.runtime.engines.pytorch import TorchEngine

PATIENCE_S = 60


class Gate:
    """Holds the only worker until the test has filled the queue."""

    def __init__(self, queue):
        self._begun, self._open = threading.Event(), threading.Event()
        self.ticket = queue.ask("gate", "gate", self._hold, None)
        assert self._begun.wait(PATIENCE_S)

    def _hold(self, items):
        self._begun.set()
        assert self._open.wait(PATIENCE_S)
        return items

    def open(self):
        self._open.set()


@pytest.fixture
def queue():
    made = ComputeQueue(workers=1, limit=4, batch=4, answers_a_piece=2)
    yield made
    made.close()


@pytest.fixture
def gate(queue):
    held = Gate(queue)
    yield held
    held.open()


def test_answers_come_back_to_who_asked(queue, gate):
    calls = []

    def double(items):
        calls.append(list(items))
        return [2 * item for item in items]

    tickets = [queue.ask(f"v{i % 3}", "net", double, i) for i in range(6)]
    gate.open()
    assert [ticket.result() for ticket in tickets] == [0, 2, 4, 6, 8, 10]
    assert calls == [[0, 1, 2, 3], [4, 5]], "across visitors, in fours"


def test_films_of_different_engines_are_never_mixed(queue, gate):
    calls = []

    def call(name):
        return lambda items: [calls.append((name, tuple(items))), *[name] * len(items)][1:]

    tickets = [queue.ask("a", name, call(name), i) for i, name in enumerate("xyxy")]
    gate.open()
    assert [ticket.result() for ticket in tickets] == list("xyxy")
    assert calls == [("x", (0, 2)), ("y", (1, 3))]


def test_an_explanation_lets_answers_first_and_still_ends(queue, gate):
    order = []

    def note(name):
        return lambda *_: [order.append(name)]

    explained = [queue.explain("e", note(f"step {i}")) for i in range(2)]
    answered = [queue.ask("a", i, note(f"answer {i}"), None) for i in range(5)]
    gate.open()
    for ticket in (*explained, *answered):
        ticket.result()
    assert order == ["answer 0", "answer 1", "step 0", "answer 2", "answer 3", "step 1", "answer 4"]


def test_the_maps_of_all_visitors_come_before_what_they_are_held_against(queue, gate):
    order = []

    def note(name):
        return lambda: order.append(name)

    tickets = [queue.explain("a", note(f"line of a {i}"), Rank.AFTERWARDS) for i in range(2)]
    tickets += [queue.explain("b", note("map of b")), queue.ask("c", "c", lambda _: [order.append("answer")], None)]
    assert [ticket.before() for ticket in tickets] == [1, 1, 0, 0]
    gate.open()
    for ticket in tickets:
        ticket.result()
    assert order == ["answer", "map of b", "line of a 0", "line of a 1"]


def test_an_explanation_goes_on_alone_when_nobody_asks(queue):
    assert [queue.explain("e", lambda i=i: i).result() for i in range(3)] == [0, 1, 2]


def test_the_place_in_the_line(queue, gate):
    tickets = {v: queue.ask(v, v, list, 1) for v in "abc"}
    assert [tickets[v].before() for v in "abc"] == [0, 1, 2]
    tickets["a"].cancel()
    assert [tickets[v].before() for v in "bc"] == [0, 1]
    gate.open()
    assert tickets["c"].result() == 1
    assert tickets["c"].before() is None


def test_too_many_visitors_are_told_and_those_who_wait_are_not(queue, gate):
    for visitor in "abcd":
        queue.ask(visitor, "net", list, 0)
    with pytest.raises(BusyError, match="busy: 4 visitors wait for the models, and it takes 4") as refusal:
        queue.ask("e", "net", list, 0)
    assert isinstance(refusal.value, CxrkdError)
    with pytest.raises(BusyError):
        queue.explain("e", int)
    assert queue.ask("a", "net", list, 0).before() == 0


def test_who_has_left_is_not_computed(queue, gate):
    asked = []
    stays = queue.ask("a", "net", lambda items: [asked.append(i) for i in items], "stays")
    gone = queue.ask("b", "net", lambda items: [asked.append(i) for i in items], "gone")
    gone.cancel()
    gate.open()
    stays.result()
    assert asked == ["stays"]
    with pytest.raises(CancelledError):
        gone.result()
    assert gone.done()


def test_cancelling_what_is_computed_already_changes_nothing(queue):
    ticket = queue.ask("a", "net", list, 7)
    assert ticket.result() == 7
    ticket.cancel()
    assert ticket.result() == 7


def test_an_error_goes_to_whose_film_it_is(queue, gate):
    def call(items):
        if "bad" in items:
            raise ZeroDivisionError("bad film")
        return items

    tickets = [queue.ask(v, "net", call, item) for v, item in (("a", "good"), ("b", "bad"), ("c", "fine"))]
    gate.open()
    assert tickets[0].result() == "good"
    assert tickets[2].result() == "fine"
    with pytest.raises(ZeroDivisionError, match="bad film"):
        tickets[1].result()
    assert queue.ask("b", "net", call, "again").result() == "again"


def test_too_few_results_are_an_error_and_no_answer_of_another(queue, gate):
    tickets = [queue.ask(v, "net", lambda items: items[:1], v) for v in "ab"]
    gate.open()
    assert [ticket.result() for ticket in tickets] == ["a", "b"]


def test_a_wait_that_ends_before_the_work_does(queue, gate):
    assert not gate.ticket.wait(0)
    gate.open()
    assert gate.ticket.wait(PATIENCE_S)


def test_a_closed_queue_cancels_what_waits_and_takes_nothing_more(queue, gate):
    waiting = [queue.ask("a", "net", list, 0), queue.explain("b", int)]
    closing = threading.Thread(target=queue.close)
    closing.start()
    for ticket in waiting:
        with pytest.raises(CancelledError):
            ticket.result()
    gate.open()
    closing.join(PATIENCE_S)
    assert not closing.is_alive()
    with pytest.raises(BusyError):
        queue.ask("c", "net", list, 0)


def test_many_visitors_get_the_same_as_one_alone(model, images):
    """Batches across visitors, on several workers, against one film at a time."""
    engine, queue = TorchEngine(model, threads=1), ComputeQueue(workers=3)
    together = lambda films: list(engine.predict(np.stack(films)))  # noqa: E731
    tickets = [queue.ask(f"v{i % 5}", "net", together, images[i % len(images)]) for i in range(60)]
    for i, ticket in enumerate(tickets):
        alone = engine.predict(images[i % len(images)][None])[0]
        np.testing.assert_allclose(ticket.result(), alone, rtol=0, atol=1e-6)
    queue.close()


@pytest.mark.parametrize(
    ("quota", "expected"), [("150000 100000", 2), ("50000 100000", 1), ("max 100000", None), ("", None), (None, None)]
)
def test_cores_are_those_that_the_system_allows(tmp_path, monkeypatch, quota, expected):
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: set(range(8)), raising=False)
    path = tmp_path / "cpu.max"
    if quota is not None:
        path.write_text(quota)
    assert cores(path) == (expected or 8)


@pytest.mark.parametrize(("asked", "expected"), [("3", 3), ("0", 8), ("", 8), ("many", 8), (None, 8)])
def test_a_run_of_its_own_takes_the_threads_that_it_is_given(monkeypatch, asked, expected):
    monkeypatch.setattr("cxrkd.runtime.cores.cores", lambda: 8)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if asked is not None:
        monkeypatch.setenv("OMP_NUM_THREADS", asked)
    assert threads_elsewhere() == expected
