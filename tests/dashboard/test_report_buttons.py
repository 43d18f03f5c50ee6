"""The Explain page offers what it shows as a file, made when it is asked for."""

import json

import pytest
import streamlit as st

from cxrkd.answers.explanation import Explanation
from cxrkd.dashboard.caching import visitors
from tests.dashboard import test_pages
from tests.dashboard.test_pages import assert_healthy, open_page
from tests.report.pages import self_contained

_one_engine, sample_home = test_pages._one_engine, test_pages.sample_home  # fixtures


@pytest.fixture
def results(monkeypatch):
    """Pages of all tests are one session to Streamlit, which keeps what it was told."""
    kept = visitors.Kept(limit=99)
    monkeypatch.setattr(visitors, "kept", lambda kind: kept)
    return kept


def test_the_report_is_of_the_film_and_label_that_are_shown(sample_home, results, monkeypatch):
    offered, button = {}, st.download_button

    def watched(label, data, *args, **more):
        offered[label] = data
        return button(label, data, *args, **more)

    monkeypatch.setattr(st, "download_button", watched)
    monkeypatch.setattr("streamlit.delta_generator.DeltaGenerator.download_button", watched, raising=False)
    page = open_page("explain")
    assert_healthy(page)
    document = json.loads(offered["Report as JSON"]())
    (one,) = document["explanations"]
    (shown,) = [known for known in results._results.values() if isinstance(known, Explanation)]
    k = shown.labels.index(one["label"])
    for member, figures in one["members"].items():
        assert figures["prob"] == pytest.approx(float(shown.probs[member][k]))
    assert one["members"]["alone"]["agreement_with_teacher"] is not None
    assert document["film"]["name"] is not None, "phantoms are nobody"
    self_contained(offered["Report"]())
