"""Whose answer is shown: files added, removed, renamed, remembered and flagged."""

import io

import numpy as np
import pytest
from PIL import Image
from streamlit.runtime.uploaded_file_manager import UploadedFile, UploadedFileRec

from cxrkd.dashboard import sources
from cxrkd.dashboard.serving import uploads
from cxrkd.data.phantom import render
from cxrkd.images import files
from cxrkd.images.read import read
from tests.dashboard import test_pages
from tests.dashboard.test_pages import assert_healthy, open_page, png_of, words

_one_engine, sample_home = test_pages._one_engine, test_pages.sample_home  # fixtures
BOX = "classify_upload"


def film(patient, size=128):
    return render(3, patient, 0, size).pixels


def file(name, pixels):
    return (name, png_of(pixels), "image/png")


def put(page, *files, key=BOX):
    page.file_uploader(key=key).set_value(list(files)).run()
    assert_healthy(page)


def headings(page):
    return [heading.value for heading in page.header] + [box.label for box in page.expander if "**" in box.label]


def switch(page, source, name="classify"):
    page.segmented_control(key=f"{name}_source").set_value(source).run()
    assert_healthy(page)


@pytest.fixture
def page(sample_home):
    found = open_page("classify")
    switch(found, "Uploads")
    return found


def test_the_name_stands_over_a_single_answer(page):
    put(page, file("a_1.png", film(1)))
    assert headings(page) == [r"a\_1.png"]


@pytest.mark.parametrize("name", ["classify", "explain"])
def test_the_hash_by_which_command_line_and_csv_name_a_film_is_shown(sample_home, name):
    page = open_page(name)
    switch(page, "Uploads", name)
    content = file("a.png", film(1))
    put(page, content, key=f"{name}_upload")
    whole = read(content[1], "a.png").sha256
    (caption,) = (one for one in page.caption if "fingerprint" in one.value)
    assert f"`{whole[:12]}`" in caption.value
    assert f"`{whole}`" in caption.help


def test_a_sample_is_named_by_its_data_set_and_not_by_a_hash(sample_home):
    assert not [one for one in open_page("classify").caption if "fingerprint" in one.value]


def test_a_removed_file_is_forgotten(page):
    put(page, file("a.png", film(1)))
    put(page)
    assert "No film yet" in words(page)
    assert "a.png" not in words(page)
    assert not page.dataframe
    switch(page, "Samples")
    switch(page, "Uploads")
    assert "No film yet" in words(page)


def test_removing_one_of_several_leaves_the_others(page):
    put(page, file("a.png", film(1)), file("b.png", film(2)), file("c.png", film(3)))
    assert headings(page) == ["**a.png**", "**b.png**", "**c.png**"]
    put(page, file("a.png", film(1)), file("c.png", film(3)))
    assert headings(page) == ["**a.png**", "**c.png**"]
    put(page, file("c.png", film(3)))
    assert headings(page) == ["c.png"]


def test_a_file_of_the_same_name_with_other_bytes_takes_its_place(page):
    put(page, file("a.png", film(1)))
    first = shown_probabilities(page)
    put(page, file("a.png", film(2)))
    assert shown_probabilities(page) != first
    assert headings(page) == ["a.png"]


def shown_probabilities(page):
    (table,) = [frame.value for frame in page.dataframe if "Student distilled says" in frame.value]
    return table["Student distilled"].tolist()


def test_two_files_of_one_name_are_both_answered(page):
    put(page, file("a.png", film(1)), file("a.png", film(2)), file("a.png (2)", film(3)))
    summary = page.dataframe[0].value
    assert list(summary["Film"]) == ["a.png", "a.png (2)", "a.png (2) (2)"]
    tables = [frame.value for frame in page.dataframe if "Student distilled says" in frame.value]
    assert [set(table["Film"]) for table in tables] == [{name} for name in summary["Film"]]
    assert len({tuple(table["Student distilled"]) for table in tables}) == 3


def test_the_same_bytes_under_two_names_keep_each_its_own(page):
    put(page, file("a.png", film(1)))
    put(page, file("b.png", film(1)))
    assert headings(page) == ["b.png"]
    assert "a.png" not in words(page)
    put(page, file("a.png", film(1)), file("b.png", film(1)))
    assert headings(page) == ["**a.png**", "**b.png**"]


def test_the_same_pixels_in_two_files_keep_each_its_own_notes(page):
    deep = io.BytesIO()
    Image.fromarray(film(1)).convert("RGB").save(deep, format="PNG")
    put(page, file("grey.png", film(1)), ("rgb.png", deep.getvalue(), "image/png"))
    first, second = (box for box in page.expander if "**" in box.label)
    notes = [[c.value for c in box.caption if ":material/info:" in c.value] for box in (first, second)]
    assert notes[0] != notes[1]
    put(page, ("rgb.png", deep.getvalue(), "image/png"))
    assert notes[1][0] in words(page)


def test_what_is_remembered_is_shown_as_remembered_and_can_be_forgotten(page):
    put(page, file("a.png", film(1)), file("b_2.png", film(2)))
    assert "Remembered" not in words(page)
    switch(page, "Samples")
    switch(page, "Uploads")
    assert r"Remembered from before: a.png, b\_2.png." in words(page)
    assert headings(page) == ["**a.png**", r"**b\_2.png**"]
    next(button for button in page.button if button.label == "Forget").click().run()
    assert_healthy(page)
    assert "Remembered" not in words(page)
    assert "No film yet" in words(page)


def test_new_files_take_the_place_of_remembered_ones_for_good(page):
    put(page, file("a.png", film(1)))
    switch(page, "Samples")
    switch(page, "Uploads")
    put(page, file("b.png", film(2)))
    assert headings(page) == ["b.png"]
    put(page)
    assert "No film yet" in words(page)
    assert "a.png" not in words(page)


def test_removing_on_explain_forgets_too(sample_home):
    page = open_page("explain")
    switch(page, "Uploads", "explain")
    put(page, file("a.png", film(1)), key="explain_upload")
    assert headings(page)[0] == "a.png"
    put(page, key="explain_upload")
    assert "Drop a radiograph" in words(page)
    assert "a.png" not in words(page)


def test_a_refused_file_has_its_own_line_and_no_answer_beside_it(page):
    put(page, file("a.png", film(1)))
    page.file_uploader(key=BOX).set_value([("b.png", b"no image", "image/png")]).run()
    (error,) = page.error
    assert error.value.startswith("b.png is ")
    assert "a.png" not in words(page)
    assert not page.dataframe


def test_anyway_on_one_film_lets_no_other_through(page):
    dark, upside = 255 - film(1), film(2)[::-1]
    put(page, file("dark.png", dark), file("upside.png", upside))
    assert [box.label for box in page.checkbox] == ["Answer anyway"] * 2
    page.checkbox[1].check().run()
    assert headings(page) == ["upside.png"]
    put(page, file("dark.png", dark))
    assert page.checkbox[0].value is False
    assert not headings(page)


def test_anyway_holds_for_a_name_though_the_same_picture_has_another(page):
    dark = 255 - film(1)
    put(page, file("a.png", dark), file("b.png", dark))
    page.checkbox[0].check().run()
    assert headings(page) == ["a.png"]
    switch(page, "Samples")
    switch(page, "Uploads")
    assert [box.value for box in page.checkbox] == [True, False]
    assert headings(page) == ["a.png"]


def kept(page):
    """Names of the films that the visitor's session holds, and of the files."""
    found = page.session_state["cxrkd"]
    return [name for name, _ in found.films], [name for name, _ in found.uploads]


def test_a_removed_file_is_dropped_from_memory(page):
    put(page, file("a.png", film(1)), file("b.png", film(2)))
    assert kept(page) == (["a.png", "b.png"],) * 2
    put(page, file("b.png", film(2)))
    assert kept(page) == (["b.png"],) * 2
    put(page)
    assert kept(page) == ([], [])


def test_of_a_film_only_what_the_networks_see_is_kept(page):
    put(page, file("a.png", film(1, size=640)))
    ((_, found),) = page.session_state["cxrkd"].films.values()
    assert found.tones.shape == found.tones.shape[::-1]
    assert found.tones.nbytes == found.tones.size < 640**2
    arrays = [value for value in vars(found).values() if isinstance(value, np.ndarray)]
    assert [array.nbytes for array in arrays] == [found.tones.nbytes]
    assert found.read().shape == (640, 640)


@pytest.fixture
def reads(monkeypatch):
    """Names of the files that are decoded."""
    names = []

    def counted(data, name, size, *, apart):
        names.append(name)
        return files.film_of(data, name, size, apart=apart)

    monkeypatch.setattr(sources, "film_of", counted)
    return names


def test_a_file_is_read_once_whether_or_not_it_can_be(page, reads):
    page.file_uploader(key=BOX).set_value([file("a.png", film(1)), ("b.png", b"no image", "image/png")]).run()
    page.run()
    assert [error.value[:5] for error in page.error] == ["b.png"]
    assert headings(page) == ["a.png"]
    assert reads == ["a.png", "b.png"]


def test_no_more_files_are_looked_at_than_one_visitor_may_hold(page, reads, monkeypatch):
    monkeypatch.setattr(uploads, "MAX_FILES", 2)
    put(page, *(file(f"{name}.png", film(n)) for n, name in enumerate("abcd")))
    (warning,) = [warning.value for warning in page.warning if "Not looked at" in warning.value]
    assert warning.startswith("Not looked at: c.png, d.png. ")
    assert headings(page) == ["**a.png**", "**b.png**"]
    assert reads == ["a.png", "b.png"]
    put(page, file("d.png", film(3)))
    assert not [warning.value for warning in page.warning if "Not looked at" in warning.value]


def test_no_more_bytes_are_kept_than_one_visitor_may_hold(page, monkeypatch):
    a, b = file("a.png", film(1)), file("b.png", film(2))
    monkeypatch.setattr(uploads, "MAX_BYTES", len(a[1]) + len(b[1]) - 1)
    put(page, a, b)
    assert any("Not looked at: b" in warning.value for warning in page.warning)
    assert kept(page) == (["a.png"],) * 2


def test_why_the_server_took_no_more_is_said_until_something_is_removed(page):
    put(page, file("a.png", film(1)), file("b.png", film(2)))
    page.session_state["cxrkd"].not_taken = "A file was not taken: no room."
    page.run()
    assert "A file was not taken: no room." in [warning.value for warning in page.warning]
    put(page, file("b.png", film(2)))
    assert "A file was not taken: no room." not in [warning.value for warning in page.warning]


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        (["a.png", "a.png"], ["a.png", "a.png (2)"]),
        (["a.png", "A.PNG"], ["a.png", "A.PNG (2)"]),
        (["a.png", "a.png "], ["a.png", "a.png  (2)"]),
        (["a b.png", "a  b.png"], ["a b.png", "a  b.png (2)"]),
        (["\u00e9.png", "e\u0301.png"], ["\u00e9.png", "e\u0301.png (2)"]),
        (["a.png", "a\u200b.png"], ["a.png", "a\u200b.png (2)"]),
        (["a.png (2)", "a.png", "a.png"], ["a.png (2)", "a.png", "a.png (3)"]),
    ],
)
def test_names_that_look_alike_are_told_apart(names, shown):
    files = [UploadedFile(UploadedFileRec(str(n), name, "", b"%d" % n), None) for n, name in enumerate(names)]
    assert [name for name, _ in uploads.named(files)] == shown


@pytest.mark.parametrize(
    ("second", "patient"), [("a.png", 2), ("A.png ", 1)], ids=["other content", "same content, a name that looks alike"]
)
def test_explain_answers_both_of_two_files_that_have_one_name(sample_home, second, patient):
    page = open_page("explain")
    switch(page, "Uploads", "explain")
    put(page, file("a.png", film(1)), file(second, film(patient)), key="explain_upload")
    box = page.selectbox(key="explain_file")
    assert box.options == ["a.png", f"{second} (2)"]
    assert headings(page)[0] == "a.png"
    box.set_value(box.options[1]).run()
    assert_healthy(page)
    assert headings(page)[0].replace("\\", "").split() == [second.strip(), "(2)"]
    first, other = (found for _, found in page.session_state["cxrkd"].films.values())
    assert (first.key == other.key) == (patient == 1)


@pytest.mark.parametrize("name", ["1. a.png", "- a.png", "12. b &amp; c.png"])
def test_a_name_is_shown_as_it_is(name):
    from cxrkd.dashboard.layout import literal

    shown = literal(name)
    assert "".join(shown.split("\\")) == name
    assert not shown.startswith(("1. ", "- ", "12. "))
    assert (r"\&" in shown) == ("&" in name)


def test_a_name_is_one_line():
    from cxrkd.dashboard.layout import literal

    assert literal("a\n# b.png") == r"a \# b.png"
