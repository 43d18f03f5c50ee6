"""Over how many processes a training is spread: by what the environment says, and never unevenly."""

import pytest

from cxrkd.errors import ConfigError
from cxrkd.train.spread import Spread


def test_without_a_word_it_is_one_process_a_gpu_that_shares_a_batch_evenly():
    assert Spread.here({}) == Spread()
    assert [Spread().processes(32, gpus) for gpus in (0, 1, 2, 3, 4, 8)] == [1, 1, 2, 2, 4, 8]
    assert Spread().processes(1, 8) == 1
    assert Spread(nodes=3).processes(96, 8) == 8
    assert Spread(nodes=3).processes(30, 8) == 5, "ten films a node"


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"CXRKD_DEVICES": "2"}, Spread(2)),
        ({"CXRKD_DEVICES": " 4 ", "CXRKD_NUM_NODES": "2", "NODE_RANK": "1"}, Spread(4, 2, 1)),
        ({"CXRKD_NUM_NODES": "3", "GROUP_RANK": "2", "LOCAL_RANK": "0"}, Spread(None, 3, 2)),
        ({"CXRKD_NUM_NODES": "2", "SLURM_NODEID": "1", "SLURM_LOCALID": "0"}, Spread(None, 2, 1)),
        ({"CXRKD_NUM_NODES": "2", "NODE_RANK": "0", "SLURM_NODEID": "1"}, Spread(None, 2, 0)),
        ({"SLURM_NODEID": "5", "SLURM_LOCALID": "3"}, Spread()),
        ({"CXRKD_DEVICES": ""}, Spread()),
    ],
)
def test_whoever_starts_it_says_how(environment, expected):
    assert Spread.here(environment) == expected


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"CXRKD_DEVICES": "0"}, "CXRKD_DEVICES: expected a whole number from 1, got '0'"),
        ({"CXRKD_DEVICES": "9" * 5000}, "CXRKD_DEVICES: expected a whole number from 1, got '999"),
        ({"CXRKD_NUM_NODES": "two"}, "CXRKD_NUM_NODES: expected a whole number from 1, got 'two'"),
        ({"CXRKD_NUM_NODES": "2", "NODE_RANK": "2"}, "node 2 of 2: ranks count from 0 to 1"),
        ({"CXRKD_NUM_NODES": "2", "NODE_RANK": "-1"}, "NODE_RANK: expected a whole number from 0"),
        ({"CXRKD_NUM_NODES": "2", "SLURM_LOCALID": "1"}, "SLURM_LOCALID is 1: start one process a node"),
    ],
)
def test_what_it_cannot_mean_is_refused(environment, sentence):
    with pytest.raises(ConfigError, match=sentence):
        Spread.here(environment)


@pytest.mark.parametrize(
    ("spread", "batch", "gpus", "sentence"),
    [
        (Spread(3), 32, 0, "shared evenly by 3 processes.*multiple of 3, such as 33"),
        (Spread(2, 3), 32, 2, "shared evenly by 3 nodes of 2 processes.*such as 36"),
        (Spread(nodes=3), 32, 8, "shared evenly by 3 nodes"),
        (Spread(4), 32, 2, "4 devices were asked for, and this machine has 2"),
    ],
)
def test_an_uneven_share_or_a_missing_device_is_refused(spread, batch, gpus, sentence):
    with pytest.raises(ConfigError, match=sentence):
        spread.processes(batch, gpus)


def test_processes_without_a_gpu_are_as_many_as_were_asked_for():
    assert Spread(2).processes(32, 0) == 2
    assert Spread(2, 4).processes(32, 0) == 2
