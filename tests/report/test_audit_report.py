"""The report of an audit: the job's own figures, its cells as pictures, and nothing that names a film of nobody's."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from cxrkd.data import load_to_ask
from cxrkd.data.pixels import InMemory
from cxrkd.images.radiograph import digest_of_tones
from cxrkd.jobs.execute import execute
from cxrkd.report import audit as reports
from cxrkd.report.audit import audit_report
from cxrkd.runs.auditing.at_hand import NOT_AT_HAND, FilmsAtHand
from cxrkd.runs.auditing.cells import cells_of
from cxrkd.runs.auditing.job import DIGESTS, AuditConfig, AuditJob
from cxrkd.runs.auditing.proof_tables import cascade_table, faithful_table
from cxrkd.runs.auditing.tables import FIELDS
from cxrkd.runs.auditing.wording import FAITHFUL_RULE, rule, verdicts
from cxrkd.runs.beside import asked_about, create_beside
from cxrkd.runs.choosing import PHANTOM_RESULT
from tests import toys
from tests.report.pages import self_contained

EVIL = "<script>alert('1')</script>"
NOW = datetime(2030, 1, 2, 3, 4, tzinfo=UTC)


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    """An audit, made once for all tests."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("audit")
        patch.setenv("CXRKD_HOME", str(folder / "home"))
        toys.everywhere(patch, folder / "site")
        run = toys.finished_run(toys.tiny_config(EVIL, patients=40))
        made = create_beside(AuditJob, run, AuditConfig(**asked_about(run)))
        execute(made)
        yield made


@pytest.fixture(autouse=True)
def home(job, monkeypatch):
    """The home of the audit instead of one of each test's own."""
    monkeypatch.setenv("CXRKD_HOME", str(job.path.parent.parent))


def test_the_page_holds_all_that_it_shows_and_escapes_what_comes_from_outside(job):
    page = self_contained(audit_report(job, now=NOW).html())
    assert f"Audit of {EVIL}" in page.text
    assert PHANTOM_RESULT in page.text
    assert rule(job.figures()) in page.text
    for sentence in verdicts(job.figures()):
        assert sentence.replace("-", "−") in page.text
    assert NOT_AT_HAND not in page.text
    assert FAITHFUL_RULE in page.text
    for table in (faithful_table(job.figures()), cascade_table(job.figures())):
        assert all(str(cell) in page.text for cell in table.to_numpy().ravel())


def test_json_has_the_figures_of_the_job_and_counts_of_its_cells(job):
    document = json.loads(audit_report(job, now=NOW).text(".json"))
    assert document["figures"] == job.figures().to_dict()
    assert document["verdicts"] == verdicts(job.figures())
    for student, one in document["students"].items():
        cells = cells_of(job, student)
        assert one["fields"] == {t: len(cells.field(same_answer=a, same_reason=r)) for t, (a, r) in FIELDS.items()}
        for kind in one["gallery"]:
            for cell in kind["cells"]:
                n, k = job.films()["ids"].tolist().index(cell["film"]), job.run().labels.index(cell["label"])
                assert cell["prob_teacher"] == pytest.approx(job.probs("teacher")[n, k])
                assert cell["agreement"] == pytest.approx(job.agreements()[student].own[n, k])
    cut = job.run().thresholds("alone")
    told = [np.nan if one is None else one for one in document["thresholds"]["alone"].values()]
    np.testing.assert_allclose(told, cut)


def test_pictures_are_those_of_the_gallery(job):
    sheet = audit_report(job, now=NOW)
    cells = sum(len(kind["cells"]) for one in sheet.document["students"].values() for kind in one["gallery"])
    assert cells >= 6
    assert len(self_contained(sheet.html()).all("img")) == 1 + 2 + 2 * cells, "a forest, a scatter a student, pairs"


def test_it_is_the_same_each_time_but_for_the_date(job):
    for ending in (".html", ".json"):
        once = audit_report(job, now=NOW).text(ending)
        assert audit_report(job, now=NOW).text(ending) == once
        later = audit_report(job, now=datetime(2031, 1, 1, tzinfo=UTC)).text(ending)
        assert later.replace("2031-01-01 00:00", "2030-01-02 03:04") == once


def test_without_films_maps_are_drawn_and_that_is_said(job):
    away = FilmsAtHand(job, lambda data: False)
    sheet = audit_report(job, at_hand=away, now=NOW)
    assert away.film(0) is None
    assert NOT_AT_HAND in self_contained(sheet.html()).text
    whole = audit_report(job, now=NOW)
    assert sheet.document["students"] == whole.document["students"]


def test_a_film_is_shown_only_if_it_is_the_one_that_was_explained(job):
    films, here = job.films(), FilmsAtHand(job)
    assert [digest_of_tones(here.film(n).tones) for n in range(3)] == films[DIGESTS][:3].tolist()

    def other(data):
        cohort = load_to_ask(data)
        return replace(cohort, pixels=InMemory(255 - np.asarray(cohort.images), "other"))

    assert FilmsAtHand(job, load=other).film(0) is None


def test_films_of_files_are_numbered_unless_their_names_are_asked_for(job, monkeypatch):
    monkeypatch.setattr(reports, "published", lambda data: False)
    ids = job.films()["ids"].tolist()
    for ending in (".html", ".json"):
        text = audit_report(job, now=NOW).text(ending)
        assert re.search(rf"film \d+ of {len(ids)}\b", text)
        assert not [name for name in ids if name in text]
        named = audit_report(job, named=True, now=NOW).text(ending)
        assert [name for name in ids if name in named]
