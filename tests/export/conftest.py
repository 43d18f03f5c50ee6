"""A finished run of toys whose networks are worth a file, and what is made of them."""

import io
import zipfile

import pytest
import torch

from cxrkd.export.bundle import bundle
from cxrkd.export.films import check_films
from cxrkd.export.target import TARGETS
from cxrkd.models.network import NETWORKS, Network
from cxrkd.models.weights import save_weights
from cxrkd.runs import open_run
from tests import toys

N_FILMS = 60


@pytest.fixture(scope="session")
def own_home(tmp_path_factory):
    """A home that knows the toys, for all tests here."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("exporting")
        patch.setenv("CXRKD_HOME", str(folder / "home"))
        toys.everywhere(patch, folder / "site")
        NETWORKS.register(Network(name="wide", title="Wide", sentence="A toy.", role="student", make=wide))
        skill = toys.SKILL | {"trivial": 0.5}
        run = toys.finished_run(toys.tiny_config("small", patients=1200, arch="wide"), skill=skill)
        patch.setattr("cxrkd.export.films.MOST", N_FILMS)
        save_weights(lively(run.load_model("distilled"), check_films(run).inputs()), run.weights_path("distilled"))
        yield folder / "home"


def wide(n_labels, size, state):
    """A toy with kernels that are large enough for 8 bits."""
    return toys.StagedToy(n_labels, widths=(16, 64))


def lively(model, x):
    """An untrained network whose answers differ from film to film: norms that have seen them, a head that tells."""
    norms = [one for one in model.modules() if isinstance(one, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = None  # a mean over all that it sees
    with torch.no_grad():
        model.train()(torch.from_numpy(x))
        logits = model.eval()(torch.from_numpy(x))
        *_, head = (one for one in model.modules() if isinstance(one, torch.nn.Linear))
        head.weight /= logits.std(0)[:, None]
        head.bias.copy_(-(logits - head.bias).mean(0) / logits.std(0))
    return model


@pytest.fixture(scope="session")
def run(own_home):
    return open_run("small")


@pytest.fixture(scope="session")
def films(run):
    return check_films(run)


@pytest.fixture(scope="session")
def bundles(run, films):
    """Makes the bundle of a target, once."""
    made = {}

    def make(name):
        if name not in made:
            made[name] = bundle(run, "distilled", TARGETS[name], films)
        return made[name]

    return make


@pytest.fixture
def unpacked(bundles, tmp_path):
    """Unpacks the ZIP of a target as somebody else would."""

    def make(name):
        with zipfile.ZipFile(io.BytesIO(bundles(name).zip)) as archive:
            archive.extractall(tmp_path)
        return tmp_path / bundles(name).name

    return make
