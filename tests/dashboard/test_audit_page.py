"""The Audit page: not asked for yet, at work, stopped, and what it shows of one that is done."""

from dataclasses import replace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from cxrkd.access.roles import Person
from cxrkd.dashboard import access, routes
from cxrkd.dashboard.caching import audits
from cxrkd.dashboard.distill import making
from cxrkd.jobs.asked import by_page
from cxrkd.jobs.execute import execute
from cxrkd.jobs.queue import cancel
from cxrkd.runs.auditing import proof_tables
from cxrkd.runs.auditing.at_hand import NOT_AT_HAND
from cxrkd.runs.auditing.cells import cells_of
from cxrkd.runs.auditing.gallery import gallery
from cxrkd.runs.auditing.job import AuditConfig, AuditJob
from cxrkd.runs.auditing.tables import FIELDS, TITLES, cell_note, four_fields, label_table, lesion_table, lines_table
from cxrkd.runs.auditing.wording import NOT_PROVED
from cxrkd.runs.beside import asked_about, create_beside
from tests import toys


@pytest.fixture
def run(own_home):
    return toys.finished_run(toys.tiny_config("small", patients=80, size=64, arch="mobilenetv3_small_100"))


@pytest.fixture
def audit(run):
    job = create_beside(AuditJob, run, AuditConfig(**asked_about(run), proofs=4))
    execute(job)
    return job


def opened():
    page = AppTest.from_file(routes.BY_NAME["audit"].path, default_timeout=60).run()
    assert not page.exception
    assert not page.error
    return page


def words(page):
    return "\n".join(str(one.value) for group in (page.markdown, page.caption, page.header) for one in group)


def test_without_an_audit_the_page_says_how_one_is_made_and_makes_it(run):
    page = opened()
    assert "python -m cxrkd audit small" in words(page)
    page.button[0].click().run()
    (job,) = [one for one in making.list_own_jobs() if isinstance(one, AuditJob)]
    assert (job.id, job.state.status, by_page(job)) == ("small-audit", "queued", True)
    assert "at work" in words(page)
    cancel(job)
    assert "runs resume small" in words(opened())


def test_a_visit_that_may_look_makes_nothing(run, monkeypatch):
    monkeypatch.setattr(access, "current", lambda: Person("look", "aaaaaa", "10.0.0.7"))
    assert not opened().button


def test_a_finished_audit_is_shown_with_its_verdicts_and_cells(run, audit):
    page = opened()
    text = words(page)
    assert "Student distilled" in text
    assert "networks of the first seed" in text
    assert "Measured on phantom radiographs" in text
    assert [one.value for one in page.header] == [
        "Do they look at the same places?",
        "Same answer, for the same reason?",
        "Do they look at the lesion?",
        "Do the maps say what the network uses?",
    ]
    proofs = next(one.value for one in page.dataframe if "Better than random" in one.value)
    assert proofs["Figure"].tolist() == list(proof_tables.TITLES.values()) * 3
    assert "what it uses" in text
    fields = next(one.value for one in page.dataframe if "Cells" in one.value)
    cells = cells_of(audit, "distilled")
    assert fields["Teacher and student"].tolist() == list(FIELDS)
    assert fields["Cells"].sum() == len(cells.films)


def test_an_audit_without_proofs_says_so(run):
    execute(create_beside(AuditJob, run, AuditConfig(**asked_about(run), films=8, proofs=0)))
    page = opened()
    assert NOT_PROVED in words(page)
    assert not any("Better than random" in one.value for one in page.dataframe)


def test_another_student_and_another_field_show_other_cells(run, audit):
    page = opened()
    cells = cells_of(audit, "alone")
    page.segmented_control(key="audit_student").set_value("Student alone").run()
    page.segmented_control(key="audit_field").set_value("Other answer, maps not above chance").run()
    assert not page.exception
    chosen = cells.field(same_answer=False, same_reason=False)
    shown = [one.value for one in page.dataframe if "Agreement of maps" in one.value]
    if len(chosen):
        np.testing.assert_allclose(shown[0]["Teacher"].astype(float), cells.probs_t[chosen])
    else:
        assert not shown


def test_cells_worth_a_look_are_pictures_and_a_click_from_the_explain_page(run, audit):
    page = opened()
    cells = cells_of(audit, "distilled")
    kinds = gallery(cells, audit.lesions("distilled"))
    assert all(kind.title in words(page) for kind in kinds)
    ids, labels = audit.films()["ids"], run.labels
    for m in [int(m) for kind in kinds for m in kind.cells]:
        assert f"{cell_note(cells, m)}" in words(page).replace("\\", "")
    table = next(one.value for one in page.dataframe if "Agreement of maps" in one.value)
    first = cells.field(same_answer=True, same_reason=False)[0]
    label = labels[cells.labels[first]]
    assert table["Explain"][0] == f"explain?run=small&film={ids[cells.films[first]]}&label={label}&method=gradcam"
    assert [one.label for one in page.get("download_button")] == ["Report", "Report as JSON"]


def test_without_films_pictures_are_maps_alone_and_nothing_is_linked(run, audit, monkeypatch):
    monkeypatch.setattr(audits, "images_here", lambda data: False)
    monkeypatch.setattr(access, "images_here", lambda data: False)
    page = opened()
    assert NOT_AT_HAND in words(page)
    table = next(one.value for one in page.dataframe if "Agreement of maps" in one.value)
    assert "Explain" not in table


def test_tables_print_the_figures(run, audit):
    figures = audit.figures()
    row = figures.agreement_of("distilled")
    lines = lines_table(figures)
    assert lines.iloc[0]["Student distilled"].startswith(f"{row.own.value:.2f}".replace("-", "−"))
    assert len(lines) == 1 + len(row.lines) + 1
    labels, rows = label_table(figures), [figures.agreement_of("distilled", label=label) for label in figures.labels]
    assert labels["Films"].tolist() == [row.own.n for row in rows]
    assert lesion_table(figures)["Figure"].tolist() == list(TITLES.values()) * 3
    own = figures.faithful_of("teacher", "gain").own.value
    assert proof_tables.faithful_table(figures)["Its map"][2].startswith(f"{own:+.2f}".replace("-", "−"))
    assert proof_tables.cascade_table(figures)["Hangs on weights"].isin(["yes", "not shown"]).all()
    shallow = replace(figures.cascade[0], shares=(0.3, 1.0), left=figures.cascade[0].left[:2])
    uneven = proof_tables.cascade_table(replace(figures, cascade=(shallow, *figures.cascade[1:])))
    assert list(uneven)[1:7] == ["Last layer", "20%", "40%", "60%", "80%", "All"]
    assert uneven["40%"][0] == ""
    assert proof_tables.faithful_label_table(figures)["Films"][0] == figures.faithful[3].own.n
    assert four_fields(cells_of(audit, "alone"))["Cells"].sum() == len(cells_of(audit, "alone").films)
