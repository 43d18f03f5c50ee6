"""Readers beside networks: points, the reference they may be part of, and what a network reaches.

Oracles: scikit-learn's roc_curve with numpy.interp, counts by hand.
"""

import json
from itertools import combinations

import numpy as np
import pytest
from sklearn.metrics import recall_score, roc_curve

from cxrkd.errors import DataError
from cxrkd.evaluate.majority import reference_readers
from cxrkd.evaluate.reach import sensitivity_at
from cxrkd.evaluate.readers import ABOVE, BELOW, WITHIN_CHANCE, ReaderStudy, reader_study
from cxrkd.evaluate.wording import reach_sentence, reference_sentence

LABELS = ("a", "b")


def cohort(n=300, seed=0, ties=False):
    """Truth, patients, three networks as seeds, and five readers who know the truth up to noise."""
    rng = np.random.default_rng(seed)
    targets = (rng.random((n, 2)) < [0.3, 0.4]).astype(float)
    logits = rng.normal(size=(3, n, 2)) + 1.3 * targets
    if ties:
        logits = np.round(logits)
    calls = (rng.normal(size=(5, n, 2)) + 1.6 * targets > 1).astype(float)
    return targets, rng.integers(0, n // 2, n).astype(str), logits, calls


def by_oracle(scores, positive, called):
    """Height of scikit-learn's curve above the reader's false positive rate."""
    fpr, tpr, _ = roc_curve(positive, scores, drop_intermediate=False)
    return np.interp(called[~positive].mean(), fpr, tpr)


def study(targets, patients, calls, members, **options):
    names = [f"reader{n + 1}" for n in range(len(calls))]
    return reader_study(names, calls, targets, patients, LABELS, members, **options)


@pytest.mark.parametrize("ties", [False, True])
def test_points_and_reach_are_those_of_scikit_learn(ties):
    targets, patients, logits, calls = cohort(ties=ties)
    calls[0, ::3] = np.nan
    targets[::7, 1] = np.nan
    found = study(targets, patients, calls, {"distilled": logits})
    assert [(p.label, p.reader) for p in found.points[:6:5]] == [("a", "reader1"), ("b", "reader1")]
    for point, row in zip(found.points, found.members[0].rows, strict=True):
        k, r = LABELS.index(point.label), int(point.reader[-1]) - 1
        here = ~np.isnan(targets[:, k]) & ~np.isnan(calls[r, :, k])
        positive, called = targets[here, k] == 1, calls[r, here, k] == 1
        assert (point.n, point.n_pos) == (here.sum(), positive.sum())
        assert point.sensitivity == pytest.approx(recall_score(positive, called))
        assert point.specificity == pytest.approx(recall_score(~positive, ~called))
        assert point.sensitivity_low < point.sensitivity < point.sensitivity_high
        each = [by_oracle(one[here, k], positive, called) for one in logits]
        assert row.sensitivity == pytest.approx(np.mean(each))
        assert row.diff == pytest.approx(np.mean(each) - point.sensitivity)
        assert row.low < row.diff < row.high
        assert (row.reader, row.label, row.counted) == (point.reader, point.label, True)


def test_weights_are_films_that_come_several_times():
    targets, _, logits, calls = cohort(80, ties=True)
    times = np.random.default_rng(1).integers(0, 3, (20, 80))
    found = sensitivity_at(logits[0, :, 0], targets[:, 0] == 1, calls[0, :, 0] == 1, times)
    for value, held in zip(found, times, strict=True):
        rows = np.repeat(np.arange(80), held)
        expected = by_oracle(logits[0, rows, 0], targets[rows, 0] == 1, calls[0, rows, 0] == 1)
        assert value == pytest.approx(expected)


def one(scores, positive, called):
    found = sensitivity_at(
        np.array(scores, float), np.array(positive, bool), np.array(called, bool), np.ones((1, len(scores)))
    )
    return float(found[0])


@pytest.mark.parametrize(
    ("scores", "positive", "called", "expected"),
    [
        ([4, 3, 2, 1], [1, 1, 0, 0], [0, 0, 0, 0], 1.0),  # a reader who called nothing: the upper end of the rise
        ([4, 3, 2, 1], [1, 0, 1, 0], [1, 0, 0, 0], 0.5),  # specificity 1: what stands above the highest negative
        ([4, 3, 2, 1], [0, 1, 0, 1], [1, 0, 0, 0], 0.5),  # one of two negatives called
        ([4, 3, 2, 1], [0, 1, 0, 1], [1, 1, 1, 1], 1.0),  # everything called
        ([1, 1, 1, 1], [1, 0, 1, 0], [1, 1, 0, 0], 0.5),  # all tied: half of the diagonal
        ([2, 2, 2, 1], [1, 0, 0, 1], [0, 1, 0, 0], 0.25),  # half of a tie of one positive and two negatives
    ],
)
def test_by_hand(scores, positive, called, expected):
    assert one(scores, positive, called) == expected


def test_a_set_without_a_class_has_no_height():
    assert np.isnan([one([1, 2], [0, 0], [0, 1]), one([1, 2], [1, 1], [0, 1])]).all()


def test_the_readers_of_a_majority_are_known_and_not_counted():
    targets, patients, logits, calls = cohort()
    targets = (calls[[1, 2, 4]].sum(axis=0) > 1.5).astype(float)
    targets[5, 0] = np.nan
    assert reference_readers(calls, targets) == (1, 2, 4)
    found = study(targets, patients, calls, {"teacher": logits[0]})
    assert found.in_reference == (False, True, True, False, True)
    assert found.members[0].of == 4
    assert {row.reader for row in found.members[0].rows if row.counted} == {"reader1", "reader4"}
    inside = [row for row in found.members[0].rows if row.in_reference]
    assert np.isfinite([row.diff for row in inside]).all()
    assert reference_sentence(found).startswith("The reference is the majority of reader2, reader3, reader5:")


def test_a_majority_mended_by_hand_is_known_and_another_truth_is_not():
    targets, patients, logits, calls = cohort(2000)
    majority = (calls[:3].sum(axis=0) > 1.5).astype(float)
    majority[0, 0] = 1 - majority[0, 0]
    assert reference_readers(calls, majority) == (0, 1, 2)
    assert reference_readers(calls, targets) == ()
    assert reference_readers(calls[:, :3], majority[:3]) == ()  # too few films to know
    everyone = (calls.sum(axis=0) > 2.5).astype(float)
    assert reference_readers(calls, everyone) == (0, 1, 2, 3, 4)
    assert "every reader is independent" in reference_sentence(study(targets, patients, calls, {"teacher": logits}))


def test_no_smaller_set_of_these_readers_agrees_by_chance():
    targets, _, _, calls = cohort()
    for trio in combinations(range(5), 3):
        assert ((calls[list(trio)].sum(0) > 1.5) == targets).mean() < 0.99


def test_too_few_cases_untaught_labels_and_readers_who_did_not_read():
    targets, patients, logits, calls = cohort()
    targets[:, 1] = 0
    calls[2] = np.nan
    logits = logits.copy()
    found = study(targets, patients, calls, {"alone": logits})
    assert all(np.isnan(p.sensitivity) and not p.evaluable for p in found.points if p.label == "b")
    assert (found.members[0].at("a"), found.members[0].at("b")[1]) == ((found.members[0].reached, 4), 0)
    assert [p.reader for p in found.at("a")] == ["reader1", "reader2", "reader4", "reader5"]
    logits[:, :, 0] = np.nan
    nothing = study(targets, patients, calls, {"alone": logits}).members[0]
    assert (nothing.reached, nothing.of) == (0, 0)
    assert "enough cases" in reach_sentence(nothing)


def test_words_follow_the_interval():
    """Networks far above, equal to, and far below a reader; an equal one is the reader."""
    targets, patients, _, calls = cohort(400)
    noise = np.random.default_rng(3).normal(size=targets.shape)
    members = {"teacher": noise + 4 * targets, "alone": calls[0], "distilled": noise}
    found = study(targets, patients, calls[:1], members)
    words = {reach.member: {row.word for row in reach.rows} for reach in found.members}
    assert words == {"teacher": {ABOVE}, "alone": {WITHIN_CHANCE}, "distilled": {BELOW}}
    assert {reach.member: reach.reached for reach in found.members} == {"teacher": 2, "alone": 2, "distilled": 0}
    assert [row.diff for row in found.members[1].rows] == [0, 0]
    assert reach_sentence(found.members[0]) == (
        "Reaches 2 of 2 points of independent readers; by the interval of each difference: "
        "2 above, 0 within chance, 0 below."
    )


def test_trainings_that_scatter_widen_the_interval():
    targets, patients, logits, calls = cohort()
    apart = logits.copy()
    apart[0] += 2 * targets
    apart[1] -= 1.3 * targets
    near, far = (study(targets, patients, calls[:1], {"alone": z}).members[0].rows[0] for z in (logits, apart))
    assert far.high - far.low > 1.5 * (near.high - near.low)


def test_a_finding_of_too_few_patients_has_no_figures_whatever_the_films():
    targets, _, logits, calls = cohort()
    patients = np.where(targets[:, 0] == 1, "one", np.arange(len(targets)).astype(str))
    assert not any(p.evaluable for p in study(targets, patients, calls, {"alone": logits}).points if p.label == "a")


def test_a_study_survives_json():
    targets, patients, logits, calls = cohort(120)
    targets[:, 1] = np.nan
    found = study(targets, patients, calls, {"teacher": logits[0], "alone": logits})
    back = ReaderStudy.from_dict(json.loads(json.dumps(found.to_dict(), allow_nan=False)))
    assert back.to_dict() == found.to_dict()
    assert back.members[1].rows[0] == found.members[1].rows[0]


@pytest.mark.parametrize(("calls", "sentence"), [(np.zeros((2, 4, 2)), "shape"), (np.full((5, 300, 2), 2.0), "calls")])
def test_what_does_not_fit_is_refused(calls, sentence):
    targets, patients, logits, _ = cohort()
    with pytest.raises(DataError, match=sentence):
        reader_study(["r"] * 5, calls, targets, patients, LABELS, {"teacher": logits})


@pytest.mark.slow
def test_intervals_hold_the_truth_about_as_often_as_they_say():
    """A reader and a network of one skill, at a finding that both nearly always find, 15 positive patients."""
    rng, held, n_draws = np.random.default_rng(0), 0, 120
    for _ in range(n_draws):
        positive = np.arange(160) < 15
        both = rng.normal(size=160)
        network, reader = (0.6 * both + 0.8 * rng.normal(size=160) + 1.2 * positive for _ in range(2))
        calls = np.stack([reader > 0.2] * 2, axis=-1)[None]
        targets = np.stack([positive] * 2, axis=-1).astype(float)
        rows = reader_study(["r"], calls, targets, np.arange(160), LABELS, {"m": np.stack([network] * 2, -1)})
        held += rows.members[0].rows[0].low <= 0 <= rows.members[0].rows[0].high
    assert 0.93 <= held / n_draws <= 1
