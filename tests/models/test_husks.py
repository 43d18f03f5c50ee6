"""Tensors out of pickled networks: all of them, and nothing else that a file asks for."""

import os
import warnings

import pytest
import torch
from torchxrayvision.models import DenseNet

from cxrkd.errors import ConfigError
from cxrkd.models.husks import read_tensors

FORMATS = [pytest.param(True, id="zip"), pytest.param(False, id="before-1.6")]


def small():
    torch.manual_seed(0)
    return DenseNet(block_config=(1, 1, 1, 1), growth_rate=4, num_init_features=8).eval()


def save(found, path, new):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the old format warns about itself
        torch.save(found, path, _use_new_zipfile_serialization=new)
    return path


@pytest.mark.parametrize("new", FORMATS)
def test_a_whole_network_and_its_state_dict_read_alike(tmp_path, new):
    net = small()
    expected = net.state_dict()
    for found in (net, expected):
        got = read_tensors(save(found, tmp_path / "w.pt", new))
        assert list(got) == list(expected)
        for name, tensor in expected.items():
            assert got[name].dtype == tensor.dtype, name
            assert torch.equal(got[name], tensor), name


@pytest.mark.parametrize("new", FORMATS)
def test_tensors_that_share_or_view_a_storage(tmp_path, new):
    base = torch.arange(12.0).view(3, 4)
    net = small()
    net.register_buffer("rows", base[1:])
    net.register_buffer("turned", base.T)
    got = read_tensors(save(net, tmp_path / "w.pt", new))
    assert torch.equal(got["rows"], base[1:])
    assert torch.equal(got["turned"], base.T)


class Bomb:
    def __init__(self, call, *args):
        self.call = call, args

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("new", FORMATS)
@pytest.mark.parametrize("call", [os.mkdir, getattr, eval, torch.load], ids=lambda c: c.__name__)
def test_a_file_that_asks_for_more_is_refused_and_runs_nothing(tmp_path, new, call):
    trap = tmp_path / "sprung"
    net = small()
    net.bomb = Bomb(call, str(trap))
    path = save(net, tmp_path / "w.pt", new)
    with pytest.raises(ConfigError, match=r"w\.pt was not read.*Nothing in it was run"):
        read_tensors(path)
    assert not trap.exists()


@pytest.mark.parametrize("new", FORMATS)
def test_a_truncated_file(tmp_path, new):
    path = save(small(), tmp_path / "w.pt", new)
    whole = path.read_bytes()
    for keep in (0, 10, 200, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:keep])
        with pytest.raises(ConfigError, match=r"w\.pt was not read"):
            read_tensors(path)


@pytest.mark.parametrize("found", [[1, 2], {"a": 1}, torch.ones(2), {1: torch.ones(2)}])
def test_what_is_no_network(tmp_path, found):
    with pytest.raises(ConfigError, match="something else than tensors by name"):
        read_tensors(save(found, tmp_path / "w.pt", True))


def test_a_missing_file(tmp_path):
    with pytest.raises(ConfigError, match="There is no file"):
        read_tensors(tmp_path / "w.pt")
