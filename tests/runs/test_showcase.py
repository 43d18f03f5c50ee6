"""What the first look at a run shows: the same from its file as computed, and nothing of other weights."""

import shutil

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.numpy import save_file

from cxrkd.checksums import seal
from cxrkd.cost.count import count
from cxrkd.explain.cam import grad_cam
from cxrkd.jobs.execute import execute
from cxrkd.jobs.job import SHIPPED
from cxrkd.runs import create, open_run
from cxrkd.runs.run import Run
from cxrkd.runs.showcase import FILE, clearest, film_in, make_showcase, read_showcase, write_showcase


@pytest.fixture
def learned(config, blob_data):
    """A finished run on the blobs."""
    run = create(config(seeds=(0,)))
    execute(run)
    return run


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


@pytest.mark.parametrize("name", sorted(path.name for path in SHIPPED.iterdir()))
def test_what_ships_is_of_the_weights_that_ship(name):
    run = open_run(name)
    kept = read_showcase(run)
    assert list(kept.costs) == run.members(), "make it again: cxrkd reference"
    assert kept.look.label in run.labels
    drawn = run.config.data.kind == "phantom"
    assert (kept.look.tones is not None) == (kept.look.lesion is not None) == drawn, "films of patients stay at home"
    assert (run.path / FILE).stat().st_size < (110_000 if drawn else 10_000)
    assert kept.costs["distilled"] == count(Run(run.path).load_model("distilled"))


def test_the_showcase_is_the_case_that_all_members_recognise():
    logits = {"teacher": np.array([[4.0, -4.0], [3.0, 5.0]]), "distilled": np.array([[-4.0, 0.0], [2.0, 6.0]])}
    cuts = {member: np.array([0.5, 0.5]) for member in logits}
    assert clearest(logits, cuts, np.array([[1.0, 0.0], [1.0, 1.0]])) == (1, 1)
    assert clearest(logits, cuts, np.array([[1.0, 0.0], [1.0, 0.0]])) == (1, 0)
    assert clearest(logits, cuts, np.zeros((2, 2))) is None


def test_the_showcase_prefers_some_labels_where_one_is_present():
    logits = {"teacher": np.array([[1.0, 9.0], [0.5, 9.0]])}
    cuts = {"teacher": np.array([0.5, 0.5])}
    assert clearest(logits, cuts, np.ones((2, 2)), preferred=[0]) == (0, 0)
    assert clearest(logits, cuts, np.array([[0.0, 1.0], [0.0, 0.0]]), preferred=[0]) == (0, 1)
