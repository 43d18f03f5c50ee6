"""A grid of teachers, students and objectives (`cxrkd.studies`)."""

from cxrkd.jobs.job import KINDS, Kind

KINDS.register(
    Kind(
        name="study",
        title="Study",
        sentence="A grid of teachers, students and objectives over one data set: each cell a run, all in one table.",
        source="cxrkd",
        entry_point="cxrkd.studies.study:Study",
        executes="cxrkd.studies.stages:do_study",
        signs=("study.json", "cells.json"),
    )
)
