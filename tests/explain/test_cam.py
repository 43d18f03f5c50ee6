import subprocess
import sys
import threading

import numpy as np
import pytest
import torch
from captum.attr import LayerGradCam
from captum.testing.helpers.basic_models import BasicModel_ConvNet_One_Conv
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

from cxrkd.errors import ConfigError
from cxrkd.explain.cam import grad_cam, grad_cams
from cxrkd.explain.cam_family import cams
from tests.explain.oracles import ORACLES, SIGNLESS, Tapped

TOY_NAMES = ["cnn", "linear_head", "swin", "vit"]


def oracle_map(model, x, method, k):
    """pytorch-grad-cam's own weights and map of label k, before its ReLU and min-max scaling."""
    tapped, targets = Tapped(model), [ClassifierOutputTarget(k)]
    with ORACLES[method](tapped, [tapped.tap], reshape_transform=model.spatial) as cam:
        cam(x, targets)
        taken = cam.activations_and_grads
        acts, grads = taken.activations[0].numpy(), taken.gradients[0].numpy() if cam.uses_gradients else None
        return cam.get_cam_image(x, tapped.tap, targets, acts, grads, False)[0]


def assert_equal_to_oracle(model, x, method, labels):
    cams = grad_cam(model, x, method).cams
    for k in labels:
        expected = oracle_map(model, x, method, k)
        if method in SIGNLESS:
            expected = expected * np.sign((expected * cams[k]).sum())
        np.testing.assert_allclose(cams[k], expected, atol=1e-5 * np.abs(expected).max(), rtol=0)


@pytest.mark.parametrize("method", ORACLES)
@pytest.mark.parametrize("name", TOY_NAMES)
def test_raw_maps_equal_pytorch_grad_cam(toy, film, name, method):
    model = toy(name)
    assert_equal_to_oracle(model, film, method, range(5))
    assert np.abs(grad_cam(model, film, method).cams).max() > 1e-4, "an all-zero map would pass anything"


@pytest.mark.parametrize("method", ["hirescam", "xgradcam"])
def test_behind_a_mean_pool_three_methods_are_one_and_elsewhere_not(toy, film, method):
    one, other = toy("cnn"), toy("vit")
    np.testing.assert_allclose(grad_cam(one, film, method).cams, grad_cam(one, film).cams, atol=1e-6)
    plain = grad_cam(other, film).cams
    assert np.abs(grad_cam(other, film, method).cams - plain).max() > 0.1 * np.abs(plain).max()


def test_every_method_has_an_oracle():
    assert set(cams()) == set(ORACLES)


class CaptumToy(BasicModel_ConvNet_One_Conv):
    """Captum's golden network, tapped where captum taps it: at `conv1`, before the ReLU."""

    def forward_features(self, x):
        return self.conv1(x)

    def forward_head(self, features):
        return self.fc1(self.relu1(features).flatten(1)).relu()

    def spatial(self, features):
        return features


def test_captum_golden_value():
    model, x = CaptumToy().eval(), torch.arange(16.0).view(1, 1, 4, 4)
    cams = grad_cam(model, x).cams
    np.testing.assert_allclose(cams[0], [[11.25, 13.5], [20.25, 22.5]], atol=1e-5)
    np.testing.assert_allclose(cams[0], LayerGradCam(model, model.conv1).attribute(x, 0)[0, 0].detach(), atol=1e-5)


def test_with_pool_and_linear_head_grad_cam_is_cam(toy, film):
    model = toy("linear_head")
    features = model.forward_features(film).detach()[0]
    cam = torch.einsum("kc,chw->khw", model.fc.weight[:, :12].detach(), features) / features[0].numel()
    for method in ("gradcam", "hirescam"):
        np.testing.assert_allclose(grad_cam(model, film, method).cams, cam, atol=1e-6)


def test_hirescam_of_a_linear_head_adds_up_to_the_logit(toy, film):
    model = toy("linear_head")
    result = grad_cam(model, film, "hirescam")
    np.testing.assert_allclose(result.cams.sum((1, 2)), result.logits - model.fc.bias.detach().numpy(), atol=1e-5)


@pytest.mark.parametrize("name", TOY_NAMES)
def test_logits_are_those_of_the_forward_pass(toy, film, name):
    model = toy(name)
    np.testing.assert_allclose(grad_cam(model, film).logits, model(film)[0].detach(), atol=1e-6)


@pytest.mark.parametrize("method", ORACLES)
def test_a_batch_gives_each_image_its_own_maps(toy, film, method):
    model, batch = toy(), torch.cat([film, 1 - film, film**2])
    cams, logits = grad_cams(model, batch, method)
    for i in range(3):
        single = grad_cam(model, batch[i : i + 1], method)
        np.testing.assert_allclose(cams[i], single.cams, atol=1e-6)
        np.testing.assert_allclose(logits[i], single.logits, atol=1e-6)


def test_maps_keep_their_sign_and_flag_labels_without_evidence(toy, film):
    model = toy("linear_head")
    with torch.no_grad():
        model.fc.weight[0].fill_(-1)
        model.fc.weight[1].fill_(1)
    result = grad_cam(model, film)
    assert result.cams[0].min() < 0
    assert result.positive_evidence[0] == False  # noqa: E712
    assert result.positive_evidence[1] == True  # noqa: E712


def test_the_model_is_left_as_it_was(toy, film):
    model = toy()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    grad_cam(model, film)
    assert all(p.grad is None and p.requires_grad for p in model.parameters())
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    assert not any(m._forward_hooks or m._backward_hooks for m in model.modules())


def test_frozen_weights_and_a_caller_without_grad_change_nothing(toy, film):
    model = toy()
    expected = grad_cam(model, film).cams
    model.requires_grad_(False)
    with torch.no_grad():
        np.testing.assert_array_equal(grad_cam(model, film).cams, expected)


def test_four_threads_on_one_model_get_the_maps_of_one_thread(toy):
    model = toy()
    films = torch.rand(8, 1, 1, 48, 48, generator=torch.Generator().manual_seed(3))
    expected = [grad_cam(model, x, m).cams for x in films for m in ORACLES]
    start, wrong = threading.Barrier(4), []

    def explain():
        start.wait()
        for _ in range(5):
            got = [grad_cam(model, x, m).cams for x in films for m in ORACLES]
            wrong.append(sum(not same(a, b) for a, b in zip(got, expected, strict=True)))

    def same(a, b):
        """Up to the last bit: where memory lies decides the order of sums. Another thread's map differs by far more."""
        return np.abs(a - b).max() <= 1e-6 * np.abs(b).max()

    threads = [threading.Thread(target=explain) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert wrong == [0] * 20


def test_errors_say_what_was_expected(toy, film):
    model = toy()
    with pytest.raises(ConfigError, match=r"'ablationcam'.*gradcam, hirescam"):
        grad_cam(model, film, "ablationcam")
    with pytest.raises(ValueError, match="one image"):
        grad_cam(model, torch.cat([film, film]))
    with pytest.raises(ValueError, match="eval mode"):
        grad_cam(model.train(), film)


def test_the_package_does_not_load_the_oracles_or_pyplot():
    code = (
        "import sys, cxrkd.explain.cam, cxrkd.explain.lime, cxrkd.explain.overlay as o; o.colour_table('inferno');"
        "sys.exit(any(m in sys.modules for m in ('pytorch_grad_cam', 'lime', 'matplotlib.pyplot', 'streamlit')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
