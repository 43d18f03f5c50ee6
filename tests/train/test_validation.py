import math

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from cxrkd.train.validation import macro_auroc


def test_agrees_with_sklearn_with_unknown_cells_and_one_class_labels():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 20, (80, 4)).astype(np.float32)  # far out, where float32 sigmoids tie
    targets = (rng.random((80, 4)) < 0.4).astype(np.float32)
    targets[:, 2] = 0
    targets[rng.random((80, 4)) < 0.2] = np.nan
    scores = []
    for k in (0, 1, 3):
        known = ~np.isnan(targets[:, k])
        scores.append(roc_auc_score(targets[known, k], logits[known, k]))
    found = macro_auroc(torch.from_numpy(logits), torch.from_numpy(targets))
    assert found == pytest.approx(np.mean(scores), abs=1e-6)


def test_undefined_without_positives():
    assert math.isnan(macro_auroc(torch.randn(5, 2), torch.zeros(5, 2)))
