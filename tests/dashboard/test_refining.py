"""LIME on the Explain page: a first look, better round by round, stopped and taken up again."""

import pytest
import streamlit as st

from cxrkd.dashboard.caching import visitors
from cxrkd.dashboard.explain import computing
from cxrkd.dashboard.explain.refining import GO_ON, STOP
from cxrkd.explain.explainers import lime as explainer
from cxrkd.explain.lime_settings import LimeSettings
from tests.dashboard import test_pages
from tests.dashboard.test_pages import assert_healthy, open_page, words

_one_engine, sample_home = test_pages._one_engine, test_pages.sample_home  # fixtures


@pytest.fixture(autouse=True)
def kept(monkeypatch):
    """Pages of all tests are one session to Streamlit, which keeps what it was told."""
    known = {kind: visitors.Kept(limit=2000) for kind in visitors.LIMITS}
    monkeypatch.setattr(visitors, "kept", known.__getitem__)
    return known


@pytest.fixture
def few(monkeypatch):
    """Four rounds of few superpixels, which are never stable enough."""
    begin, rounds = explainer.begin, explainer.EXPLAINERS["lime"].rounds
    asked = LimeSettings(n_segments=9, n_samples=80, stability=0.99999)
    monkeypatch.setitem(vars(rounds), "begin", lambda networks, films, _, steps: begin(networks, films, asked, steps))


def lime_page():
    page = open_page("explain")
    return page.segmented_control(key="method").set_value("lime").run()


def newest(kept):
    return [one for one in kept["explanations"]._results.values() if one.method == "lime"][-1]


def test_refined_to_the_end_while_one_looks(sample_home, few, kept):
    page = lime_page()
    assert_healthy(page)
    assert newest(kept).maps.n_samples == 65
    assert "Not stable: after 65 altered films per model, of at most 80" in words(page)
    assert not [button for button in page.button if button.label in (STOP, GO_ON)], "there is nothing to stop"


def test_the_first_look_is_drawn_before_anything_is_refined(sample_home, few, kept, monkeypatch):
    monkeypatch.setattr(computing, "refine", lambda *_: st.stop())
    page = lime_page()
    assert_healthy(page)
    assert newest(kept).maps.n_rounds("teacher") == 1
    assert "a second round of masks" in words(page)
    assert [button.label for button in page.button if button.key == "refine"] == [STOP]


def test_stop_keeps_the_last_round_and_one_can_go_on(sample_home, few, kept, monkeypatch):
    refine, left = computing.refine, [1]

    def one_round(*asked):
        if not left:
            st.stop()  # the visitor is faster than the second one
        left.pop()
        refine(*asked)

    monkeypatch.setattr(computing, "refine", one_round)
    page = lime_page()
    assert newest(kept).maps.n_rounds("teacher") == 2
    weights = newest(kept).maps.weights
    monkeypatch.setattr(computing, "refine", lambda *_: pytest.fail("refined although it was stopped"))
    page.button(key="refine").click().run()
    assert_healthy(page)
    assert page.button(key="refine").label == GO_ON
    assert newest(kept).maps.weights is weights
    monkeypatch.setattr(computing, "refine", refine)
    page.button(key="refine").click().run()
    assert_healthy(page)
    assert newest(kept).maps.n_samples == 65
    assert "Not stable: after 65 altered films" in words(page)


def test_rounds_that_are_done_are_not_computed_again(sample_home, few, kept, monkeypatch):
    page = lime_page()
    known = newest(kept)
    page.segmented_control(key="method").set_value("gradcam").run()
    monkeypatch.setattr(computing, "refine", lambda *_: pytest.fail("computed again"))
    page.segmented_control(key="method").set_value("lime").run()
    assert_healthy(page)
    assert newest(kept).maps is known.maps


def test_methods_without_rounds_have_no_bar(sample_home):
    page = open_page("explain")
    assert "altered films per model" not in words(page)
    assert not [button for button in page.button if button.key == "refine"]
