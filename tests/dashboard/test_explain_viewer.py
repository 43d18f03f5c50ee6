"""The viewer of Explain: its views, its words for who sees no picture, and the picture that leaves the page."""

import io
import json

import numpy as np
from PIL import Image

from cxrkd.dashboard.explain import grid, viewer
from cxrkd.labels import display_name
from cxrkd.runs import open_run
from tests.dashboard import test_pages
from tests.dashboard.test_explain import known, label_box
from tests.dashboard.test_explain_link import visit
from tests.dashboard.test_pages import assert_healthy

_one_engine, sample_home, known = test_pages._one_engine, test_pages.sample_home, known  # fixtures


def films_of(page):
    return next(one.proto for one in page.get("plotly_chart") if "films" in one.proto.id)


def images(figure):
    return [trace for trace in json.loads(figure.spec)["data"] if trace["type"] == "image"]


def pictures(page):
    return [one.alt for element in page.get("image") for one in element.proto.imgs]


def test_words_and_pictures_are_of_one_view(sample_home):
    page = visit(label="Mass")
    assert_healthy(page)
    alt = films_of(page).alt
    assert alt.startswith("Where each model sees Mass by Grad-CAM. Teacher: ")
    assert alt.count("% outside the body") + alt.count("no positive evidence") == 3
    assert alt.count("called") + alt.count("not judged") >= 3
    one_by_one = [one for one in pictures(page) if one.startswith("Where each model sees Mass by Grad-CAM, ")]
    assert len(one_by_one) == 3
    for title in ("Teacher", "Student alone", "Student distilled"):
        note = next(one for one in one_by_one if f", {title}: " in one).partition(": ")[2]
        assert note in alt


def test_the_film_changes_with_its_window_and_the_map_does_not(sample_home):
    plain, changed = (images(films_of(visit(label="Mass", **more))) for more in ({}, {"window": ["20", "60"]}))
    assert len(plain) == len(changed) == 6
    assert [a["source"] == b["source"] for a, b in zip(plain, changed, strict=True)] == [False, True] * 3


def test_a_difference_is_to_the_teacher_and_is_explained(sample_home):
    page = visit(label="Mass", layer="Difference")
    assert_healthy(page)
    assert "Student minus teacher" in test_pages.words(page)
    assert images(films_of(page))[1]["source"] != images(films_of(visit(label="Mass")))[1]["source"]


def test_all_labels_are_on_one_view_and_each_leads_to_itself(sample_home):
    page = visit(label="Mass", view=viewer.ALL)
    assert_healthy(page)
    labels = open_run("made").labels
    alts = pictures(page)
    for label in labels:
        (alt,) = [one for one in alts if one.startswith(f"{display_name(label)}: Teacher ")]
        assert alt.count("%") == 3
    next(b for b in page.button if b.label == "Hernia").click().run()
    assert_healthy(page)
    assert label_box(page).value == "Hernia"
    assert page.segmented_control(key=grid.VIEW).value == viewer.ONE
    assert "sees Hernia" in films_of(page).alt


def test_two_methods_stand_in_two_rows(sample_home):
    page = visit(label="Mass", method="layercam", view=viewer.METHODS)
    assert_healthy(page)
    figure = films_of(page)
    assert "by LayerCAM and LIME" in figure.alt
    assert len(images(figure)) == 2 * 3 * 2
    titles = [note["text"].partition("<br>")[0] for note in json.loads(figure.spec)["layout"]["annotations"]]
    assert titles[:4] == [
        "Teacher · LayerCAM",
        "Student alone · LayerCAM",
        "Student distilled · LayerCAM",
        "Teacher · LIME",
    ]


def test_what_is_taken_away_says_what_it_is(sample_home, monkeypatch):
    taken = {}
    monkeypatch.setattr(viewer.st, "download_button", lambda label, data, name, *_, **__: taken.update({name: data}))
    page = visit(label="Pleural_Thickening", method="hirescam")
    assert_healthy(page)
    film = page.query_params["film"]
    picture = Image.open(io.BytesIO(taken[f"{film}-Pleural_Thickening-hirescam.png"]))
    said = picture.text["Description"]
    for part in ("Pleural thickening by HiResCAM", f"Film: {film}.", "Run: made", "Not for clinical use"):
        assert part in said
    assert np.asarray(picture).shape[1] == 3 * viewer.SAVED_PX + 2 * 8
