import pytest

from cxrkd.runs.choosing import choose_both
from cxrkd.runs.panel import panel_of
from cxrkd.runs.standing import standing


@pytest.fixture(scope="session")
def panel(tiny_run):
    return panel_of(tiny_run, choose_both(tiny_run), "pytorch", threads=1)


@pytest.fixture(scope="session")
def standings(panel, tiny_run):
    return {member: standing(tiny_run, member) for member in panel.engines}
