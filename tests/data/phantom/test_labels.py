"""Label sets of the phantoms against the real table, read here by other means."""

import csv
import gzip
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr

from cxrkd.data.phantom import labels, n_visits, view_and_labels
from cxrkd.labels import CHESTXRAY14


@pytest.fixture(scope="module")
def real():
    """bool (N, 14) of the table as published, which TorchXRayVision brings along, read with the csv module."""
    (package,) = find_spec("torchxrayvision").submodule_search_locations
    with gzip.open(Path(package, "data", "Data_Entry_2017_v2020.csv.gz"), "rt") as file:
        rows = [(row["Finding Labels"], row["View Position"]) for row in csv.DictReader(file)]
    counts = Counter(name for name, _ in rows)
    sets = np.array([[name in key.split("|") for name in CHESTXRAY14] for key in counts])
    return sets, np.array(list(counts.values())) / sum(counts.values()), rows


@pytest.fixture(scope="module")
def sampled():
    return np.array([view_and_labels(0, p, v)[1] for p in range(3000) for v in range(n_visits(0, p))])


def lift(present, weights):
    """Joint over product of margins, upper triangle."""
    joint = (present * weights[:, None]).T.astype(float) @ present
    margin = np.diag(joint)
    return (joint / np.outer(margin, margin))[np.triu_indices(len(margin), 1)], joint


def test_the_counts_that_ship_are_the_tables(real):
    films, ap = Counter(name for name, _ in real[2]), Counter(name for name, view in real[2] if view == "AP")
    with labels.TABLE.open() as file:
        ours = list(csv.DictReader(line for line in file if not line.startswith("#")))
    assert {row["findings"]: (int(row["images"]), int(row["ap"])) for row in ours} == {
        name: (films[name], ap[name]) for name in films
    }
    assert [row["findings"] for row in ours] == sorted(films), "the order decides what a seed draws"


def test_the_shares_read_are_the_tables(real):
    present, share, rows = real
    ours = labels.label_sets()
    np.testing.assert_allclose(ours.real @ ours.present, share @ present, rtol=1e-9)
    assert abs((share @ present)[CHESTXRAY14.index("Hernia")] - 227 / 112120) < 1e-6
    views = np.array([view == "AP" for name, view in rows if "Edema" in name.split("|")])
    assert ours.ap[CHESTXRAY14.index("Edema")] == pytest.approx(views.mean())
    assert ours.ap_all == pytest.approx(np.mean([view == "AP" for _, view in rows]))


def test_tempered_margins_follow_the_formula(real):
    present, share, _ = real
    ours = labels.label_sets()
    prevalence = share @ present
    expected = labels.FLOOR * (prevalence / prevalence.min()) ** labels.TEMPER
    np.testing.assert_allclose(ours.tempered @ ours.present, expected, rtol=1e-6)
    assert ours.tempered[~ours.present.any(1)].sum() == pytest.approx(labels.NO_FINDING, rel=1e-6)
    assert expected.min() >= 0.04
    assert spearmanr(prevalence, expected).statistic == pytest.approx(1)


def test_tempering_is_log_linear_in_the_labels():
    # The minimum-entropy solution: log(w / n) of every non-empty set is a sum of one number per label.
    ours = labels.label_sets()
    some = ours.present.any(1)
    design = np.c_[ours.present[some], np.ones(some.sum())].astype(float)
    log_ratio = np.log(ours.tempered[some] / ours.real[some])
    fitted = design @ np.linalg.lstsq(design, log_ratio, rcond=None)[0]
    np.testing.assert_allclose(fitted, log_ratio, atol=1e-8)


def test_sampled_prevalence(sampled):
    ours = labels.label_sets()
    np.testing.assert_allclose(sampled.mean(0), ours.tempered @ ours.present, atol=0.015)
    assert 0.35 < (~sampled.any(1)).mean() < 0.45
    assert sampled.mean(0).min() > 0.035


def test_sampled_co_occurrence_ranks_like_the_real_table(real, sampled):
    real_lift, joint = lift(*real[:2])
    our_lift, _ = lift(sampled, np.full(len(sampled), 1 / len(sampled)))
    common = joint[np.triu_indices(14, 1)] * 112120 > 150  # rarer pairs have no stable rank in 6,000 images
    assert common.sum() > 40
    assert spearmanr(real_lift[common], our_lift[common]).statistic > 0.75


def test_later_visits_have_the_same_prevalence():
    third = np.array([view_and_labels(1, p, 2)[1] for p in range(2500)])
    ours = labels.label_sets()
    np.testing.assert_allclose(third.mean(0), ours.tempered @ ours.present, atol=0.02)


def test_chronic_findings_persist():
    chronic = [CHESTXRAY14.index(name) for name in labels.CHRONIC]
    for patient in range(200):
        first, later = (view_and_labels(0, patient, visit)[1] for visit in (0, 3))
        np.testing.assert_array_equal(first[chronic], later[chronic])


def test_acute_findings_come_and_go():
    acute = CHESTXRAY14.index("Infiltration")
    states = np.array([[view_and_labels(0, p, v)[1][acute] for v in (0, 3)] for p in range(600)])
    assert (states[:, 0] & ~states[:, 1]).any()
    assert (~states[:, 0] & states[:, 1]).any()
    assert np.corrcoef(states.T.astype(float))[0, 1] > 0.05  # but not independent
