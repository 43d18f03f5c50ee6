"""The ZIP: what is in it, that it answers by itself, and that nothing untrue is given away."""

import hashlib
import io
import json
import os
import subprocess
import sys
import zipfile
from dataclasses import replace
from importlib.metadata import distribution

import numpy as np
import onnx
import pytest
import torch
from onnx.numpy_helper import to_array
from packaging.requirements import Requirement
from PIL import Image
from scipy.special import expit
from sklearn.metrics import roc_auc_score

from cxrkd.checksums import sha256
from cxrkd.errors import ConfigError, EngineError, RunError
from cxrkd.evaluate.temperatures import fitted_temperatures
from cxrkd.export import bundle as bundling
from cxrkd.export.bundle import bundle, require_exportable
from cxrkd.export.card import Subject, card
from cxrkd.export.films import DRAWN, check_films, example
from cxrkd.export.parity import FEWEST, LabelParity, Parity, compare, in_pytorch
from cxrkd.export.target import TARGETS, Bounds
from cxrkd.jobs.state import JobState, write_state
from cxrkd.places import CHECKOUT
from cxrkd.runs import Run, open_run
from tests import toys
from tests.export.conftest import N_FILMS
from tests.installed import link

NAMES = [name for name, target in TARGETS.items() if target.batch is None]
TEXTS = ("MODEL_CARD.md", "answer.py", "contract.json", "film.py", "labels.json", "thresholds.json")


def closure(packages):
    """Distributions that an environment of these packages holds."""
    seen, waiting = {}, list(packages)
    while waiting:
        name = waiting.pop()
        if name.lower() not in seen:
            seen[name.lower()] = one = distribution(name)
            needs = map(Requirement, one.requires or ())
            waiting += [need.name for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})]
    return list(seen.values())


def ask(folder, packages, site, film="example.png"):
    """The lines of `answer.py`, in a Python that knows these packages and nothing else."""
    site.mkdir(exist_ok=True)
    for one in closure(packages):
        link(one, site)
    code = f"import sys, runpy; sys.path += [{str(site)!r}, {str(folder)!r}]; sys.argv = ['answer.py', {film!r}]; "
    code += "runpy.run_path('answer.py', run_name='__main__'); assert 'cxrkd' not in sys.modules"
    command = [sys.executable, "-I", "-S", "-c", code]
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [line.split("\t") for line in done.stdout.splitlines()]


@pytest.mark.parametrize("name", NAMES)
def test_it_answers_a_film_by_itself(name, unpacked, tmp_path):
    """With numpy and the package that the target names, in an environment that holds no other."""
    folder = unpacked(name)
    contract, thresholds = (json.loads((folder / f"{one}.json").read_text()) for one in ("contract", "thresholds"))
    lines = ask(folder, ["numpy", *TARGETS[name].script.packages], tmp_path / "site")
    expected = contract["example"]["probabilities"]
    assert [label for label, _, _ in lines] == list(expected) == json.loads((folder / "labels.json").read_text())
    for label, prob, call in lines:
        assert float(prob) == pytest.approx(expected[label], abs=1e-3)
        cut = thresholds["labels"][label]["threshold"]
        assert call == ("not judged" if cut is None else "present" if expected[label] >= cut else "absent")
    assert len({call for _, _, call in lines}) > 1


@pytest.mark.parametrize("name", NAMES)
def test_the_worked_example_is_what_the_network_says(name, unpacked, run):
    folder = unpacked(name)
    said = json.loads((folder / "contract.json").read_text())["example"]
    tones = np.asarray(Image.open(folder / said["film"]))
    assert (tones.dtype, tones.shape) == (np.uint8, (toys.SIZE, toys.SIZE))
    with torch.no_grad():
        logits = run.load_model("distilled")(torch.from_numpy(tones[None, None] / np.float32(255)))[0].numpy()
    assert list(said["logits_in_pytorch"].values()) == pytest.approx(logits.tolist(), abs=1e-4)
    bound = TARGETS[name].bounds.prob
    assert list(said["probabilities"].values()) == pytest.approx(expit(logits).tolist(), abs=bound)
    assert said["what"].startswith("a phantom"), "of a run of phantoms"


@pytest.mark.parametrize("name", NAMES)
def test_every_file_is_listed_and_holds(name, unpacked):
    folder = unpacked(name)
    lines = dict(reversed(line.split("  ")) for line in (folder / "SHA256SUMS").read_text().splitlines())
    files = {path.name for path in folder.iterdir()} - {"SHA256SUMS"}
    assert set(lines) == files >= {*TEXTS, "example.png"}
    for file, digest in lines.items():
        assert hashlib.sha256((folder / file).read_bytes()).hexdigest() == digest


@pytest.mark.parametrize("name", NAMES)
def test_the_same_export_has_the_same_bytes_and_nothing_of_this_machine(name, bundles, run, films):
    first = bundles(name)
    assert bundle(run, "distilled", TARGETS[name], films).zip == first.zip
    known = [str(CHECKOUT), torch.__path__[0], os.environ["CXRKD_HOME"], "/tmp/"]
    for file, data in first.files.items():
        assert not [one for one in known if one.encode() in data], file
    for file in ("MODEL_CARD.md", "contract.json", "thresholds.json", "labels.json"):
        assert " /" not in first.files[file].decode().replace(" / ", " "), "a path"


def test_thresholds_and_temperatures_are_those_of_the_validation_films(unpacked, run):
    said = json.loads((unpacked("onnx") / "thresholds.json").read_text())["labels"]
    val = run.predictions("distilled", "val")
    temperatures = fitted_temperatures(val.logits[0], val.targets)
    for k, label in enumerate(run.labels):
        cut = run.thresholds("distilled")[k]
        assert said[label]["threshold"] == (None if np.isnan(cut) else cut)
        assert bool(said[label]["not_judged"]) == np.isnan(cut)
        assert said[label]["temperature"] == pytest.approx(temperatures[k], abs=1e-4)


def test_the_card_says_what_people_must_know(unpacked, run, bundles):
    card = (unpacked("int8") / "MODEL_CARD.md").read_text()
    metrics = run.metrics().of("distilled").model
    for known in (
        "Not for clinical use",
        sha256(run.weights_path("distilled")),
        f"{metrics.macro_auroc:.3f} ({metrics.macro_low:.3f} to {metrics.macro_high:.3f})",
        "Measured on phantom radiographs",
        "A model that knows no anatomy",
        f"{bundles('int8').parity.largest:.1e}",
        "allowed 0.05",
        "for whoever trained them to say",
        f"torch {torch.__version__.split('+')[0]}",
    ):
        assert known in card
    for row in metrics.labels:
        if row.evaluable:
            assert f"{row.auroc:.3f} ({row.auroc_low:.3f} to {row.auroc_high:.3f})" in card


def test_the_card_says_how_many_films_were_learned_from_and_whose_labels_are_whose():
    parity = Parity("none", 0, (), 0.0, 0.0, 0.5, 0.5)
    text = card(Subject(open_run("nih"), "distilled", TARGETS["onnx"], parity, 224))
    assert "The run learned from 1,489 films of 909 patients; thresholds" in text, "not on all 112,120"
    assert "466 films of 314 patients, read by 5 radiologists" in text


def test_parity_is_what_scikit_learn_and_a_subtraction_say(run, films):
    """Against answers that were moved by hand."""
    pytorch = in_pytorch(run.load_model("distilled"))
    noise = np.random.default_rng(0).normal(0, 0.3, (len(films.tones), 14)).astype(np.float32)
    moved = iter(np.array_split(noise, np.arange(4, len(noise), 4)))
    parity = compare(lambda x: pytorch(x) + next(moved), pytorch, films, run.labels)
    logits = np.concatenate([pytorch(films.inputs()[i : i + 4]) for i in range(0, len(noise), 4)])
    apart = np.abs(expit(logits.astype(float)) - expit((logits + noise).astype(float)))
    assert (parity.largest, parity.mean) == (pytest.approx(apart.max()), pytest.approx(apart.mean()))
    told = []
    for k, one in enumerate(parity.labels):
        known = ~np.isnan(films.targets[:, k])
        truth = films.targets[known, k]
        assert one.largest == pytest.approx(apart[:, k].max())
        if len(set(truth)) == 2:
            told.append([roc_auc_score(truth, z[known, k]) for z in (logits, logits + noise)])
            assert [one.auroc_pytorch, one.auroc] == pytest.approx(told[-1])
        else:
            assert np.isnan(one.auroc)
    assert parity.n_labels == len(told) > 5
    assert [parity.macro_auroc_pytorch, parity.macro_auroc] == pytest.approx(np.mean(told, 0))


def parity(n=FEWEST, largest=1e-6, auroc=0.7):
    rows = (LabelParity("a", largest, largest / 2, 0.7, auroc),)
    return Parity("some films", n, rows, largest, largest / 2, 0.7, auroc)


def test_a_card_without_its_teachers_figures_and_with_names_that_mean_to_be_more(run, monkeypatch):
    known = run.metrics()
    without = replace(known, members={name: one for name, one in known.members.items() if name != "teacher"})
    rows = (LabelParity("<img src=x>|\u202e", 1e-6, 1e-6, 0.7, 0.7),)
    subject = Subject(run, "distilled", TARGETS["onnx"], replace(parity(), labels=rows), 32)
    assert "Its teacher: AUROC" in card(subject)
    monkeypatch.setattr(Run, "metrics", lambda _: without)
    text = card(subject)
    assert "Its teacher: AUROC" not in text
    assert r"| &lt;img src=x&gt;\|\u202e |" in text


def test_what_is_too_far_off_is_refused():
    bounds = Bounds(prob=0.05, auroc=0.005)
    parity(largest=0.05, auroc=0.7049).refuse_beyond(bounds, "It")
    parity(n=FEWEST - 1, auroc=0.8).refuse_beyond(bounds, "It")  # so few films do not tell
    for off in (parity(largest=0.0501), parity(auroc=0.6949), parity(auroc=0.71), parity(largest=float("nan"))):
        with pytest.raises(EngineError, match="It differs from PyTorch"):
            off.refuse_beyond(bounds, "It")


def altered(target, how):
    """A target whose file is changed by somebody after it was written."""

    def write(model, folder):
        target.write(model, folder)
        how(model, folder)

    return replace(target, write=write)


def other_head(model, folder):
    """Another bias of the last layer: the file loads, and answers something else."""
    path = next(p for p in folder.iterdir() if p.suffix in (".onnx", ".bin"))
    before, data = model.backbone.head[-1].bias.detach().numpy(), path.read_bytes()
    if before.tobytes() not in data:  # weights in 8 bits come with a bias of their own
        before = next(t for t in map(to_array, onnx.load(str(path)).graph.initializer) if t.shape == before.shape)
    assert data.count(before.tobytes()) == 1
    path.write_bytes(data.replace(before.tobytes(), (before + np.float32(0.5)).tobytes()))


@pytest.mark.parametrize("name", ["onnx", "int8", "openvino"])
def test_a_file_that_was_altered_is_refused_by_the_check(name, run, films):
    with pytest.raises(EngineError, match="differs from PyTorch by up to 1"):
        bundle(run, "distilled", altered(TARGETS[name], other_head), films)


def test_a_file_that_cannot_be_read_again_is_refused(run, films):
    def cut(model, folder):
        (folder / "network.onnx").write_bytes(b"no network")

    with pytest.raises(EngineError, match="cannot be read again"):
        bundle(run, "distilled", altered(TARGETS["onnx"], cut), films)


@pytest.mark.parametrize("what", ["no number", "another shape"])
def test_answers_that_are_none_are_refused(what, run, films):
    pytorch = in_pytorch(run.load_model("distilled"))
    wrong = {"no number": lambda x: pytorch(x) * np.nan, "another shape": lambda x: pytorch(x)[:, :3]}[what]
    with pytest.raises(EngineError, match="another shape, or with what is no number"):
        compare(wrong, pytorch, films, run.labels)


def test_a_run_that_is_not_finished_or_lacks_the_member_is_refused(own_home):
    run = open_run("small")
    with pytest.raises(ConfigError, match="got nobody"):
        require_exportable(run, "nobody")
    waiting = toys.finished_run(toys.tiny_config("waiting", patients=20, arch="wide"))
    write_state(waiting.path, JobState("running", "Training", 0.5, created=1e9, started=1e9))
    with pytest.raises(RunError, match="only a finished run can be exported"):
        require_exportable(open_run("waiting"), "distilled")


def test_a_missing_package_is_named(run, films, monkeypatch):
    from cxrkd.runtime import export

    find = export.find_spec
    monkeypatch.setattr(export, "find_spec", lambda name: None if name == "openvino" else find(name))
    with pytest.raises(EngineError, match="pip install openvino"):
        bundle(run, "distilled", TARGETS["openvino"], films)


def test_nothing_is_left_of_an_export_that_failed(run, films, tmp_path, monkeypatch):
    monkeypatch.setattr(bundling, "workshop", lambda: tmp_path)
    with pytest.raises(EngineError):
        bundle(run, "distilled", altered(TARGETS["onnx"], other_head), films)
    assert list(tmp_path.iterdir()) == []


class TestFilms:
    """On which films a file is checked, and which one goes along."""

    def test_own_test_films_are_taken_where_they_are_here(self, run, films):
        kept = run.predictions("distilled").targets
        assert films.what == f"{N_FILMS} of the {len(kept)} test films of the run (phantoms)"
        evenly = np.linspace(0, len(kept) - 1, N_FILMS).astype(int)
        np.testing.assert_array_equal(films.targets, kept[evenly])

    def test_shipped_films_stand_in_for_films_of_the_same_source(self):
        run = open_run("nih")
        films = check_films(run, may_read=lambda config: False)
        assert films.what.startswith("the 24 films of patients that ship")
        assert films.tones.shape == (24, 224, 224)
        assert (films.targets == 1).any(0).sum() > 5

    def test_else_phantoms_are_drawn(self, run):
        films = check_films(run, may_read=lambda config: False)
        assert films.what.startswith(f"{DRAWN} drawn films, phantoms")
        assert set(np.unique(films.targets)) == {0, 1}

    def test_the_film_that_goes_along_is_nobodys(self, run):
        assert example(run).what.startswith("a phantom")
        shipped = example(open_run("nih"))
        assert "NIH Clinical Center" in shipped.what
        assert shipped.tones.shape == (224, 224)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["onnx", "int8"])
def test_the_shipped_student_goes_out_as_it_is(name, tmp_path):
    run = open_run("nih")
    made = bundle(run, "distilled", TARGETS[name], check_films(run, may_read=lambda config: False))
    assert made.parity.largest < (0.03 if name == "int8" else 1e-5)
    megabytes = made.network_bytes / 1e6
    assert 4.5 < megabytes < 5.5 if name == "int8" else 18 < megabytes < 20
    card = made.files["MODEL_CARD.md"].decode()
    assert "## Figures by radiologists" in card
    assert "Apache License 2.0, as it is" in card
    assert "nih_1024" not in card, "the name of a folder"
    with zipfile.ZipFile(io.BytesIO(made.zip)) as archive:
        archive.extractall(tmp_path)
    lines = ask(tmp_path / made.name, ["numpy", "onnxruntime"], tmp_path / "site")
    expected = json.loads(made.files["contract.json"])["example"]["probabilities"]
    assert [float(prob) for _, prob, _ in lines] == pytest.approx(list(expected.values()), abs=1e-3)
