"""The parts of the load test that need no server."""

import base64
import json

import numpy as np
import pytest

from tests.load.figures import Answered, difference, probabilities, summary, values, wrong
from tests.load.films import Films


def spec(**probs):
    traces = [
        {"name": name, "x": x, "y": ["Mass", "Edema"], "hovertemplate": "%{y}: %{x:.1%}"} for name, x in probs.items()
    ]
    return json.dumps({"data": [{"name": "threshold", "x": [0.5, 0.5], "hovertemplate": "other"}, *traces]})


def answered(film, p, shown=None, seconds=1.0):
    return Answered(film, "classify", seconds, (shown or film,), {"Teacher": np.array(p)})


def test_probabilities_are_read_by_label_from_the_chart():
    found = probabilities(spec(Teacher=[0.2, 0.7]))
    assert list(found) == ["Teacher"]
    np.testing.assert_array_equal(found["Teacher"], [0.7, 0.2])


def test_packed_numbers_are_read():
    packed = base64.b64encode(np.array([0.25, 0.5]).tobytes()).decode()
    np.testing.assert_array_equal(values({"dtype": "f8", "bdata": packed}), [0.25, 0.5])
    np.testing.assert_array_equal(values([None, 1]), [np.nan, 1])


@pytest.mark.parametrize(
    ("other", "expected"),
    [([0.5, 0.25], 0.25), ([0.5, np.nan], np.inf), ([0.5], np.inf)],
)
def test_the_difference_of_two_answers(other, expected):
    assert difference({"T": np.array([0.5, 0.5])}, {"T": np.array(other)}) == expected


def test_answers_about_other_things_are_infinitely_different():
    assert difference({"T": np.zeros(2)}, {"S": np.zeros(2)}) == np.inf
    assert difference({}, {}) == np.inf


def test_a_film_that_got_the_answer_of_another_is_found():
    serial = {"a": {"Teacher": np.array([0.1])}, "b": {"Teacher": np.array([0.9])}}
    right, mixed, misnamed = answered("a", [0.1]), answered("b", [0.1]), answered("c", [0.3], shown="d")
    assert wrong([right], serial) == []
    assert wrong([right, mixed, misnamed], serial) == ["b", "c"]


def test_the_summary_of_a_minute():
    found = [answered(f"f{i}", [0.1], seconds=float(i)) for i in range(1, 101)]
    told = summary(found, 50.0, {"f1": {"Teacher": np.array([0.1 + 1e-7])}})
    assert (told["answers"], told["answers_per_s"], told["p50_s"]) == (100, 2.0, 50.5)
    assert told["longest_s"] == 100
    assert told["held_against_serial"] == 1
    assert told["largest_difference"] == pytest.approx(1e-7)
    assert told["wrong_films"] == 0


def test_no_answers_at_all_are_a_summary_too():
    assert summary([], 10.0, {})["answers_per_s"] == 0


def test_no_two_films_are_alike_and_each_can_be_drawn_again():
    films = Films(32, patients=2)
    drawn = [films.of(v, i) for v in range(3) for i in range(3)]
    assert len({film.data for film in drawn}) == len({film.name for film in drawn}) == 9
    assert films.of(1, 2) == drawn[5]
