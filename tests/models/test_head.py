"""What a network takes over from one that answers other labels."""

import pytest
import torch

from cxrkd.errors import ConfigError
from cxrkd.models.head import take_over
from cxrkd.models.zoo import build


def test_the_head_goes_by_label_and_the_rest_as_it_is():
    source, model = build("eeea_net_c2", ("a", "b", "c"), 32), build("eeea_net_c2", ("c", "new", "a"), 64)
    fresh = model.backbone.classifier.weight[1].clone(), model.backbone.classifier.bias[1].clone()
    assert take_over(model, source) == ("c", "a")
    for name, tensor in model.state_dict().items():
        if "classifier" not in name:
            assert torch.equal(tensor, source.state_dict()[name])
    assert torch.equal(model.backbone.classifier.weight[[2, 0]], source.backbone.classifier.weight[[0, 2]])
    assert torch.equal(model.backbone.classifier.bias[[2, 0]], source.backbone.classifier.bias[[0, 2]])
    assert torch.equal(model.backbone.classifier.weight[1], fresh[0])
    assert torch.equal(model.backbone.classifier.bias[1], fresh[1])


def test_another_network_is_refused_and_nothing_is_changed():
    model = build("resnet18", ("a",), 32)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with pytest.raises(
        ConfigError, match="resnet18 for 32 px and 1 labels cannot go on from the weights of eeea_net_c1"
    ):
        take_over(model, build("eeea_net_c1", ("a",), 32))
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
