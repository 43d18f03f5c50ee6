import numpy as np
import pytest
from scipy.stats import binomtest

from cxrkd.gating import measuring, phantoms, ranking, rows
from cxrkd.gating.measuring import Judged


def judged(group, kind, score, unit, said=None):
    return Judged(group, kind, unit, score >= 0.5, said or ("chest" if score >= 0.5 else kind), score)


def test_rows_count_flags_and_right_reasons_by_hand():
    found = rows(
        [judged("real film, as it is", "chest", score, f"p{k}") for k, score in enumerate((0.9, 0.8, 0.4, 0.7))]
        + [judged("photo", "photo", 0.1, "a"), judged("photo", "photo", 0.2, "a", said="limb")]
        + [judged("photo", "photo", 0.8, "b")]
    )
    films, photos = found
    assert (films.right, films.n, films.units, films.flagged, films.right_reason) == (True, 4, 4, 0.25, None)
    assert (photos.right, photos.n, photos.units) == (False, 3, 2)
    assert photos.flagged == pytest.approx(2 / 3)
    assert photos.right_reason == pytest.approx(1 / 3)
    assert (photos.low, photos.high) == (0, 1)  # two scenes: one flagged whole, one passed whole


def test_few_units_that_agree_prove_little():
    (found,) = rows([judged("limb", "limb", 0.1, f"l{k}") for k in range(6)])
    low = binomtest(6, 6).proportion_ci(0.95, "exact").low
    assert (found.flagged, found.high) == (1, 1)
    assert found.low == pytest.approx(low)
    (none,) = rows([judged("film", "chest", 0.9, f"p{k}") for k in range(308)])
    assert none.high == pytest.approx(binomtest(0, 308).proportion_ci(0.95, "exact").high)


def test_the_ranking_leaves_out_phantoms_and_altered_films():
    one = [judged("real film, as it is", "chest", 0.9, "p1"), judged("real film, as it is", "chest", 0.3, "p2")]
    bad = [judged("limb, drawn", "limb", 0.1, "l1"), judged("limb, drawn", "limb", 0.6, "l2")]
    auroc, low, high = ranking(one + bad + [judged("phantom film, as it is", "chest", 0.0, "x")] * 5)
    assert auroc == 0.75  # of four pairs one is the wrong way round, though many draws hold one side only
    assert low <= auroc <= high


def test_every_kind_of_case_is_there_and_no_patient_of_the_fit(monkeypatch):
    pytest.importorskip("data_store", reason="needs pydicom-data")
    from cxrkd.gating import fitting

    for name in ("PER_PHOTO", "PER_SLICE", "PER_DOCUMENT", "PER_PROGRAM"):
        monkeypatch.setattr(measuring, name, 1)
    assert measuring.PHANTOM_SEED != fitting.PHANTOM_SEED
    films = phantoms(4, measuring.PHANTOM_SEED)
    found = list(measuring.cases([], films))
    kinds = {case.kind for case in found}
    assert kinds >= {"chest", "inverted", "clockwise", "upside down", "anticlockwise", "detail", "limb", "slice"}
    assert kinds >= {"photo", "document", "pattern", "blank", "colour"}
    assert all(np.isfinite(case.pixels).all() for case in found)
    assert {case.unit for case in found if case.group == "phantom film, mirrored"} == {film.patient for film in films}
