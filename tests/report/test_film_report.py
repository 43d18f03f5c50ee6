"""The report of a film: all of it in one file, nothing of a patient in it, and figures that are the explanation's."""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from cxrkd.answers.explanation import explain, with_baselines
from cxrkd.checksums import sha256
from cxrkd.errors import ConfigError
from cxrkd.explain.explainer import Network
from cxrkd.images.film import Film, Truth
from cxrkd.report.film import film_report
from cxrkd.report.sheet import ENDINGS, ending_of
from tests import toys
from tests.images import conftest as make
from tests.report.pages import self_contained, without_pictures

EVIL = "<script>alert('1')</script>"
LABELS = (EVIL, "Pleural_Thickening", '" onload="x')
NOW = datetime(2030, 1, 2, 3, 4, tzinfo=UTC)


@pytest.fixture
def run():
    return toys.finished_run(toys.tiny_config(EVIL, patients=20))


def truth():
    mask = np.zeros((3, toys.SIZE, toys.SIZE), bool)
    mask[1, 4:12, 6:18] = True
    return Truth(LABELS, np.array([0, 1, 0], np.float32), lambda size: mask)


@pytest.fixture
def film():
    tones = np.random.default_rng(3).integers(0, 255, (toys.SIZE, toys.SIZE), np.uint8)
    return Film(EVIL, tones, lambda: (tones / 255).astype(np.float32), truth=truth(), patient="MRN-4711")


@pytest.fixture
def explanation(film):
    networks = {m: Network(toys.make_toy(seed, LABELS).eval()) for seed, m in enumerate(("teacher", "alone"))}
    (one,) = with_baselines(explain(networks, film.pixels[None]), networks, film.pixels[None])
    return one


CUTS = {"teacher": np.array([0.0, 1.0, np.nan]), "alone": np.array([1.0, 0.0, np.nan])}


def report(run, film, explanation, labels=LABELS, **asked):
    return film_report(run, film, explanation, labels, CUTS, now=NOW, **asked)


def test_the_page_holds_all_that_it_shows_and_escapes_what_comes_from_outside(run, film, explanation):
    page = self_contained(report(run, film, explanation, named=True, remarks=[EVIL]).html())
    assert page.text.count(EVIL) >= 3, "the run, the film and the remark, as text"
    assert "Pleural thickening" in page.text
    assert len(page.all("img")) == len(LABELS) * (1 + 2 + 1), "the film, a map a network, a colour bar"


def test_json_has_the_figures_of_the_explanation(run, film, explanation):
    document = json.loads(report(run, film, explanation).text(".json"))
    assert [one["label"] for one in document["explanations"]] == list(LABELS)
    probs, judged = explanation.probs, explanation.agreement("alone", LABELS[1])
    one = document["explanations"][1]["members"]["alone"]
    assert one["agreement_with_teacher"]["spearman"] == pytest.approx(judged.spearman)
    assert one["agreement_with_teacher"]["lines"]["centre"]["high"] == pytest.approx(judged.lines[3].high)
    assert one["lesion"]["area"] == pytest.approx(8 * 12 / toys.SIZE**2)
    answers = [row["members"]["teacher"] for row in document["answers"]]
    np.testing.assert_allclose([row["prob"] for row in answers], probs["teacher"])
    assert [row["call"] for row in answers] == ["called", "not called", "not judged"]
    assert answers[2]["threshold"] is None


def test_hashes_and_versions_are_those_of_the_files_and_pixels(run, film, explanation):
    document = report(run, film, explanation).document
    assert document["film"]["pixels_sha256"] == film.sha256
    assert document["film"]["input_sha256"] == hashlib.sha256(film.tones.tobytes()).hexdigest()
    for member, one in document["run"]["members"].items():
        assert one["sha256"] == sha256(run.weights_path(member))
        assert one["sha256"] in report(run, film, explanation).html()
    assert {"cxrkd", "python", "torch", "numpy"} <= set(document["versions"])
    assert document["made"] == "2030-01-02 03:04 UTC"


def test_a_film_goes_by_its_hash_unless_its_name_is_asked_for(run, film, explanation):
    secret = Film("/home/jane/Doe^Jane.png", film.tones, film.read, patient="MRN-4711")
    for ending in ENDINGS:
        text = without_pictures(report(run, secret, explanation).text(ending))
        assert secret.sha256[:12] in text
        assert not [word for word in ("Doe", "jane", "4711") if word in text]
        named = report(run, secret, explanation, named=True).text(ending)
        assert "Doe^Jane.png" in named
        assert "/home/jane" not in named


def test_nothing_identifying_of_a_dicom_file_is_in_it(run, explanation):
    from cxrkd.images.files import film_of

    values = np.random.default_rng(0).integers(0, 4000, (64, 64)).astype(np.uint16)
    data = make.dicom(
        values, InstitutionName="St. Elsewhere", AccessionNumber="ACC-99", StudyDescription="for Jane Doe"
    )
    film = film_of(data, "Doe^Jane.dcm", toys.SIZE)
    for ending in ENDINGS:
        text = without_pictures(report(run, film, explanation).text(ending))
        for word in ("Doe", "Jane", "MRN-4711", "19500101", "Elsewhere", "ACC-99"):
            assert word not in text


def test_it_is_the_same_each_time_but_for_the_date(run, film, explanation):
    for ending in ENDINGS:
        assert report(run, film, explanation).text(ending) == report(run, film, explanation).text(ending)
        later = film_report(run, film, explanation, LABELS, CUTS, now=datetime(2031, 1, 1, tzinfo=UTC)).text(ending)
        assert later != report(run, film, explanation).text(ending)
        assert later.replace("2031-01-01 00:00", "2030-01-02 03:04") == report(run, film, explanation).text(ending)


def test_without_a_lesion_and_a_teacher_there_is_less_to_say(run, film):
    networks = {"alone": Network(toys.make_toy(1, LABELS).eval())}
    (one,) = with_baselines(explain(networks, film.pixels[None]), networks, film.pixels[None])
    page = self_contained(report(run, Film("x", film.tones, film.read), one, LABELS[1:2]).html())
    assert "Do they look at the same places?" not in page.text
    assert "Marked lesion" not in page.text


def test_a_map_without_evidence_has_no_colour_bar(run, film, explanation):
    maps = explanation.maps
    for member in maps.maps:
        maps.maps[member][0] = -1
    page = self_contained(report(run, film, explanation, LABELS[:1]).html())
    assert "no positive evidence" in page.text
    assert len(page.all("img")) == 3


def test_the_form_is_told_by_the_ending():
    assert [ending_of(Path(name)) for name in ("a.html", "b.JSON")] == [".html", ".json"]
    with pytest.raises(ConfigError, match=r"ends in \.html or \.json, got 'a\.pdf'"):
        ending_of(Path("a.pdf"))
