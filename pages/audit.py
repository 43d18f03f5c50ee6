"""Audit: do students look where their teacher looks, film after film, and does anybody look at the lesion?"""

import shlex

import numpy as np
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from cxrkd.config import MEMBER_NAMES
from cxrkd.dashboard import access, beside, layout, tables
from cxrkd.dashboard.audit import faithful, gallery, report
from cxrkd.dashboard.caching import audits
from cxrkd.dashboard.charts import audit as charts
from cxrkd.dashboard.charts.quality import Interval
from cxrkd.explain.cam_family import cams
from cxrkd.explain.chance import LINE_NAMES
from cxrkd.labels import display_name
from cxrkd.runs import Run
from cxrkd.runs.auditing import tables as shown
from cxrkd.runs.auditing.cells import NEAR, Cells
from cxrkd.runs.auditing.figures import AuditFigures
from cxrkd.runs.auditing.job import AuditConfig, AuditJob
from cxrkd.runs.auditing.wording import OVER, remarks, rule, verdicts
from cxrkd.runs.beside import asked_about, asked_before, finished

LEAD = (
    "Do students look where their teacher looks, film after film, and does anybody look at the lesion? Every figure "
    "stands beside what is reached without seeing the film."
)
CELL = "A cell is a film and a finding that is present on it, or that teacher or student calls."


def choose_audit(done: list[AuditJob]) -> AuditJob:
    if len(done) == 1:
        return done[0]
    by_id = {job.id: job for job in done}
    return by_id[st.selectbox("Audit", list(by_id), format_func=lambda i: title_of(by_id[i]), key="audit_job")]


def title_of(job: AuditJob) -> str:
    few = f", {job.config.films} of them" if job.config.films else ""
    return f"{cams()[job.config.method].title}, {job.films_title}{few} · {job.id}"


def offer(run: Run) -> None:
    command = f"audit {shlex.quote(run.id)}"
    if beside.offered(run, "This run was not audited yet.", command, "Audit this run", ":material/fact_check:"):
        from cxrkd.dashboard.distill import making  # what makes jobs is not imported to look at one

        making.queue_beside(access.current(), run, AuditJob, AuditConfig(**asked_about(run)))
        st.rerun()


def answers(run: Run, job: AuditJob, figures: AuditFigures) -> None:
    with st.container(border=True):
        for sentence in verdicts(figures):
            st.markdown(tables.minus(layout.literal(sentence)))
    known = "".join(f"{sentence} " for sentence in remarks(job))
    layout.notice(
        f"{known}{cams()[job.config.method].title} on {figures.n:,} films ({layout.literal(job.films_title)}) of "
        f"{figures.n_patients:,} patients, networks of the first seed. {rule(figures)}"
    )


def agreement(figures: AuditFigures) -> None:
    rows = {student: figures.agreement_of(student, figures.counted) for student in figures.students}
    names = [LINE_NAMES[line.name].capitalize() for line in figures.agreement[0].lines]
    above = {
        student: [Interval(line.above.value, line.above.low, line.above.high) for line in row.lines]
        for student, row in rows.items()
    }
    layout.chart(charts.above(names, above), key="above", alt="How far each student is above each chance line")
    layout.table(shown.lines_table(figures), height="content", key="lines")
    with st.expander("Every finding"):
        layout.table(shown.label_table(figures), height="content", key="labels")


def four_fields(job: AuditJob, figures: AuditFigures) -> None:
    titles = {MEMBER_NAMES[student]: student for student in reversed(figures.students)}
    student = titles[layout.choose("Student", list(titles), next(iter(titles)), key="audit_student")]
    cells, labels, ids = audits.cells(job, student), job.run().labels, job.films()["ids"]
    left, right = layout.side_by_side()
    with left:
        names = [f"{ids[n]}, {display_name(labels[k])}" for n, k in zip(cells.films, cells.labels, strict=True)]
        chart = charts.cells(student, cells.probs_s - cells.probs_t, cells.agreement, names, NEAR)
        layout.chart(chart, key="cells", alt="Difference of probabilities against agreement of maps, a point a cell")
    with right:
        layout.table(shown.four_fields(cells), height="content", key="fields")
        st.caption(
            f"{CELL} The answer is the same where both call it or neither does, or, of findings that not both can "
            f"call, where their probabilities are within {NEAR}. Maps are above chance where their agreement "
            "exceeds every chance line of that film, which is much to ask of a single one; the others come least alike "
            "first."
        )
    drill_down(job, cells, ids, labels)
    gallery.show(job, student, cells)


def drill_down(job: AuditJob, cells: Cells, ids: np.ndarray, labels: tuple[str, ...]) -> None:
    field = layout.choose("Cells to look at", list(shown.FIELDS), next(iter(shown.FIELDS)), key="audit_field")
    same_answer, same_reason = shown.FIELDS[field]
    chosen = cells.field(same_answer=same_answer, same_reason=same_reason)
    if not len(chosen):
        layout.notice("No cell is in this field.")
        return
    columns = ("Teacher", "Student", "Agreement of maps")
    form: dict[str, ColumnConfig] = {name: st.column_config.NumberColumn(format="%.2f") for name in columns}
    table = shown.cell_table(cells, chosen, ids, labels)
    if access.images_here(job.data):
        table["Explain"] = [gallery.address(job, cells, int(m)) for m in chosen]
        form["Explain"] = st.column_config.LinkColumn(display_text="Open", help="This film on the Explain page")
    layout.table(table, column_config=form, key="cell_table")


def lesions(figures: AuditFigures) -> None:
    if not figures.lesions:
        layout.notice("Nothing is marked on these films, so nobody can be asked whether they look at it.")
        return
    layout.table(shown.lesion_table(figures), height="content", key="lesions")
    marked = [label for label in dict.fromkeys(row.label for row in figures.lesions) if label]
    with st.expander("One finding"):
        label = st.selectbox("Finding", marked, format_func=display_name, key="audit_lesion")
        layout.table(shown.lesion_table(figures, label), height="content", key="lesions_of")
    outside = ", ".join(
        f"{MEMBER_NAMES[row.member].lower()} {row.own.value:.0%}" for row in figures.outside if row.own.n
    )
    air = figures.outside[0].air
    st.caption(f"Evidence outside the body, of {OVER[figures.counted]}: {outside}; of the film {air:.0%} lies outside.")


def page() -> None:
    run = layout.frame("Audit", LEAD)
    if run is None:
        layout.no_run()
        return
    done = finished(AuditJob, run)
    if not done:
        asked = asked_before(AuditJob, AuditConfig(**asked_about(run)))
        if asked is None or not beside.under_way(asked, "An audit"):
            offer(run)
        return
    job = choose_audit(done)
    figures = job.figures()
    answers(run, job, figures)
    report.offer(job)
    with layout.boundary():
        st.header("Do they look at the same places?", anchor=False)
        agreement(figures)
    with layout.boundary():
        st.header("Same answer, for the same reason?", anchor=False)
        four_fields(job, figures)
    with layout.boundary():
        st.header("Do they look at the lesion?", anchor=False)
        lesions(figures)
    with layout.boundary():
        st.header("Do the maps say what the network uses?", anchor=False)
        faithful.show(figures)


with layout.boundary():
    page()
