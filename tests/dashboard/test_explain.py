"""The Explain page: maps at once, what they are held against afterwards, and nothing computed twice."""

import threading
from functools import partial

import numpy as np
import pytest

from cxrkd.answers.faithful import Steadiness
from cxrkd.dashboard import layout, waiting
from cxrkd.dashboard.caching import visitors
from cxrkd.dashboard.charts import faithful as charts
from cxrkd.dashboard.explain import computing, faithful
from cxrkd.errors import BusyError
from cxrkd.explain.chance import ChanceLine
from cxrkd.explain.explainer import EXPLAINERS
from cxrkd.explain.faithful import LINE_TITLES, Faithfulness
from cxrkd.explain.removal import Removed
from cxrkd.explain.steps import Step
from cxrkd.runtime.compute import ComputeQueue, Rank, shared
from tests.dashboard import test_pages
from tests.dashboard.test_pages import assert_healthy, open_page, words

_one_engine, sample_home = test_pages._one_engine, test_pages.sample_home  # fixtures


@pytest.fixture(autouse=True)
def known(monkeypatch):
    """Pages of all tests are one session to Streamlit, which keeps what it was told."""
    results = visitors.Kept(limit=99)
    monkeypatch.setattr(visitors, "kept", lambda kind: results)
    return results


@pytest.fixture
def happened(monkeypatch):
    """What the page did, in order: names of charts that it drew, "piece" for a piece that it asked for."""
    order, queue, chart = [], shared(), layout.chart

    class Watched:
        def explain(self, visitor, call, rank):
            order.append("piece")
            return queue.explain(visitor, call, rank)

    monkeypatch.setattr(computing, "shared", Watched)
    monkeypatch.setattr(layout, "chart", lambda *a, key, **more: (order.append(key), chart(*a, key=key, **more))[1])
    return order


def label_box(page):
    return next(box for box in page.selectbox if box.label.startswith("Label"))


def test_maps_are_drawn_before_what_they_are_held_against_is_computed(sample_home, happened):
    """Two students of one kind share two random ones, and four noisy films of the teacher are one piece."""
    assert_healthy(open_page("explain"))
    maps, lines = 3, 1 + 2
    assert happened == ["piece"] * maps + ["films"] + ["piece"] * lines + ["agreement"]


def test_another_label_asks_nothing(sample_home, happened):
    page = open_page("explain")
    happened.clear()
    label_box(page).set_value("Hernia" if label_box(page).value != "Hernia" else "Mass").run()
    assert_healthy(page)
    assert happened == ["films", "agreement"]


def test_another_method_keeps_nothing_of_the_first_back(sample_home, happened):
    page = open_page("explain")
    happened.clear()
    page.segmented_control(key="method").set_value("layercam").run()
    assert happened == ["piece"] * 3 + ["films"] + ["piece"] * 3 + ["agreement"]
    happened.clear()
    page.segmented_control(key="method").set_value("gradcam").run()
    assert happened == ["films", "agreement"]


def test_where_the_line_fills_up_meanwhile_the_maps_stay(sample_home, happened, monkeypatch):
    held = computing.with_chance_lines

    def full(*_):
        waiting.busy(BusyError("The server is busy: 64 visitors wait."))

    monkeypatch.setattr(computing, "with_chance_lines", full)
    page = open_page("explain")
    assert_healthy(page)
    assert happened == ["piece"] * 3 + ["films"]
    assert "64 visitors wait" in words(page)
    monkeypatch.setattr(computing, "with_chance_lines", held)
    next(b for b in page.button if b.label == "Ask again").click().run()
    assert_healthy(page)
    assert happened[4:] == ["films"] + ["piece"] * 3 + ["agreement"]


@pytest.mark.parametrize(
    "method",
    [
        "eigencam",
        "scorecam",
        pytest.param("rise", marks=pytest.mark.slow),
        "occlusion",
        pytest.param("parts", marks=pytest.mark.slow),
    ],
)
def test_explainers_of_every_kind_are_on_the_page_with_their_lines(sample_home, method):
    page = open_page("explain")
    page.segmented_control(key="method").set_value(method).run()
    assert_healthy(page)
    explainer = EXPLAINERS[method]
    assert explainer.sentence in words(page)
    assert explainer.lines in words(page)
    assert explainer.fit is None or explainer.fit.sentence in words(page)
    verdicts = [text for text in words(page).splitlines() if text.startswith("Teacher and ")]
    assert len(verdicts) == 2
    assert not any("above chance." in text and "not above" not in text for text in verdicts), "no maps are kept"


class LeftError(Exception):
    """What Streamlit raises in the script of a visitor who asks for something else, by another name."""


def test_what_was_computed_for_a_visitor_who_moved_on_is_kept(known, monkeypatch):
    """One worker is at the first step when the visitor chooses another label; the second is never begun."""
    queue, begun, opened, calls = ComputeQueue(workers=1), threading.Event(), threading.Event(), []

    def first():
        calls.append("first")
        begun.set()
        assert opened.wait(60)
        return 1

    def leave():
        assert begun.wait(60)
        raise LeftError

    film = type("Film", (), {"key": "film"})
    steps = [Step("a", first), Step("b", lambda: calls.append("second") or 2), Step("a", first)]
    monkeypatch.setattr(computing, "shared", lambda: queue)
    monkeypatch.setattr(waiting, "QUIET_S", 0)
    with monkeypatch.context() as patch:
        patch.setattr(waiting.session, "current", leave)
        with pytest.raises(LeftError):
            computing._computed(film, "maps", Rank.EXPLANATION, steps)
    opened.set()
    queue.explain("", lambda: None).result()  # the worker is through with what it had begun
    assert calls == ["first"]
    assert computing._computed(film, "maps", Rank.EXPLANATION, steps) == [1, 2, 1]
    assert calls == ["first", "second"]
    queue.close()


def test_results_of_one_film_are_not_those_of_another(known, monkeypatch):
    queue = ComputeQueue(workers=1)
    monkeypatch.setattr(computing, "shared", lambda: queue)
    for key in "ab":
        film, step = type("Film", (), {"key": key}), Step("k", partial(str, key))
        assert computing._computed(film, "maps", Rank.EXPLANATION, [step]) == [key]
    queue.close()


def test_a_map_is_put_to_the_proof_where_somebody_asks(sample_home, happened):
    page = open_page("explain")
    assert "Put a map to the proof" in [one.label for one in page.toggle]
    happened.clear()
    page.toggle(key="prove").set_value(True).run()
    assert_healthy(page)
    drawn = [name for name in happened if name.startswith("prove")]
    assert drawn == ["prove_deletion", "prove_insertion", "prove_cascade"]
    assert happened.index("prove_deletion") < len(happened) - 1 - happened[::-1].index("piece"), "curves come first"
    table = next(one.value for one in page.dataframe if "Random rankings" in one.value)
    assert table["Logit"].tolist() == list(faithful.TITLES.values())
    happened.clear()
    page.run()
    assert "piece" not in happened, "nothing is computed twice"


def held(own, random, *, mean=None):
    """A proof of straight curves, which fall by so much until half of the cells are hidden."""

    def one(fall):
        return Removed(1.0, np.array([1 - fall, 0.5 - fall]), np.array([1 + fall, 0.5 + fall]), 0.0)

    rivals = {"random_ranking": [one(fall) for fall in random], "centre": [one(0.0)]}
    return Faithfulness(one(own), rivals | ({} if mean is None else {"label_mean": [one(mean)]}))


def test_the_table_of_areas_says_what_has_to_be_beaten():
    proof = held(0.3, (0.1, -0.1), mean=0.2)
    table = faithful.areas_table([proof.held("deletion"), proof.held("gain")])
    assert table["Verdict"].tolist() == ["better than chance"] * 2
    assert table["Its map"][0] == f"{proof.held('deletion').value:+.2f}"
    low = held(0.1, (0.2, -0.2), mean=0.0).held("gain")
    assert low.verdict == "not better than chance (random rankings)"
    assert faithful.areas_table([low])["Random rankings"][0] == f"{low.hardest.high:+.2f}"
    assert faithful.sentence("alone", [low]).startswith("Student alone, insertion minus deletion: not better")


@pytest.mark.parametrize(
    ("left", "other", "words"),
    [(1.0, 0.4, "So would an edge detector"), (0.0, 0.4, "It hangs on the weights"), (0.0, np.nan, "is not known")],
)
def test_weights_and_noise_in_words(left, other, words):
    missing = "" if other == 0.4 else "none are kept"
    line = ChanceLine("other_film", other, other, missing)
    steady = Steadiness(0.25, 1.5, np.array([0.1, 1.0]), np.array([0.9, left]), line)
    sentences = faithful.steadiness_sentences(steady)
    assert words in sentences[0]
    assert sentences[1].startswith("Max-sensitivity: noise that nobody sees changes it by 0.25 of its length")


def test_curves_share_one_axis_and_the_band_is_that_of_the_random_rankings():
    proof = held(0.3, (0.1, -0.1), mean=0.2)
    random = np.stack([one.deletion for one in proof.rivals["random_ranking"]])
    span = charts.logit_span(random, proof.own.deletion)
    chart = charts.removal("alone", "deletion", proof.own.deletion, random, {}, LINE_TITLES, span)
    low, high, own = chart.data
    np.testing.assert_allclose(low.y, random.min(axis=0))
    np.testing.assert_allclose(high.y, random.max(axis=0))
    np.testing.assert_allclose(own.y, proof.own.deletion)
    assert chart.layout.yaxis.range == tuple(span)
    assert len(charts.removal("alone", "deletion", None, random, {}, LINE_TITLES, span).data) == 2
