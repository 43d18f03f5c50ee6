"""Maps of the real networks at 64 pixels against pytorch-grad-cam, hooked on the layer its documentation names."""

from itertools import combinations

import numpy as np
import pytest
import torch
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from scipy.stats import spearmanr
from skimage.measure import block_reduce

from cxrkd.errors import ConfigError
from cxrkd.explain.agreement import agreement
from cxrkd.explain.baselines import baselines, noisy, random_twin
from cxrkd.explain.cam import grad_cam
from cxrkd.explain.explainer import EXPLAINERS, Network
from cxrkd.models.zoo import build
from tests.explain.oracles import ORACLES, SIGNLESS

LABELS = ("Mass", "Effusion", "Hernia")
LAYERS = {
    "eeea_net_c2": lambda m: m.backbone.final_expand,
    "densenet121": lambda m: m.backbone.net.features.norm5,
    "vit_small_patch16_224": lambda m: m.backbone.net.blocks[-2],
    "swin_tiny_patch4_window7_224": lambda m: m.backbone.net.norm,
}
CASES = [(a, m) for a in LAYERS for m in ORACLES if (a, m) != ("vit_small_patch16_224", "hirescam")]


@pytest.fixture(scope="module")
def network(request):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return build(request.param, LABELS, 64).eval()


@pytest.fixture(scope="module")
def film_64():
    return torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(2))


def oracle_map(model, layer, x, method, k):
    with ORACLES[method](model, [layer], reshape_transform=model.spatial) as cam:
        cam(x, [ClassifierOutputTarget(k)])
        acts = cam.activations_and_grads.activations[0].numpy()
        grads = cam.activations_and_grads.gradients[0].numpy() if cam.uses_gradients else None
        return cam.get_cam_image(x, layer, [ClassifierOutputTarget(k)], acts, grads, False)[0]


@pytest.mark.parametrize(("network", "method"), CASES, indirect=["network"])
def test_raw_maps_equal_pytorch_grad_cam_hooked_on_the_named_layer(network, film_64, method):
    layer = LAYERS[network.arch](network)
    result = grad_cam(network, film_64, method)
    for k in range(len(LABELS)):
        expected = oracle_map(network, layer, film_64, method, k)
        if method in SIGNLESS:
            expected = expected * np.sign((expected * result.cams[k]).sum())
        size = np.abs(expected).max()
        assert size > 0
        np.testing.assert_allclose(result.cams[k], expected, atol=1e-5 * min(1, size), rtol=1e-4)
    np.testing.assert_allclose(result.logits, network(film_64)[0].detach(), atol=1e-5)


def test_hirescam_is_refused_on_a_vit_where_it_would_be_rounding_noise(film_64):
    model = build("vit_small_patch16_224", LABELS, 64).eval()
    with pytest.raises(ConfigError, match=r"zero everywhere.*choose Grad-CAM"):
        grad_cam(model, film_64, "hirescam")


@pytest.mark.parametrize("arch", ["eeea_net_c2", "mobilenetv3_small_100", "resnet18", "convnext_tiny"])
def test_random_students_have_living_maps(film_64, arch):
    """A chance line of flat maps, of maps that do not see the film, or of one map for all labels would be none."""
    twin = random_twin(build(arch, LABELS, 64), seed=0)
    cams, of_another_film = (grad_cam(twin, x).cams for x in (film_64, film_64.flip(-1) ** 2))
    strength = np.abs(cams).max(axis=(1, 2))
    assert (np.ptp(cams, axis=(1, 2)) > 1e-3 * strength).all()
    assert (np.abs(cams - of_another_film).max(axis=(1, 2)) > 1e-3 * strength).all()
    for a, b in combinations(cams / strength[:, None, None], 2):
        assert np.abs(a - b).max() > 1e-2


def test_agreement_of_two_real_networks_by_scipy(film_64):
    """Grids of 4 x 4 and 2 x 2: what is compared, what chance and what noise give, computed another way."""
    teacher, student = (build(a, LABELS, 64).eval() for a in ("vit_small_patch16_224", "eeea_net_c2"))
    networks = {"teacher": Network(teacher), "alone": Network(student)}
    (lines,) = baselines(EXPLAINERS["gradcam"], networks, film_64[0].numpy())
    cams_t, cams_s = grad_cam(teacher, film_64).cams, grad_cam(student, film_64).cams
    assert (cams_t.shape[1:], cams_s.shape[1:]) == ((4, 4), (2, 2))
    judged = agreement(cams_t, cams_s, 0, lines["alone"])

    def rank_correlation(map_t, other):
        coarse = block_reduce(map_t, (4 // other.shape[0],) * 2, np.mean)
        return spearmanr(coarse.ravel(), other.ravel()).statistic

    assert judged.spearman == pytest.approx(rank_correlation(cams_t[0], cams_s[0]))
    random = [grad_cam(random_twin(student, seed), film_64).cams for seed in range(2)]
    draws = [rank_correlation(cams_t[0], one) for cams in random for one in cams]
    assert judged.lines[0].mean == pytest.approx(np.mean(draws))
    assert judged.lines[0].high == pytest.approx(max(draws)), "of six draws the 95th percentile is the highest"
    noise = [grad_cam(teacher, torch.from_numpy(copy)[None, None]).cams[0] for copy in noisy(film_64[0, 0].numpy())]
    assert judged.ceiling_spearman == pytest.approx(np.mean([rank_correlation(cams_t[0], one) for one in noise]))
    assert judged.other_labels_spearman == pytest.approx(np.mean([rank_correlation(cams_t[0], m) for m in cams_s[1:]]))
