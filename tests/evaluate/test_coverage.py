import numpy as np
import pytest
from scipy.stats import binom

from tests.evaluate.coverage import FIGURES, cohort, hits, ours, truth

HARD = [(15, (0.75, 0.75)), (15, (0.95, 0.95)), (18, (0.95, 0.95)), (15, (0.88, 0.85))]


def test_simulated_scores_have_the_auroc_they_claim():
    """Mean over cohorts of the plain AUROC, without intervals."""
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(0)
    drawn = [cohort(rng, 30, (0.85, 0.75), 3) for _ in range(10)]
    means = np.mean([[[roc_auc_score(t, z) for z in model] for model in logits] for logits, t, _ in drawn], axis=(0, 2))
    assert means == pytest.approx([truth(0.85, 3), truth(0.75, 3)], abs=0.015)
    assert all(len(np.unique(who[t[:, k] == 1])) == 30 for _, t, who in drawn for k in range(5))


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [1, 3])
def test_intervals_hold_the_truth_from_15_positive_patients_on(seeds):
    """At least .93 of them at nominal .95: fewer hits than one in a thousand such experiments would give fail."""
    found = [hits(80, n_positive, aurocs, seeds) for n_positive, aurocs in HARD]
    for name, parts in zip(FIGURES, zip(*found, strict=True), strict=True):
        held = np.concatenate(parts)
        print(f"{name}, {seeds} seeds: {held.mean():.3f} of {len(held)}")
        assert held.sum() >= binom.ppf(1e-3, len(held), 0.93), name
    assert np.mean(np.concatenate([part for parts in found for part in parts])) < 0.985, "so wide that it says nothing"


@pytest.mark.slow
def test_images_taken_for_patients_would_not_do():
    def by_image(logits, targets, who):
        return ours(logits, targets, np.arange(len(who)))

    right, wrong = (np.mean(hits(60, 60, (0.75, 0.75), 1, method)[0]) for method in (ours, by_image))
    assert wrong < 0.92 < right
