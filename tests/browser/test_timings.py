"""The script that measures how long a visitor waits: figures of what happened, in order, and a table that adds up."""

import pytest

from tests.browser import timings
from tests.browser.timings import Took

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]


def test_a_fresh_server_is_measured_from_its_start(browser):
    taken = timings.measure(browser, timings.ROOT, ["classify"])
    assert set(taken) == {"upload to answer", "server's start to answer"}
    assert 0 < taken["upload to answer"].wall < taken["server's start to answer"].wall
    assert all(one.cpu > 0 for one in taken.values())


def test_the_table_holds_medians_and_how_many_times_faster():
    rounds = [[{"step": Took(wall, 1.0)}, {"step": Took(2.0, 0.5)}] for wall in (4.0, 9.0, 5.0)]
    head, row = timings.table(rounds, ["old", "new"]).splitlines()
    assert head.split()[-3:] == ["old", "new", "ratio"]
    assert row.split() == ["step", "5.00", "(1.0)", "2.00", "(0.5)", "2.5x"]
