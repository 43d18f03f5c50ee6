"""What the first look at a run shows: the same from its file as computed, and nothing of other weights."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.numpy import save_file

from cxrkd.checksums import seal
from cxrkd.cost.count import count
from cxrkd.data import load_cohort
from cxrkd.data.readers.samples import SamplesConfig
from cxrkd.explain.cam import grad_cam
from cxrkd.runs import open_run
from cxrkd.runs.run import Run
from cxrkd.runs.showcase import FILE, clearest, film_in, make_showcase, read_showcase, write_showcase
from tests.shipped import RUNS


def test_a_finished_run_keeps_what_its_networks_say_of_one_film(learned, blobs):
    kept = read_showcase(learned)
    assert kept.costs == {member: count(learned.load_model(member)) for member in learned.members()}
    k, row = learned.labels.index(kept.look.label), np.flatnonzero(blobs.ids == kept.look.image_id)[0]
    assert blobs.split[row] == "test"
    assert blobs.targets[row, k] == 1
    x = torch.from_numpy(blobs.images[row].astype(np.float32) / 255)[None, None]
    assert list(kept.look.maps) == ["teacher", "distilled"]
    np.testing.assert_array_equal(kept.look.tones, blobs.images[row])
    assert not kept.look.lesion.any(), "nobody marked any"
    for member, heat in kept.look.maps.items():
        cam = grad_cam(learned.load_model(member), x)
        np.testing.assert_array_equal(heat, cam.cams[k])
        assert kept.look.probs[member] == pytest.approx(1 / (1 + np.exp(-float(cam.logits[k]))))


def test_it_is_read_as_it_was_made_and_only_for_the_weights_it_was_made_of(learned, blobs, caplog):
    made, kept = make_showcase(learned, film_in(blobs)), read_showcase(learned)
    assert (kept.costs, kept.look.image_id, kept.look.label) == (made.costs, made.look.image_id, made.look.label)
    assert kept.look.probs == made.look.probs
    other = learned.weights_path("alone")
    shutil.copyfile(other, learned.weights_path("distilled"))
    assert read_showcase(learned) is None, "belongs to other weights"
    write_showcase(learned, film_in(blobs))
    again = read_showcase(learned)
    assert not np.array_equal(again.look.maps["distilled"], kept.look.maps["distilled"])
    content = bytearray((learned.path / FILE).read_bytes())
    content[-1] ^= 4
    (learned.path / FILE).write_bytes(content)
    assert read_showcase(learned) is None
    assert "damaged" in caplog.text
    (learned.path / FILE).unlink()
    assert read_showcase(learned) is None


@pytest.mark.parametrize(
    "damage",
    [
        {"teacher": np.zeros(9, np.float32)},
        {"distilled": np.zeros((3, 3), np.float64)},
        {"film.tones": np.zeros((4, 4, 3), np.uint8)},
        {"film.lesion": np.zeros((2, 2), np.uint8)},
        {"look": "[]"},
        {"look": '{"image": "x", "label": "no such", "probs": {"teacher": 1, "distilled": 1}}'},
        {"costs": "3"},
    ],
    ids=lambda damage: next(iter(damage)),
)
def test_a_file_of_another_shape_is_computed_again(learned, damage, caplog):
    """Run folders come from elsewhere, and whoever writes a file can write its checksum."""
    path = learned.path / FILE
    with safe_open(path, framework="np") as file:
        metadata, tensors = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    for name, value in damage.items():
        (metadata if isinstance(value, str) else tensors)[name] = value
    save_file(tensors, path, metadata)
    seal(path)
    assert read_showcase(learned) is None
    assert "damaged" in caplog.text


def test_a_run_on_patients_keeps_a_film_that_ships(learned, blobs):
    """Its own films stay where they are: whoever gets the run has none of them."""
    own = replace(blobs, synthetic=False)
    config = {**json.loads((learned.path / "config.json").read_text()), "version": 1}
    config["data"] = {"kind": "chestxray14", "folder": "none", "image_size": learned.config.data.image_size}
    write_showcase(learned, film_in(own))
    assert (read_showcase(learned).look.tones, read_showcase(learned).look.shipped) == (None, False)
    (learned.path / "config.json").write_text(json.dumps(config))
    run = Run(learned.path)
    write_showcase(run, film_in(own))
    look, films = read_showcase(run).look, load_cohort(SamplesConfig(image_size=run.config.data.image_size))
    row, k = films.row_of(look.image_id), films.labels.index(look.label)
    assert look.shipped
    assert films.positive[row, k]
    np.testing.assert_array_equal(look.lesion, films.masks(row, films.size)[k])
    np.testing.assert_array_equal(look.tones, films.film(row).tones)
    cam = grad_cam(run.load_model("teacher"), torch.from_numpy(films.film(row).pixels)[None, None])
    np.testing.assert_allclose(look.maps["teacher"], cam.cams[k], atol=1e-5)


@pytest.mark.parametrize("name", RUNS)
def test_what_ships_is_of_the_weights_that_ship(name):
    run = open_run(name)
    kept = read_showcase(run)
    assert list(kept.costs) == run.members(), "make it again: cxrkd reference"
    assert kept.look.label in run.labels
    assert kept.look.shipped == (run.config.data.kind != "phantom"), "of patients only films that ship are shown"
    assert kept.look.lesion.any()
    assert (run.path / FILE).stat().st_size < 110_000
    if kept.look.shipped:
        films = load_cohort(SamplesConfig(image_size=run.config.data.image_size))
        np.testing.assert_array_equal(kept.look.tones, films.film(films.row_of(kept.look.image_id)).tones)
    assert kept.costs["distilled"] == count(Run(run.path).load_model("distilled"))


def test_the_showcase_is_the_case_that_all_members_recognise():
    logits = {"teacher": np.array([[4.0, -4.0], [3.0, 5.0]]), "distilled": np.array([[-4.0, 0.0], [2.0, 6.0]])}
    cuts = {member: np.array([0.5, 0.5]) for member in logits}
    assert clearest(logits, cuts, np.array([[1.0, 0.0], [1.0, 1.0]])) == (1, 1)
    assert clearest(logits, cuts, np.array([[1.0, 0.0], [1.0, 0.0]])) == (1, 0)
    assert clearest(logits, cuts, np.zeros((2, 2))) is None


def test_without_thresholds_the_showcase_is_the_most_probable_case():
    logits = {"teacher": np.array([[1.0, 0.0], [2.0, 0.0]])}
    assert clearest(logits, {"teacher": np.array([np.nan, np.nan])}, np.ones((2, 2))) == (1, 0)
    assert clearest(logits, {"teacher": np.array([np.nan, 0.5])}, np.ones((2, 2))) == (0, 1)


def test_the_showcase_prefers_some_labels_where_one_is_present():
    logits = {"teacher": np.array([[1.0, 9.0], [0.5, 9.0]])}
    cuts = {"teacher": np.array([0.5, 0.5])}
    assert clearest(logits, cuts, np.ones((2, 2)), preferred=[0]) == (0, 0)
    assert clearest(logits, cuts, np.array([[0.0, 1.0], [0.0, 0.0]]), preferred=[0]) == (0, 1)
