"""Where the networks of a run look, over many films (`cxrkd.runs.auditing`)."""

from cxrkd.jobs.job import KINDS, Kind

KINDS.register(
    Kind(
        name="audit",
        title="Audit",
        sentence="Maps of every network of a run on many films: agreement with the teacher beside chance, and lesions.",
        source="cxrkd",
        entry_point="cxrkd.runs.auditing.job:AuditJob",
        executes="cxrkd.runs.auditing.stages:audit_run",
        signs=("audit.json", "maps"),
    )
)
