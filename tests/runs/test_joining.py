"""Which of several teachers is believed about what."""

import numpy as np
import pytest
import torch
from scipy.special import softmax
from sklearn.metrics import roc_auc_score

from cxrkd.jobs.execute import execute
from cxrkd.models.weights import load_weights
from cxrkd.runs import create, stages
from cxrkd.runs.joining import believed, joined
from cxrkd.train.predict import predict_logits
from tests.toys import blobs, make_toy


def cases():
    rng = np.random.default_rng(0)
    targets = (rng.random((200, 3)) < 0.3).astype(float)
    targets[:20, 1] = np.nan
    skill = np.array([[2.0, 0.5, 1.0], [0.5, 2.0, 1.0]])[:, None]
    return skill * np.nan_to_num(targets) + rng.normal(size=(2, 200, 3)), targets


@pytest.mark.parametrize("trust", [1.0, 20.0])
def test_shares_are_the_softmax_of_trust_times_scikit_learns_auroc(trust):
    logits, targets = cases()
    known = ~np.isnan(targets)
    each = [[roc_auc_score(targets[known[:, k], k], z[known[:, k], k]) for k in range(3)] for z in logits]
    shares = believed(logits, targets, trust)
    np.testing.assert_allclose(shares, softmax(trust * np.array(each), axis=0), rtol=1e-12)
    np.testing.assert_allclose(shares.sum(0), 1)


def test_all_count_alike_where_nobody_can_be_judged():
    logits, targets = cases()
    targets[:, 0], logits[1, :, 2] = 0.0, np.nan
    targets[:4, 0] = 1.0
    shares = believed(logits, targets, 20.0)
    np.testing.assert_allclose(shares[:, [0, 2]], 0.5)
    assert shares[1, 1] > 0.9


def test_without_trust_nobody_is_asked_and_one_alone_is_itself(monkeypatch):
    monkeypatch.setattr("cxrkd.runs.joining.predict_logits", None)
    parts = [make_toy(seed).eval() for seed in (0, 1)]
    assert joined(parts, blobs(), 0.0).backbone.shares is None
    assert joined(parts[:1], blobs(), 20.0) is parts[0]


def test_a_run_joins_its_teachers_by_how_good_they_are(config, blob_data, monkeypatch):
    kept = {}
    weigh = stages.joined

    def spy(parts, rows, trust):
        kept["parts"], kept["rows"] = [predict_logits(part, rows.images[rows.rows("val")]) for part in parts], rows
        return weigh(parts, rows, trust)

    monkeypatch.setattr(stages, "joined", spy)
    run = create(config(teacher_arch="toy+toy", teacher_trust=20.0, control=False))
    execute(run)
    rows = kept["rows"]
    expected = believed(np.stack(kept["parts"]), rows.targets[rows.rows("val")], 20.0)
    shares = load_weights(run.weights_path("teacher")).backbone.shares.view(2, -1)
    torch.testing.assert_close(shares, torch.from_numpy(expected).float())
    told = np.einsum("mk,mnk->nk", expected, np.stack(kept["parts"]))
    np.testing.assert_allclose(run.predictions("teacher", "val").logits[0], told, atol=1e-3)
