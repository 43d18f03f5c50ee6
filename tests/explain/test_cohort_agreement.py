"""Agreement over a cohort: the figures of single films by an oracle, and chance lines that behave as chance."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from cxrkd.evaluate.means import mean_by_patient
from cxrkd.explain.chance import ChanceLine, above_all
from cxrkd.explain.cohort_agreement import LINES, CohortAgreement, cohort_agreement, means_of_others

N, K = 60, 4


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def patients():
    return np.repeat(np.arange(N // 2), 2)


def ask(maps_t, maps_s, rng, **others):
    told = {"noisy_t": maps_t + 0.1 * rng.normal(size=maps_t.shape), "random_s": rng.normal(size=maps_s.shape)}
    return cohort_agreement(maps_t, maps_s, patients(), **(told | others))


def test_every_figure_equals_scipys_pair_by_pair(rng):
    t, s, noisy, random = rng.normal(size=(4, N, K, 5, 5))
    found = ask(t, s, rng, noisy_t=noisy, random_s=random)

    def rho(a, b):
        return spearmanr(a.ravel(), b.ravel()).statistic

    n, k = 7, 2
    others = [i for i in range(N) if patients()[i] != patients()[n]]
    films = [rho(t[n, k], s[i, k]) for i in others]
    assert found.own[n, k] == pytest.approx(rho(t[n, k], s[n, k]))
    assert found.lines["other_film"][n, k] == pytest.approx(np.mean(films))
    assert found.highs["other_film"][n, k] == pytest.approx(np.quantile(films, 0.95, method="higher"))
    assert found.lines["random_student"][n, k] == pytest.approx(np.mean([rho(t[n, k], random[n, j]) for j in range(K)]))
    mean = np.mean([s[i, k] / np.abs(s[i, k]).max() for i in others], axis=0)
    assert found.lines["label_mean"][n, k] == pytest.approx(rho(t[n, k], mean))
    assert found.ceiling[n, k] == pytest.approx(rho(t[n, k], noisy[n, k]))
    crossed = [rho(t[n, k], s[n, j]) for j in range(K) if j != k]
    assert found.other_labels[n, k] == pytest.approx(np.mean(crossed))


def excess(found, line):
    """How far the agreement is above a line, over the cohort."""
    return mean_by_patient(found.own - found.lines[line], patients())


def test_random_maps_are_at_chance_on_every_line(rng):
    found = ask(*rng.normal(size=(2, N, K, 7, 7)), rng)
    for line in LINES:
        assert excess(found, line).low < 0.02
        assert excess(found, line).high > -0.02
    assert np.nanmean(found.above_chance) < 0.06, "each line lets one in twenty through"


def test_a_student_blind_to_the_film_is_not_above_its_own_mean_map(rng):
    """Its maps agree with the teacher's, since both have lungs in them, and know nothing of the film."""
    anatomy = rng.normal(size=(K, 7, 7))
    t = anatomy + 0.5 * rng.normal(size=(N, K, 7, 7))
    found = ask(t, np.broadcast_to(anatomy, t.shape), rng)
    assert found.own.mean() > 0.8
    assert excess(found, "random_student").above_zero
    assert not excess(found, "label_mean").above_zero
    assert not excess(found, "other_film").above_zero
    assert found.above_chance.mean() == 0


def test_a_student_that_looks_where_its_teacher_looks_is_above_every_line(rng):
    anatomy, here = rng.normal(size=(K, 7, 7)), rng.normal(size=(N, K, 7, 7))
    found = ask(anatomy + here, anatomy + here + 0.3 * rng.normal(size=here.shape), rng)
    assert all(excess(found, line).above_zero for line in LINES)
    assert found.above_chance.mean() > 0.8
    assert found.ceiling.mean() > found.own.mean()


def test_the_finer_grid_comes_to_the_coarser(rng):
    coarse = rng.normal(size=(N, K, 4, 4))
    fine = np.kron(coarse, np.ones((2, 2)))
    found = ask(coarse, fine, rng, random_s=rng.normal(size=fine.shape))
    np.testing.assert_allclose(found.own, 1)


def test_blocks_change_nothing(rng, monkeypatch):
    t, s = rng.normal(size=(2, N, K, 5, 5))
    told = {"noisy_t": t, "random_s": s}
    whole = ask(t, s, rng, **told)
    monkeypatch.setattr("cxrkd.explain.cohort_agreement.BLOCK", 7)
    parts = ask(t, s, rng, **told)
    for name in LINES:
        np.testing.assert_allclose(parts.highs[name], whole.highs[name])
        np.testing.assert_allclose(parts.lines[name], whole.lines[name])


def test_flat_maps_are_undefined_and_nothing_else_becomes_so(rng):
    t, s = rng.normal(size=(2, N, K, 5, 5))
    t[3, 1], s[:, 2], s[4, 0] = 0, 0, 7
    found = ask(t, s, rng)
    undefined = np.isnan(found.own)
    assert undefined[[3, 4], [1, 0]].all()
    assert undefined[:, 2].all()
    assert undefined.sum() == N + 2
    assert np.isnan(found.above_chance[undefined]).all()
    assert np.isfinite(found.lines["other_film"][:, 0]).all(), "a flat map on one film is left out of the others'"


def test_a_mean_map_holds_no_film_of_the_patient(rng):
    maps = rng.normal(size=(N, K, 3, 3))
    maps[patients() == 0] = 100
    means = means_of_others(maps, patients())
    assert np.abs(means[:2]).max() < 1
    assert not np.allclose(means[0], means[2])
    np.testing.assert_array_equal(means[0], means[1])


def test_what_ties_with_a_line_up_to_rounding_is_not_above_it():
    """Rank correlations of few cells tie; which of two ends higher in the last bit is the processor's affair."""
    tied, line = np.array([[0.1 + 0.2]]), np.array([[0.3]])
    assert tied > line
    highs = dict.fromkeys(LINES, line)
    assert CohortAgreement(tied, highs, highs, other_labels=line, ceiling=line).above_chance == 0
    assert above_all(float(tied[0, 0]), (ChanceLine("centre", 0.3, 0.3),)) is False
    assert above_all(0.31, (ChanceLine("centre", 0.3, 0.3),)) is True
