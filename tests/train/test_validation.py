import math

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from cxrkd.train.validation import FEW, macro_auroc


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


def test_labels_with_few_positives_count_only_where_there_are_no_others():
    targets = torch.zeros(40, 2)
    targets[:20, 0], targets[:4, 1] = 1, 1
    logits = torch.stack([targets[:, 0], -targets[:, 1]], 1)  # the common label is known, the rare one is reversed
    assert macro_auroc(logits, targets) == 1
    assert macro_auroc(logits[:, 1:], targets[:, 1:]) == 0


def test_five_positives_are_enough_to_count():
    targets = torch.zeros(40, 2)
    targets[:20, 0], targets[:FEW, 1] = 1, 1
    logits = torch.stack([targets[:, 0], -targets[:, 1]], 1)
    assert macro_auroc(logits, targets) == 0.5


def test_undefined_without_positives():
    assert math.isnan(macro_auroc(torch.randn(5, 2), torch.zeros(5, 2)))
