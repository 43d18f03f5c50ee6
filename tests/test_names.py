"""Whatever a label or an id is called, its file stays in the folder that was asked for."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxrkd.names import NAME_BYTES, file_name, file_names, without_image_suffix

HOSTILE = [
    "../../../up",
    "..",
    ".",
    "/etc/passwd",
    "Effusion / empyema",
    "Effusion : empyema",
    "C:\\temp\\x",
    "a\0b",
    "a\nb",
    "CON",
    "con.txt",
    "LPT1",
    "",
    "   ",
    ".hidden",
    "trailing. ",
    "Ergüsse, beidseits",
    "胸水" * 60,
    "x" * 300,
    "x" * 301,
    "a\u202eb",
    "Mass",
    "mass",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_name_is_one_component_that_every_file_system_takes(text, tmp_path):
    name = file_name(text)
    assert len(name.encode()) <= NAME_BYTES
    assert name.strip(" .") == name != ""
    path = tmp_path / "out" / name
    path.parent.mkdir()
    path.write_text("x")
    assert [p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()] == [f"out/{name}"]


def test_names_that_are_fit_stay_as_they_are():
    for text in ("Pleural_Thickening", "patient00001-study1-view1_frontal", "1.2.826.0.1.1000", "Ergüsse, beidseits"):
        assert file_name(text) == text


@pytest.mark.parametrize("text", ["CON", "con", "Aux", "nul.png", "COM9", "lpt¹", "PRN .txt", "prn "])
def test_devices_of_windows_are_no_names(text):
    assert file_name(text).startswith("_")


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(max_size=100) | st.sampled_from(HOSTILE), max_size=20))
def test_different_texts_never_share_a_file_also_where_case_does_not_count(texts):
    names = file_names(texts)
    assert set(names) == set(texts)
    assert len({name.casefold() for name in names.values()}) == len(set(texts))
    for name in names.values():
        assert len(name.encode()) <= NAME_BYTES
        assert not any(c in '<>:"/\\|?*' or ord(c) < 32 for c in name)
        assert name.strip(" .") == name != ""


def test_many_long_names_with_one_beginning_are_numbered():
    names = file_names(f"{'x' * 100}{i}" for i in range(3000))
    assert len(set(names.values())) == 3000


def test_a_uid_has_no_suffix():
    for name in ("1.2.826.0.1.3680043.8.498.1000", "1.2.3", "film.v2", "archive.tar"):
        assert without_image_suffix(name) == name
    assert [without_image_suffix(f"a.b.{suffix}") for suffix in ("png", "PNG", "dcm", "jpeg", "tif")] == ["a.b"] * 5
