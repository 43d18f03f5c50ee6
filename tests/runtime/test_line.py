"""Who is next, without threads."""

from cxrkd.runtime.line import Line, Piece


def piece(visitor, key="net", work=None):
    return Piece(visitor, key, work)


def line_of(*pieces, in_turns=True):
    line = Line(in_turns=in_turns)
    for one in pieces:
        line.add(one)
    return line


def served(line, most=1):
    found = []
    while taken := line.take(most):
        found.append([one.visitor for one in taken])
    return found


def test_who_brings_many_films_holds_up_nobody():
    line = line_of(*(piece("many") for _ in range(32)), *(piece(f"v{i}") for i in range(15)))
    order = [visitor for (visitor,) in served(line)]
    assert order[:16] == ["many", *(f"v{i}" for i in range(15))]
    assert order[16:] == ["many"] * 31


def test_one_visitor_after_the_other_where_turns_would_end_late_for_all():
    line = line_of(*(piece(v, None) for v in "aabb"), in_turns=False)
    line.add(piece("a", None))
    assert [v for (v,) in served(line)] == ["a", "a", "a", "b", "b"]


def test_films_of_several_visitors_for_one_network_go_together():
    line = line_of(piece("a", "teacher"), piece("a", "student"), piece("b", "student"), piece("b", "teacher"))
    first, second = line.take(4), line.take(4)
    assert [(one.visitor, one.key) for one in first] == [("a", "teacher"), ("b", "teacher")]
    assert [(one.visitor, one.key) for one in second] == [("a", "student"), ("b", "student")]


def test_a_batch_takes_one_of_each_visitor_before_a_second_of_any():
    line = line_of(*(piece("many") for _ in range(8)), piece("b"), piece("c"))
    assert [one.visitor for one in line.take(4)] == ["many", "b", "c", "many"]
    assert line.visitors == ["many"]


def test_a_batch_is_no_larger_than_it_may_be():
    line = line_of(*(piece(f"v{i}") for i in range(10)))
    assert [len(taken) for taken in served(line, 4)] == [4, 4, 2]


def test_pieces_without_a_key_go_alone():
    assert served(line_of(piece("a", None), piece("b", None)), most=4) == [["a"], ["b"]]


def test_each_knows_how_many_come_first():
    line = line_of(piece("a"), piece("b"), piece("b"), piece("c"))
    assert [line.before(v) for v in "abcd"] == [0, 1, 2, None]
    line.take(1)
    assert [line.before(v) for v in "abc"] == [None, 0, 1]


def test_what_is_removed_is_not_served():
    gone, stays = piece("a"), piece("a")
    line = line_of(gone, stays, piece("b"))
    assert line.remove(gone)
    assert not line.remove(gone)
    assert line.take(1) == [stays]
    assert len(line) == 1


def test_who_has_nothing_left_does_not_wait():
    one = piece("a")
    line = line_of(one, piece("b"))
    line.remove(one)
    assert line.visitors == ["b"]
    assert [p.visitor for p in line.clear()] == ["b"]
    assert not line
    assert line.take(4) == []
