import json

import pytest

from cxrkd.bench.section import Goal, compare
from cxrkd.bench.timing import Timing

OURS, THEIRS = Timing((2.0, 4.0), 3.0, 10), Timing((60.0, 100.0), 90.0, 2)


def test_a_speed_is_theirs_over_ours():
    found = compare("x", ("our way", OURS), ("their way", THEIRS), goal=Goal(30))
    assert (found.ratio, found.ratio_low, found.ratio_high) == (30.0, 25.0, 30.0)
    assert found.met is True
    assert "30.00x (25.00 to 30.00 over 2 rounds), goal >= 30x met" in found.headline()


def test_a_cost_is_ours_over_theirs_and_must_stay_below():
    goal = Goal(1.1, at_least=False)
    dear = compare("x", ("ours", Timing((1.2,), 1.2, 1)), ("theirs", Timing((1.0,), 1.0, 1)), goal=goal)
    cheap = compare("x", ("ours", Timing((1.1,), 1.1, 1)), ("theirs", Timing((1.0,), 1.0, 1)), goal=goal)
    assert (dear.ratio, dear.met) == (pytest.approx(1.2), False)
    assert cheap.met is True
    assert "NOT met" in dear.headline()
    assert "<= 1.1x" in dear.headline()


def test_without_a_goal_nothing_is_claimed():
    found = compare("x", ("ours", OURS), ("theirs", THEIRS))
    assert found.met is None
    assert "goal" not in found.headline()


def test_a_section_is_json_and_lines():
    detail = {"a": {"b": {"ms": 1.5, "agrees": True}}, "c": 2, "none": {}}
    found = compare("x", ("ours", OURS), ("theirs", THEIRS), goal=Goal(5), detail=detail, remark="Why.")
    document = json.loads(json.dumps(found.to_dict()))
    assert (document["goal"], document["met"], document["ours_ms"], document["detail"]) == (">= 5x", True, 3.0, detail)
    lines = found.lines()
    assert [line.strip() for line in lines[4:-1]] == ["a b: ms 1.5, agrees True", "c: 2"]
    assert lines[-1].strip() == "Why."
