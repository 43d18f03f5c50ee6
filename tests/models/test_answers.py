"""Which answers a network's weights allow."""

import numpy as np
import pytest
import torch

from cxrkd.errors import AnswerError
from cxrkd.models.answers import AnswerRule, numbers, require_finite, untaught
from cxrkd.models.ensemble import join
from cxrkd.models.zoo import build

LABELS = ("Mass", "Hernia")
NAN = float("nan")


def never_taught(arch="eeea_net_c1", row=1):
    """A network with the head that chest weights have for a label which they do not know."""
    torch.manual_seed(0)
    model = build(arch, LABELS, 32).eval()
    head = [m for m in model.modules() if isinstance(m, torch.nn.Linear)][-1]
    with torch.no_grad():
        head.weight[row] = 0
        head.bias[row] = NAN
    return model


@pytest.mark.parametrize("arch", ["eeea_net_c1", "resnet18", "mobilenetv3_small_100"])
def test_a_head_says_what_it_was_never_taught(arch):
    model = never_taught(arch)
    assert untaught(model).tolist() == [False, True]
    require_finite(model, "it")
    with torch.no_grad():
        logits = model(torch.rand(2, 1, 32, 32)).numpy()
    assert numbers(model, logits) is logits
    assert np.isnan(logits[:, 1]).all()


def test_an_ensemble_does_not_know_what_one_of_it_does_not():
    assert untaught(join([never_taught(row=0), build("eeea_net_c1", LABELS, 32)])).tolist() == [True, False]


def test_nan_over_weights_that_were_taught_is_damage():
    model = never_taught()
    head = [m for m in model.modules() if isinstance(m, torch.nn.Linear)][-1]
    with torch.no_grad():
        head.weight[1, 0] = 1e-3
    assert not untaught(model).any()
    with pytest.raises(AnswerError, match=r"it: 1 of the weights backbone\.classifier\.bias are no numbers"):
        require_finite(model, "it")


def test_infinity_is_never_spared():
    model = never_taught()
    with torch.no_grad():
        [m for m in model.modules() if isinstance(m, torch.nn.Linear)][-1].bias[1] = float("inf")
    with pytest.raises(AnswerError):
        require_finite(model, "it")


def test_the_rule_names_network_and_engine():
    with pytest.raises(AnswerError, match="eeea_net_c1 on OpenVINO gave no number for Mass:"):
        AnswerRule(never_taught(), "OpenVINO")(np.array([[NAN, NAN]]))
