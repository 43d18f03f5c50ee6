"""Eight visitors at once, each with a film of their own, on one shared network: each gets what one alone gets."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest
import torch

from cxrkd.data.phantom import render
from cxrkd.explain.explainer import EXPLAINERS, Network
from cxrkd.explain.explainers.lime import LimeSettings
from cxrkd.explain.explainers.occlusion import OcclusionSettings
from cxrkd.explain.explainers.parts import PartsSettings
from cxrkd.explain.explainers.rise import RiseSettings
from cxrkd.explain.explainers.scorecam import ScoreCamSettings
from cxrkd.explain.steps import in_turn
from cxrkd.models.zoo import build

pytestmark = pytest.mark.slow

N_THREADS, SIZE = 8, 64
SETTINGS = {
    "gradcam": None,
    "layercam": None,
    "eigencam": None,
    "scorecam": ScoreCamSettings(n_channels=7),
    "lime": LimeSettings(n_samples=16, n_segments=8),
    "rise": RiseSettings(n_masks=16, n_coins=4),
    "occlusion": OcclusionSettings(n_cells=4, patch=2),
    "parts": PartsSettings(n_parts=2, n_segments=5),
}


@pytest.fixture(autouse=True)
def one_thread_a_network():
    """Sums that are cut among threads end in other last bits; eight visitors leave one core to each in any case."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def maps_of(method, network, film):
    """All labels' maps (K, h, w) and the logits (K,)."""
    (maps,) = EXPLAINERS[method].explain({"m": network}, film[None], SETTINGS[method], in_turn)
    return np.stack([maps.heat("m", k) for k in range(len(maps.logits["m"]))]), maps.logits["m"]


def by_all_methods(network, film, order):
    return {method: maps_of(method, network, film) for method in order}


@pytest.mark.parametrize("arch", ["eeea_net_c2", "vit_small_patch16_224"])
def test_eight_threads_on_different_films_get_the_maps_that_each_gets_alone(arch):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = build(arch, ("Mass", "Effusion", "Hernia"), SIZE).eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    network, methods = Network(model), list(SETTINGS)
    films = [render(i, i % 5, 0, SIZE).pixels.astype(np.float32) / 255 for i in range(N_THREADS)]
    alone = [by_all_methods(network, film, methods) for film in films]
    start = Barrier(N_THREADS)

    def visit(i):
        start.wait(60)
        return by_all_methods(network, films[i], methods[i:] + methods[:i])  # all at other methods at any time

    with ThreadPoolExecutor(N_THREADS) as threads:
        together = list(threads.map(visit, range(N_THREADS)))
    for own, expected in zip(together, alone, strict=True):
        for method in methods:
            for got, wanted in zip(own[method], expected[method], strict=True):
                np.testing.assert_array_equal(got, wanted, err_msg=method)
    for method in methods:  # films differ, or maps that were mixed up would pass
        assert len({one[method][0].tobytes() for one in alone}) == N_THREADS, method
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not any(m._forward_hooks or m._forward_pre_hooks or m._backward_hooks for m in model.modules())
    assert all(p.grad is None for p in model.parameters())
