"""What a sample is said to show: findings, no finding, or nothing that is known."""

from types import SimpleNamespace

import numpy as np
import pytest

from cxrkd.dashboard import sources
from cxrkd.data.cohort import Cohort

NAN = np.nan


def table_of(targets):
    """As much of a cohort's table as the titles of samples need."""
    targets = np.array(targets, np.float32)
    names = [f"Patient {n}" for n in range(len(targets))]
    labels = ("Mass", "Pleural_Thickening")
    about = SimpleNamespace(labels=labels, targets=targets, titles=names, views=["PA"] * len(targets))
    about.positive = Cohort.positive.func(about)
    about.no_finding = Cohort.no_finding.func(about)
    about.rows = lambda split: np.arange(len(targets))
    return about


@pytest.mark.parametrize(
    ("targets", "truth", "said"),
    [
        ((1, 1), ("Mass", "Pleural_Thickening"), "Mass, Pleural thickening"),
        ((1, NAN), ("Mass",), "Mass"),
        ((0, 0), (), "no finding"),
        ((0, NAN), None, "findings not known"),
        ((NAN, NAN), None, "findings not known"),
    ],
)
def test_no_finding_is_said_only_where_every_label_is_known(targets, truth, said):
    table = table_of([targets])
    assert sources.present_in(table, 0) == truth
    assert sources.sample_title(table, 0) == f"Patient 0, PA: {said}"


def test_samples_without_a_finding_are_known_to_have_none():
    table = table_of([(0, 0), (0, NAN), (NAN, NAN), (1, 0)])
    assert sources.sample_rows(table, sources.NONE) == [0]
    assert sources.sample_rows(table, sources.ANY) == [3]


def test_only_what_a_test_film_shows_can_be_asked_for():
    assert sources.sample_findings(table_of([(0, 0), (1, 0)])) == [sources.ANY, sources.NONE, "Mass"]
    assert sources.sample_findings(table_of([(0, NAN), (1, 1)])) == [sources.ANY, "Mass", "Pleural_Thickening"]
