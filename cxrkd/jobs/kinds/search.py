"""A search of hyper-parameters under the teacher of a run (`cxrkd.runs.searching`)."""

from cxrkd.jobs.job import KINDS, Kind

KINDS.register(
    Kind(
        name="search",
        title="Search",
        sentence="Students under one teacher, with settings that Optuna proposes, judged on validation films alone.",
        source="Akiba et al., KDD 2019 (Optuna)",
        needs=("a finished run",),
        entry_point="cxrkd.runs.searching.job:Search",
        executes="cxrkd.runs.searching.stages:search_run",
        signs=("search.json", "search.db", "trials.json", "best.json"),
    )
)
