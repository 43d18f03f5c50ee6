"""Labels as people type them, and labels and ids as files carry them."""

import json
from dataclasses import replace

import pytest
from PIL import Image

from cxrkd.cli.names import comma_separated, find_label, find_labels
from cxrkd.config import PhantomConfig, RunConfig
from cxrkd.data.phantom import render
from cxrkd.data.preview import preview
from cxrkd.errors import ConfigError
from cxrkd.jobs.files import write_json
from cxrkd.models.weights import save_weights
from cxrkd.models.zoo import build
from cxrkd.runs import create
from cxrkd.runs.run import LABELS

LABELS_WITH_COMMAS = ["Mass, calcified", "Mass", 'a "b", c', "Pleural_Thickening"]
HOSTILE = (
    "../../../up",
    "Effusion / empyema",
    "Effusion : empyema",
    "/tmp/absolute",
    "a\0b",
    "CON",
    "x" * 400,
    "x" * 401,
    "胸水",
    "..",
    "Mass",
    "mass",
)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a,b", ["a", "b"]),
        (" a , b ,", ["a", "b"]),
        ('"a, b",c', ["a, b", "c"]),
        (' "a, b" , c', ["a, b", "c"]),
        ('"a ""b"", c"', ['a "b", c']),
        ('a"b,c', ['a"b', "c"]),
        ('"open, b', ['"open', "b"]),
        ("", []),
        (",,", []),
    ],
)
def test_lists_with_commas(text, names):
    assert comma_separated(text) == names


def test_a_label_with_a_comma_is_found_alone_quoted_or_in_an_option_of_its_own():
    assert find_labels(LABELS_WITH_COMMAS, ["mass, calcified"]) == ["Mass, calcified"]
    assert find_labels(LABELS_WITH_COMMAS, ['"Mass, calcified",mass']) == ["Mass, calcified", "Mass"]
    assert find_labels(LABELS_WITH_COMMAS, ["Mass, calcified", "pleural thickening,Mass"]) == [
        "Mass, calcified",
        "Pleural_Thickening",
        "Mass",
    ]
    assert find_labels(LABELS_WITH_COMMAS, ["mass", "Mass"]) == ["Mass"]


def test_a_name_that_is_not_found_comes_with_what_may_have_been_meant():
    with pytest.raises(ConfigError, match=r"got 'calcified'. A label that holds a comma stands in double quotes"):
        find_labels(LABELS_WITH_COMMAS, ["calcified,Mass"])
    with pytest.raises(ConfigError, match="Did you mean Pleural_Thickening"):
        find_label(LABELS_WITH_COMMAS, "plural thickening")
    with pytest.raises(ConfigError) as told:
        find_label(LABELS_WITH_COMMAS, "Gout")
    assert "Did you mean" not in str(told.value)


@pytest.fixture(scope="module")
def hostile_run(tmp_path_factory):
    """A run with networks whose labels would be anything but the names of files."""
    config = RunConfig(name="hostile", data=PhantomConfig(n_patients=24, image_size=32))
    run = create(config, tmp_path_factory.mktemp("made") / "hostile")
    write_json(run.path / LABELS, list(HOSTILE))
    save_weights(build("mobilenetv3_small_100", HOSTILE, 32), run.weights_path("teacher"))
    return run


def test_explain_writes_into_its_folder_only_whatever_labels_and_films_are_called(cli, hostile_run, tmp_path):
    film = tmp_path / ".. 1.2.840.1000"
    Image.fromarray(render(31, 0, 0, 128).pixels).save(film, "PNG")
    before = set(tmp_path.rglob("*"))
    words = [word for label in HOSTILE for word in ("--label", label)]
    out = tmp_path / "a" / "b" / "c" / "out"
    found = cli("explain", film, "--run", hostile_run.path, "--engine", "pytorch", *words, "--out", out, "--json")
    assert found.code == 0, found.err
    written = {path for path in tmp_path.rglob("*") if path.is_file()} - before
    assert {path.parent for path in written} == {out}
    asked = [one["label"] for one in found.document["explanations"]]
    assert len({path for path in written if path.suffix == ".png"}) == len(asked) == len(found.document["pictures"])
    assert all("1.2.840.1000" in path.name and not path.name.startswith(".") for path in written)


def test_samples_are_written_into_their_folder_only_whatever_they_are_called(cli, tmp_path, monkeypatch):
    import cxrkd.data.preview as module

    table = preview(PhantomConfig(n_patients=24, image_size=32))
    ids = table.ids.astype("<U500")
    ids[: len(HOSTILE)] = HOSTILE
    odd = replace(table, ids=ids, draw=lambda row, size: replace(render(0, 0, 0, size), image_id=str(ids[row])))
    monkeypatch.setattr(module, "preview", lambda config: odd)
    out = tmp_path / "a" / "b" / "c" / "out"
    found = cli("data", "samples", "--patients", 24, "--image-size", 32, "--out", out, "-n", len(HOSTILE), "--json")
    assert found.code == 0, found.err
    files = {path for path in tmp_path.rglob("*") if path.is_file()}
    assert {path.parent for path in files} == {out}
    assert len(files) == len(HOSTILE) + 1
    assert [sample["id"] for sample in json.loads((out / "samples.json").read_text())] == ids[: len(HOSTILE)].tolist()
