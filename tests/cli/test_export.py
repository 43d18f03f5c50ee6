"""`export`: a ZIP where it was asked for, whole or not at all, and a sentence for everything that prevents it."""

import errno
import zipfile
from dataclasses import replace

import pytest

from cxrkd.export import bundle as bundling
from cxrkd.export.target import TARGETS
from cxrkd.models.weights import save_weights
from cxrkd.models.zoo import build
from cxrkd.runs import open_run
from tests import toys


@pytest.fixture(scope="module")
def own_home(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("exporting")
        patch.setenv("CXRKD_HOME", str(folder / "home"))
        toys.everywhere(patch, folder / "site")
        toys.finished_run(toys.tiny_config("small", patients=40, arch="plain_toy"))
        yield folder


@pytest.fixture(autouse=True)
def here(own_home, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_zip_lies_where_the_command_says_and_its_check_is_printed(cli, here):
    answer = cli("export", "small", "--to", "int8", "--json")
    assert answer.code == 0, answer.err
    (file,) = here.iterdir()
    assert file.name == answer.document["path"] == "cxrkd-small-distilled-int8.zip"
    assert file.stat().st_size == answer.document["bytes"]
    with zipfile.ZipFile(file) as archive:
        assert {name.partition("/")[2] for name in archive.namelist()} == set(answer.document["files"])
        assert archive.testzip() is None
    assert answer.document["parity"]["largest"] < TARGETS["int8"].bounds.prob
    assert answer.document["parity"]["films"].endswith("test films of the run (phantoms)")
    assert min(answer.document[name] for name in ("ms", "ms_pytorch", "network_bytes")) > 0
    before = file.read_bytes()
    answer = cli("export", "small", "--to", "int8", "--overwrite")
    assert "Largest difference of a probability" in answer.out
    assert all(label in answer.out for label in ("Hernia", "Edema"))
    assert file.read_bytes() == before


def test_a_teacher_can_be_taken_along_to_another_place(cli, here):
    (here / "there").mkdir()
    assert cli("export", "small", "--to", "torch", "--member", "teacher", "--out", "there/t.zip").code == 0
    with zipfile.ZipFile(here / "there" / "t.zip") as archive:
        assert "cxrkd-small-teacher-torch/network.pt2" in archive.namelist()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["small", "--to", "onxx"], "Unknown target of an export 'onxx'"),
        (["small", "--to", "onnx", "--member", "student"], "among teacher, alone, distilled, got student"),
        (["nobody", "--to", "onnx"], "expected the id or the folder of a run"),
        (["small", "--to", "onnx", "--out", "no/such.zip"], "There is no folder no; make it"),
        (["small", "--to", "onnx", "--out", "old.zip"], "old.zip is there already"),
        (["small", "--to", "onnx", "--out", "network.onnx"], "ends in .zip, got network.onnx"),
        (["small", "--to", "onnx", "--out", "folder.zip", "--overwrite"], "folder.zip is a folder"),
        (["small", "--to", "onnx", "--out", "x" * 300 + ".zip"], "File name too long"),
        (["small", "--to", "onnx", "--out", "y" * 300 + "/x.zip"], "File name too long"),
        (["small", "--to", "onnx", "--out", "circle.zip", "--overwrite"], "circle.zip is a link that leads nowhere"),
        (["small", "--to", "onnx", "--folder", "."], "Phantoms are drawn"),
    ],
)
def test_what_cannot_be_is_one_sentence_before_anything_is_computed(words, sentence, cli, here, monkeypatch):
    monkeypatch.setattr(bundling, "bundle", lambda *_: pytest.fail("computed"))
    (here / "old.zip").write_text("mine")
    (here / "folder.zip").mkdir()
    (here / "circle.zip").symlink_to("circle.zip")
    answer = cli("export", *words)
    assert (answer.code, answer.out) == (2, "")
    assert sentence in answer.err
    assert answer.err.count("\n") == 1
    assert {path.name for path in here.iterdir()} == {"old.zip", "folder.zip", "circle.zip"}
    assert (here / "old.zip").read_text() == "mine"


def test_a_place_that_cannot_be_written_is_refused_before_anything_is_computed(cli, here, monkeypatch):
    monkeypatch.setattr(bundling, "bundle", lambda *_: pytest.fail("computed"))
    monkeypatch.setattr("os.access", lambda *_: False)
    answer = cli("export", "small", "--to", "onnx")
    assert (answer.code, answer.err.count("\n")) == (2, 1)
    assert "Nothing can be written into ." in answer.err


def full(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


def writes_on_a_full_disk(patch):
    patch.setitem(TARGETS._entries, "onnx", replace(TARGETS["onnx"], write=full))


def packs_on_a_full_disk(patch):
    patch.setattr("pathlib.Path.write_bytes", full)


@pytest.mark.parametrize("fill", [writes_on_a_full_disk, packs_on_a_full_disk])
def test_a_full_disk_leaves_nothing(fill, cli, here, monkeypatch):
    fill(monkeypatch)
    answer = cli("export", "small", "--to", "onnx")
    assert (answer.code, answer.out) == (2, "")
    assert "No space left" in answer.err
    assert answer.err.count("\n") == 1
    assert list(here.iterdir()) == []


@pytest.mark.parametrize("what", ["labels", "size"])
def test_weights_of_another_run_are_not_exported_under_the_names_of_this_one(what, cli, here):
    run = open_run("small")
    path, size = run.weights_path("alone"), run.config.data.image_size
    own = path.read_bytes()
    labels, size = (run.labels[::-1], size) if what == "labels" else (run.labels, 2 * size)
    save_weights(build("plain_toy", labels, size), path)
    answer = cli("export", "small", "--to", "onnx", "--member", "alone")
    path.write_bytes(own)
    assert (answer.code, answer.out) == (2, "")
    assert "models/alone.safetensors is of another run" in answer.err
    assert list(here.iterdir()) == []
