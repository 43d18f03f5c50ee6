"""An audit as a file to keep."""

from __future__ import annotations

from functools import partial

from cxrkd.access.confine import confined
from cxrkd.dashboard import access, reports
from cxrkd.runs.auditing.job import AuditJob

HELP = (
    "One page that opens anywhere, also offline, and prints well: verdicts, tables, cells worth a look, hashes, "
    "versions. Films that nobody has published are numbered in it: names of files may be names of patients."
)


def offer(job: AuditJob) -> None:
    """Buttons that write the report, when they are pressed."""
    write = partial(_text, job, access.images_here(job.data))
    reports.offer(write, f"cxrkd-{job.id}", key="audit_report", note=HELP)


def _text(job: AuditJob, here: bool, ending: str) -> str:
    from cxrkd.report.audit import audit_report  # templates, charts and colours, which only a report needs
    from cxrkd.runs.auditing.at_hand import FilmsAtHand

    with confined():
        return audit_report(job, at_hand=FilmsAtHand(job, lambda data: here)).text(ending)
