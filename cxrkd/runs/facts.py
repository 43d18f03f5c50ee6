"""What the losses of a run know beside their batches, from what the run has and keeps."""

from __future__ import annotations

from cxrkd.config import Member
from cxrkd.data.cohort import Cohort
from cxrkd.distill.facts import Facts
from cxrkd.evaluate.temperatures import fitted_temperatures
from cxrkd.runs.run import Run


def facts_of(run: Run, cohort: Cohort, member: Member) -> Facts:
    """How common labels are; for who learns from the teacher also at which temperatures that one is calibrated.

    Temperatures follow from the answers on validation that the run keeps, so that they are the same on every resume.

    Raises:
        RunError: a teacher is learned from whose kept answers are missing or damaged.
    """
    facts = Facts.of(cohort.targets[cohort.rows("train")])
    if member != "distilled":
        return facts
    kept = run.predictions("teacher", "val")
    fitted = fitted_temperatures(kept.logits[0], kept.targets)
    return facts.model_copy(update={"temperatures": tuple(fitted.tolist())})
