"""ROAD against pytorch-grad-cam's."""

import numpy as np
import pytest
import torch

from cxrkd.explain.explainer import Network
from cxrkd.explain.faithful import faithfulness, figure_of
from cxrkd.explain.removal import pixels_of
from cxrkd.explain.road import NOISE, impute, imputed
from cxrkd.explain.steps import in_turn

road = pytest.importorskip("pytorch_grad_cam.metrics.road")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("cells", [4, 40])
def test_imputation_is_that_of_the_authors(share, cells):
    """In blocks of pixels and in single ones, along the edge, too."""
    drawn = np.random.default_rng(0)
    film = drawn.random((40, 40)).astype(np.float32)
    hidden = pixels_of(drawn.random((1, cells**2)) < share, (cells, cells), 40)[0]
    expected = road.NoisyLinearImputer(noise=0)(torch.tensor(film)[None], torch.tensor(1.0 - hidden))[0]
    np.testing.assert_allclose(impute(film, hidden, noise=0, within=1e-9), expected, atol=1e-5)
    np.testing.assert_allclose(impute(film, hidden, noise=0), expected, atol=NOISE / 2)
    np.testing.assert_array_equal(impute(film, hidden)[~hidden], film[~hidden])


def test_noise_is_drawn_alike_each_time_and_is_as_strong_as_said():
    film, hidden = np.full((40, 40), 0.5, np.float32), np.tri(40, dtype=bool)
    one, again = impute(film, hidden), impute(film, hidden)
    np.testing.assert_array_equal(one, again)
    assert (one[hidden] - 0.5).std() == pytest.approx(NOISE, rel=0.1)


def test_a_film_that_is_hidden_wholly_is_refused():
    with pytest.raises(ValueError, match="hidden wholly"):
        impute(np.zeros((4, 4)), np.ones((4, 4), bool))


class Bright(torch.nn.Module):
    """Two labels, not linear in the pixels."""

    labels = ("left", "middle")

    def forward(self, x):
        return torch.stack([(x[:, 0, :, :4] ** 2).sum((1, 2)), torch.tanh(x[:, 0, 3:7, 3:7]).sum((1, 2))], 1)


def test_the_combined_score_is_that_of_pytorch_grad_cam(monkeypatch):
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    monkeypatch.setattr(road.NoisyLinearImputer, "__init__", lambda self: setattr(self, "noise", 0))
    drawn, model = np.random.default_rng(0), Bright().eval()
    film, maps = drawn.random((10, 10)).astype(np.float32), drawn.random((2, 10, 10)).astype(np.float32)
    network = Network(model, lambda x: model(torch.from_numpy(x)).numpy())
    got = faithfulness(
        {"n": network}, film, {"n": maps}, {}, (0, 1), imputed(film, noise=0), in_turn, (), n_steps=10, whole=False
    )["n"]
    score = road.ROADCombined(percentiles=list(range(10, 100, 10)))
    for k in (0, 1):
        expected = score(torch.from_numpy(film)[None, None], maps[k : k + 1], [ClassifierOutputTarget(k)], model)
        assert figure_of(got[k].own, "road") == pytest.approx(float(expected[0]), rel=5e-3)
