"""A run's networks asked about degraded films (`cxrkd.runs.stressing`)."""

from cxrkd.jobs.job import KINDS, Kind

KINDS.register(
    Kind(
        name="stress",
        title="Stress",
        sentence="The networks of a run asked about its test films under noise, blur, compression and other tones.",
        source="this program",
        entry_point="cxrkd.runs.stress_job:StressJob",
        executes="cxrkd.runs.stressing:stress_run",
        signs=("stress.json", "logits"),
    )
)
