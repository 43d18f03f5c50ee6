"""A network that answers other labels than it was taught: what it knows goes by name, the rest has no answer."""

import pytest
import torch

from cxrkd.errors import ConfigError
from cxrkd.models.answers import untaught
from cxrkd.models.ensemble import join
from cxrkd.models.relabelled import relabelled
from cxrkd.models.weights import load_weights, save_weights
from cxrkd.models.zoo import build

IMAGES = torch.rand(2, 1, 32, 32, generator=torch.Generator().manual_seed(0))


def network(seed=0):
    torch.manual_seed(seed)
    return build("eeea_net_c1", ("Mass", "Pleural_Thickening", "Edema"), 32).eval()


def answers(model):
    with torch.inference_mode():
        return model(IMAGES)


def joined():
    shares = torch.tensor([[0.2, 0.5, 0.9], [0.8, 0.5, 0.1]])
    return join([network(0), network(1)], shares).eval()


@pytest.mark.parametrize("make", [network, joined])
def test_answers_go_by_name_and_what_was_never_taught_has_none(make, tmp_path):
    source = make()
    model = relabelled(source, ("pleural thickening", "Fracture", "Mass"))
    assert not model.training
    logits, theirs = answers(model), answers(source)
    torch.testing.assert_close(logits[:, [0, 2]], theirs[:, [1, 0]])
    assert logits[:, 1].isnan().all()
    assert untaught(model).tolist() == [False, True, False]
    save_weights(model, tmp_path / "kept.safetensors")
    assert answers(load_weights(tmp_path / "kept.safetensors").eval()).isnan().tolist() == logits.isnan().tolist()


def test_a_network_that_knows_none_of_them_is_refused():
    with pytest.raises(ConfigError, match=r"answers Mass, Pleural_Thickening, Edema, and none of .*\(Fracture\)"):
        relabelled(network(), ("Fracture",))
