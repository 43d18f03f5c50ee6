"""A run's networks asked about degraded films (`cxrkd.runs.stressing`)."""

from cxrkd.jobs.job import KINDS, Kind

KINDS.register(
    Kind(
        name="stress",
        title="Stress",
        sentence="The networks of a run asked about its test films under noise, blur, compression and other tones.",
        source="cxrkd",
        entry_point="cxrkd.runs.stressing.job:StressJob",
        executes="cxrkd.runs.stressing.stages:stress_run",
        signs=("stress.json", "logits"),
    )
)
