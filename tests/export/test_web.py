"""The folder for a browser, without a browser: what lies in it, and what its graph answers."""

import gzip
import hashlib
import importlib
import json
import re

import numpy as np
import pytest
import torch

from cxrkd.errors import EngineError
from cxrkd.explain.cam import grad_cams
from cxrkd.export import browser
from cxrkd.export.contract import contract
from cxrkd.export.films import Example
from cxrkd.export.target import TARGETS
from cxrkd.export.targets import web
from cxrkd.images.gate import COEFFICIENTS
from cxrkd.models.zoo import build
from cxrkd.report.provenance import NOT_CLINICAL
from cxrkd.runs import open_run
from tests.toys import LABELS, make_toy

VENDOR = browser.APP / "vendor"
OWN = sorted(path for path in browser.APP.rglob("*") if path.suffix in {".html", ".js", ".css", ".webmanifest"})


@pytest.fixture(scope="module")
def student():
    torch.manual_seed(0)
    return build("eeea_net_c1", LABELS, 64).eval()


@pytest.fixture(scope="module")
def folder(student, tmp_path_factory):
    folder = tmp_path_factory.mktemp("web")
    web.write(student, folder)
    return folder


def listed(folder):
    text = (folder / browser.FILES).read_text()
    return json.loads(text.removeprefix("self.CXRKD = ").rstrip().removesuffix(";"))


def test_the_graph_answers_and_shows_where_as_the_network_does(student, folder):
    films = np.random.default_rng(0).random((2, 1, 64, 64), np.float32)
    maps, logits = grad_cams(student, torch.from_numpy(films))
    own_logits, own_maps = web.answers_with_maps(folder)(films)
    np.testing.assert_allclose(web.answers(folder)(films), own_logits)
    np.testing.assert_allclose(own_logits, logits, atol=0.02)
    own, expected = (some.reshape(2 * len(LABELS), -1) for some in (own_maps, maps))
    cosine = (own * expected).sum(1) / np.linalg.norm(own, axis=1) / np.linalg.norm(expected, axis=1)
    assert cosine.min() > 0.99


def test_every_file_is_listed_with_its_sum_and_the_version_hangs_on_them(folder, tmp_path):
    files = listed(folder)["files"]
    on_disk = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - {browser.FILES}
    assert set(files) == on_disk
    assert {"index.html", "sw.js", "network.onnx", "house.json", COEFFICIENTS.name} <= on_disk
    assert all(hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest for name, digest in files.items())
    for name in ("a", "b"):
        (tmp_path / "file").write_text(name)
        browser.list_files(tmp_path)
        assert (before := listed(tmp_path)["version"]) != listed(folder)["version"]
    browser.list_files(tmp_path)
    assert listed(tmp_path)["version"] == before


def test_what_a_run_knows_goes_along(tmp_path):
    run = open_run("nih")
    browser.write_run(run, "distilled", tmp_path)
    known = json.loads((tmp_path / browser.RUN).read_text())
    thresholds = run.thresholds("distilled")
    assert [value is None for value in known["thresholds"]] == np.isnan(thresholds).tolist()
    np.testing.assert_allclose([v for v in known["thresholds"] if v is not None], thresholds[~np.isnan(thresholds)])
    assert len(known["strong"]) == len(known["standing"]) == len(run.labels)
    assert browser.RUN in listed(tmp_path)["files"]


def test_python_answers_with_it_too_film_by_film(folder):
    film = np.random.default_rng(0).random((1, 1, 64, 64), np.float32)
    target = TARGETS["web"]
    known = {"HERE": folder, "x": film, "onnxruntime": importlib.import_module(target.script.packages[0])}
    logits = eval(target.script.asks, known)
    np.testing.assert_allclose(logits, web.answers(folder)(film)[0])
    answers = target.answers(folder)
    facts = contract(LABELS, 64, Example(np.zeros((64, 64), np.uint8), "none"), answers, answers, target.batch)
    session = known["onnxruntime"].InferenceSession(folder / "network.onnx")
    assert [session.get_inputs()[0].shape, session.get_outputs()[0].shape] == [
        facts["input"]["shape"],
        facts["output"]["shape"],
    ]


def test_a_network_without_such_maps_is_refused_and_leaves_nothing(tmp_path):
    with pytest.raises(EngineError, match="global mean pool"):
        web.write(make_toy().eval(), tmp_path / "out")
    assert not (tmp_path / "out" / "index.html").exists()
    assert not (tmp_path / "out" / web.NETWORK).exists()


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.name)
def test_no_file_of_ours_names_another_host(path):
    """The one address with a host is the name of a namespace."""
    addresses = set(re.findall(r"(?:https?:)?//[\w.-]+\.\w+[\w./-]*", path.read_text()))
    assert addresses <= {"http://www.w3.org/2000/svg"}


def test_the_page_says_the_notice_once_and_may_ask_this_host_alone():
    page = (browser.APP / "index.html").read_text()
    assert page.count(NOT_CLINICAL) == 1
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)[1]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["connect-src"] == "'self'"
    assert rules["form-action"] == "'none'"
    assert "unsafe-inline" not in policy
    assert "'unsafe-eval'" not in policy


def test_what_is_vendored_is_what_its_file_says():
    packages = json.loads((VENDOR / "VENDOR.json").read_text())
    named = {name: file for package in packages.values() for name, file in package["files"].items()}
    assert set(named) == {path.name for path in VENDOR.iterdir()} - {"VENDOR.json"}
    for name, file in named.items():
        data = (VENDOR / name).read_bytes()
        assert hashlib.sha256(data).hexdigest() == file["sha256"], name
        if "unpacked_sha256" in file:
            assert hashlib.sha256(gzip.decompress(data)).hexdigest() == file["unpacked_sha256"], name
    assert "unpacked_sha256" in named["ort-wasm-simd-threaded.wasm.pack"]
    runtime = packages["onnxruntime-web"]
    assert f"v{runtime['version']}" in (VENDOR / "ort.wasm.bundle.min.mjs").read_text()[:200]
    assert runtime["licence"] == "MIT"
    assert (VENDOR / runtime["licence_file"]).read_text().startswith("MIT License")


def test_what_ships_is_small():
    assert sum(path.stat().st_size for path in browser.APP.rglob("*") if path.is_file()) < 5e6
