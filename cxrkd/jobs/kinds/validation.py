"""A run measured on films of another data set (`cxrkd.runs.validating`)."""

from cxrkd.jobs.job import KINDS, Kind

KINDS.register(
    Kind(
        name="validation",
        title="External validation",
        sentence="A finished run measured on films of another data set, or on its own test films with other labels.",
        source="cxrkd",
        needs=("a finished run", "films with labels"),
        entry_point="cxrkd.runs.validating.validation:Validation",
        executes="cxrkd.runs.validating.stages:validate",
        signs=("facts.json",),
    )
)
