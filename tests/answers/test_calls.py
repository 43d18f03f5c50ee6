import numpy as np
import pytest

from cxrkd.answers.calls import call_of, ranked

LABELS_4 = ("Effusion", "Mass", "Edema", "Hernia")
NAN = float("nan")


def names(probs, cuts):
    found = ranked(LABELS_4, {m: np.array(p) for m, p in probs.items()}, {m: np.array(c) for m, c in cuts.items()})
    return [(one.label, one.callers) for one in found]


def test_a_probability_on_its_threshold_is_called():
    assert [call_of(prob, 0.3) for prob in (0.31, 0.3, 0.29)] == ["called", "called", "not called"]


def test_what_most_networks_call_comes_first_however_improbable():
    probs = {"teacher": [0.9, 0.3, 0.06, 0.1], "distilled": [0.72, 0.3, 0.05, 0.1]}
    cuts = {"teacher": [0.95, 0.2, 0.05, 0.5], "distilled": [0.7, 0.4, 0.04, 0.5]}
    assert names(probs, cuts) == [("Edema", 2), ("Mass", 1), ("Effusion", 1), ("Hernia", 0)]


def test_of_equally_many_the_one_farthest_above_its_threshold():
    # 0.10 against 0.02 is farther in logits than 0.60 against 0.50.
    assert names({"teacher": [0.6, 0.1, 0.2, 0.3]}, {"teacher": [0.5, 0.02, 0.9, 0.9]})[:2] == [
        ("Mass", 1),
        ("Effusion", 1),
    ]


def test_where_none_is_called_the_most_probable_of_the_first_network():
    probs = {"teacher": [0.2, NAN, 0.4, 0.3], "alone": [0.9, 0.9, 0.1, 0.1]}
    cuts = {"teacher": [NAN, NAN, NAN, 0.5], "alone": [0.95, NAN, NAN, 0.5]}
    assert [label for label, _ in names(probs, cuts)] == ["Edema", "Hernia", "Effusion", "Mass"]
    assert {n for _, n in names(probs, cuts)} == {0}


@pytest.mark.filterwarnings("error")
def test_certain_answers_and_extreme_thresholds_are_ordered_too():
    assert names({"teacher": [1.0, 0.0, 1.0, 0.0]}, {"teacher": [1.0, 0.0, 0.5, 1.0]})[0] == ("Edema", 1)
