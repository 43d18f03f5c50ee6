"""What ships stays in memory, whoever asks for it in whatever order."""

from cxrkd.dashboard.caching import loaded
from cxrkd.jobs.job import SHIPPED
from cxrkd.runs.run import Run
from tests.shipped import RUNS


def test_the_networks_that_ship_are_loaded_once(monkeypatch):
    shipped = [Run(SHIPPED / name) for name in RUNS]
    asked = [(run, member) for run in shipped for member in run.members()]
    loads = []
    monkeypatch.setattr(Run, "load_model", lambda run, member: loads.append(run.weights_path(member)) or object())
    loaded._model.clear()
    try:
        for _ in range(2):
            for run, member in asked:
                loaded.model(run, member)
    finally:
        loaded._model.clear()
    assert len(asked) == 3 * len(RUNS)
    assert len(loads) == len(set(loads)), "a teacher that two runs share is one file"
