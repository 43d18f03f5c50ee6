"""`--sample`: what pages show without an upload, on the command line."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cxrkd.data import load_cohort
from cxrkd.data.decode import decode
from cxrkd.data.readers.samples import SamplesConfig
from cxrkd.places import SAMPLES

BOXED, PLAIN, NORMAL = "00018762_002", "00028430_000", "00013112_003"


@pytest.fixture(scope="module")
def nih(tiny_run, tmp_path_factory):
    """The tiny run as one of ChestX-ray14, whose films are not here."""
    path = Path(shutil.copytree(tiny_run.path, tmp_path_factory.mktemp("runs") / "nih"))
    config = json.loads((path / "config.json").read_text())
    config["data"] = {"kind": "chestxray14", "folder": "absent", "image_size": config["data"]["image_size"]}
    (path / "config.json").write_text(json.dumps(config))
    return path


def test_a_film_that_ships_is_answered_with_what_experts_see(cli, nih, films, tmp_path):
    words = ["classify", "--sample", BOXED, "--sample", NORMAL, films / "grey.png", "--run", nih]
    found = cli(*words, "--engine", "pytorch", "--json", "--csv", tmp_path / "a.csv")
    assert (found.code, found.err) == (0, "")
    first, second, third = found.document["answers"]
    assert [first["name"], second["name"]] == [BOXED, NORMAL]
    assert first["truth"] == {"title": "Expert labels", "present": ["Atelectasis", "Effusion"]}
    assert second["truth"]["present"] == []
    assert "truth" not in third
    assert "24 real films" in found.document["samples"]
    text = cli(*words, "--engine", "pytorch").out
    assert "Expert labels: Atelectasis, Effusion" in text
    assert "Expert labels: no finding" in text
    assert text.startswith("24 real films of ChestX-ray14's test patients")
    assert (tmp_path / "a.csv").read_text().count(BOXED) == 14


def test_the_answer_is_that_about_the_file(cli, nih):
    words = ["--run", nih, "--engine", "pytorch", "--members", "teacher", "--json"]
    (sample,) = cli("classify", "--sample", PLAIN, *words).document["answers"]
    (file,) = cli("classify", SAMPLES / f"{PLAIN}.png", *words, "--force").document["answers"]
    assert sample["members"]["teacher"]["probs"] == pytest.approx(file["members"]["teacher"]["probs"])


def test_a_map_is_held_against_the_box(cli, nih, tmp_path):
    words = ["explain", "--sample", BOXED, "--label", "Atelectasis", "--label", "Effusion", "--run", nih]
    found = cli(*words, "--engine", "pytorch", "--json", "--out", tmp_path)
    assert (found.code, found.err) == (0, "")
    marked, plain = found.document["explanations"]
    films = load_cohort(SamplesConfig(image_size=32))
    mask = films.masks(films.row_of(BOXED), 32)[films.labels.index("Atelectasis")]
    for member in marked["members"].values():
        assert member["lesion"]["area"] == pytest.approx(mask.mean())
    assert not any("lesion" in member for member in plain["members"].values())
    assert len(list(tmp_path.glob(f"{BOXED}-Atelectasis-gradcam-*.png"))) == 3
    assert "of its evidence inside the marked lesion" in cli(*words, "--engine", "pytorch").out


def test_phantoms_are_named_as_their_data_set_names_them(cli, tiny_run):
    table = load_cohort(tiny_run.config.data)
    test, train = (str(table.ids[table.rows(split)[0]]) for split in ("test", "train"))
    found = cli("classify", "--sample", test, "--run", tiny_run.id, "--engine", "pytorch", "--json")
    (answer,) = found.document["answers"]
    assert (answer["name"], answer["warning"], found.document["samples"]) == (test, "", "")
    refused = cli("classify", "--sample", train, "--run", tiny_run.id)
    assert (refused.code, refused.out) == (2, "")
    assert f"Expected a test film of {tiny_run.id}, got '{train}', which it was made with." in refused.err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("classify",), "got none. Name files, or test films by --sample ID."),
        (("explain",), "got none. Name files, or test films by --sample ID."),
        (("explain", "a.png", "--sample", BOXED), "Leave one of them out."),
        (("classify", "--sample", "nobody"), "Expected the id of one of 24 images such as 00018762_002, got 'nobody'."),
    ],
)
def test_what_cannot_be_meant_is_one_sentence(cli, nih, words, sentence):
    found = cli(*words, "--run", nih)
    assert (found.code, found.out) == (2, "")
    assert sentence in found.err


def test_a_run_without_films_says_so(cli, nih, tmp_path):
    path = Path(shutil.copytree(nih, tmp_path / "elsewhere"))
    config = json.loads((path / "config.json").read_text())
    (path / "config.json").write_text(json.dumps(config | {"data": {**config["data"], "kind": "padchest"}}))
    assert "has no films on this machine" in cli("explain", "--sample", BOXED, "--run", path).err


def test_the_films_that_ship_can_be_listed_and_written(cli, tmp_path):
    found = cli("data", "samples", "--kind", "samples", "-n", "24", "--out", tmp_path, "--json")
    assert len(found.document["samples"]) == 24
    tones = np.asarray(Image.open(tmp_path / f"{BOXED}.png"))
    np.testing.assert_array_equal(tones, decode(SAMPLES / f"{BOXED}.png", 224))
