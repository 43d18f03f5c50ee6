"""A folder whose films are answered as they come (`cxrkd.runs.watching`)."""

from cxrkd.jobs.job import KINDS, Kind

KINDS.register(
    Kind(
        name="watch",
        title="Watch",
        sentence="A folder whose films are answered by teacher and student as they come, until it is stopped.",
        source="cxrkd",
        needs=("a finished run", "a folder"),
        entry_point="cxrkd.runs.watching.job:WatchJob",
        executes="cxrkd.runs.watching.stages:watch",
        signs=("watch.json", "films.db"),
        in_queue=False,
    )
)
