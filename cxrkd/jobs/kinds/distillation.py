"""A run: teacher, student alone, student distilled (`cxrkd.runs`)."""

from cxrkd.jobs.job import DISTILLATION, KINDS, Kind

KINDS.register(
    Kind(
        name=DISTILLATION,
        title="Distillation",
        sentence="A teacher, a student alone and a distilled student, trained and measured.",
        source="Termritthikun et al., IEEE/ACM TCBB 2023, arXiv 2305.06244",
        entry_point="cxrkd.runs.run:Run",
        executes="cxrkd.runs.stages:distil",
        signs=("config.json", "labels.json", "metrics.json", "models", "predictions"),
    )
)
