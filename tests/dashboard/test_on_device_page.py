"""On device: a file is made when it is asked for, by whom it may be, and offered only if it answers as PyTorch does."""

import hashlib
import io
import zipfile
from dataclasses import replace

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from cxrkd.access.record import read_acts
from cxrkd.access.roles import Person
from cxrkd.dashboard import access, routes
from cxrkd.dashboard.caching import bundles
from cxrkd.export.target import TARGETS, Bounds
from tests import toys
from tests.dashboard.test_pages import words


@pytest.fixture(scope="module")
def toy_home(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("on-device")
        patch.setenv("CXRKD_HOME", str(folder / "home"))
        patch.setattr("cxrkd.jobs.job.SHIPPED", folder / "none")
        toys.everywhere(patch, folder / "site")
        toys.finished_run(toys.tiny_config("small", patients=40, arch="plain_toy"))
        yield folder / "home"


@pytest.fixture
def page(toy_home):
    bundles._exported.clear()
    page = AppTest.from_file(routes.BY_NAME["on_device"].path, default_timeout=120).run()
    assert not page.exception
    return page


@pytest.fixture
def downloads(monkeypatch):
    """What download buttons hand out, by their titles."""
    offered, button = {}, st.download_button

    def watched(label, data, name, *args, **more):
        offered[label] = (name, data)
        return button(label, data, name, *args, **more)

    monkeypatch.setattr(st, "download_button", watched)
    return offered


def prepare(page):
    (button,) = [one for one in page.button if one.label == "Prepare"]
    return button.click().run()


def test_the_page_offers_every_form_and_makes_none_unasked(page, downloads, monkeypatch):
    monkeypatch.setattr(bundles, "exported", lambda *_: pytest.fail("made"))
    forms = next(one for one in page.button_group if one.label == "Form")
    assert list(forms.options) == [target.title for target in TARGETS.values()]
    assert TARGETS["onnx"].sentence in words(page)
    assert "AUROC" in words(page)
    assert downloads == {}
    page.run()
    assert not page.error


def test_a_file_is_made_when_asked_for_offered_and_recorded(page, downloads):
    n = len(read_acts())
    prepare(page)
    assert not page.error, words(page)
    shown = {metric.label: metric.value for metric in page.metric}
    assert set(shown) == {"To download", "Largest difference", "Change of AUROC"}
    name, data = downloads["Download"]
    assert name == "cxrkd-small-distilled-onnx.zip"
    with zipfile.ZipFile(io.BytesIO(data())) as archive:
        listed = archive.read("cxrkd-small-distilled-onnx/SHA256SUMS").decode().splitlines()
        for line in listed:
            digest, file = line.split("  ")
            assert hashlib.sha256(archive.read(f"cxrkd-small-distilled-onnx/{file}")).hexdigest() == digest
        card = archive.read("cxrkd-small-distilled-onnx/MODEL_CARD.md").decode()
    assert page.code[0].value == card.strip()
    assert [(act.what, act.on, act.outcome) for act in read_acts()[n:]] == [("export", "small distilled onnx", "done")]
    assert [one for one in page.button if one.label == "Prepare"] == []
    page.run()
    assert len(read_acts()) == n + 1, "drawing the page again makes nothing"
    downloads.clear()
    forms = next(one for one in page.button_group if one.label == "Form")
    forms.set_value(TARGETS["int8"].title).run()
    assert downloads == {}, "another form was not asked for yet"


def test_who_may_only_look_gets_a_sentence_and_no_button(toy_home, monkeypatch):
    monkeypatch.setattr(access, "current", lambda: Person("look", "abc"))
    page = AppTest.from_file(routes.BY_NAME["on_device"].path, default_timeout=60).run()
    assert not page.exception
    assert not page.error
    assert [one for one in page.button if one.label == "Prepare"] == []
    assert "needs the role make" in words(page)


def test_a_visitor_whose_role_was_taken_meanwhile_is_refused(page, downloads, monkeypatch):
    monkeypatch.setattr(access, "current", lambda: Person("look", "abc"))
    monkeypatch.setattr(access, "makes", lambda: True)
    prepare(page)
    assert "needs the role make" in page.error[0].value
    assert downloads == {}
    assert read_acts()[-1].outcome.startswith("This needs the role make")


def test_a_file_that_is_too_far_off_is_a_sentence(page, downloads, monkeypatch):
    monkeypatch.setitem(TARGETS._entries, "onnx", replace(TARGETS["onnx"], bounds=Bounds(prob=-1.0)))
    prepare(page)
    assert not page.exception
    assert "differs from PyTorch" in page.error[0].value
    assert downloads == {}
    page.run()
    assert not page.error, "it is not tried again by itself"
