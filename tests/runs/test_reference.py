"""Maps of validation films: made with a run or afterwards, read back, and refused where they do not belong."""

from dataclasses import replace

import numpy as np
import pytest
from safetensors import safe_open
from sklearn.metrics import roc_auc_score

from cxrkd.answers.explanation import explain, with_baselines
from cxrkd.cli import main
from cxrkd.errors import DataError, RunError
from cxrkd.evaluate.trivial import trivial_logits
from cxrkd.explain.explainer import Network
from cxrkd.explain.reference import references
from cxrkd.jobs.execute import execute
from cxrkd.jobs.files import write_json
from cxrkd.models.weights import fingerprint
from cxrkd.runs import create, open_run
from cxrkd.runs.reference import FILE, cohort_of, read_reference
from cxrkd.runs.run import LABELS
from tests.shipped import RUNS


def test_a_run_keeps_the_maps_of_its_validation_films(learned, blobs):
    films = blobs.images[blobs.split == "val"]
    found = read_reference(learned, "gradcam")
    assert list(found) == ["teacher", "alone", "distilled"]
    assert found["teacher"].other_films.size == 0
    for member in ("alone", "distilled"):
        expected = references(learned.load_model(member), films)["gradcam"]
        np.testing.assert_allclose(found[member].other_films, expected.other_films, atol=1e-3)
        np.testing.assert_allclose(found[member].label_means, expected.label_means, atol=1e-3)
        np.testing.assert_allclose(found[member].strong, expected.strong, rtol=1e-5)
    assert "reference" in learned.environment()["seconds"]


@pytest.mark.parametrize("method", ["hirescam", "gradcam++", "layercam"])
def test_every_method_has_its_own_maps(learned, blobs, method):
    films = blobs.images[blobs.split == "val"]
    expected = references(learned.load_model("alone"), films)[method]
    np.testing.assert_allclose(read_reference(learned, method)["alone"].other_films, expected.other_films, atol=2e-3)


def test_with_them_an_agreement_has_a_verdict(learned, blobs):
    networks = {member: Network(learned.load_model(member)) for member in learned.members()}
    films = blobs.images[blobs.split == "test"][:1].astype(np.float32) / 255
    (maps,) = explain(networks, films, references=read_reference(learned, "gradcam"))
    (found,) = with_baselines([maps], networks, films)
    agreement = found.agreement("distilled", learned.labels[0])
    assert isinstance(agreement.above_chance, bool)
    assert not any(one.missing for one in agreement.lines)
    strongest = max(found.strong("teacher", label) or 0 for label in learned.labels)
    assert strongest == pytest.approx(read_reference(learned, "gradcam")["teacher"].strong.max())


def test_a_run_without_the_file_has_none(learned):
    (learned.path / FILE).unlink()
    assert read_reference(learned, "gradcam") == {}


def test_a_damaged_file_and_one_of_other_labels_are_one_sentence(learned):
    write_json(learned.path / LABELS, ["Mass"])
    with pytest.raises(RunError, match=r"other labels.*python -m cxrkd reference"):
        read_reference(open_run(learned.path), "gradcam")
    (learned.path / FILE).write_bytes(b"no tensors")
    with pytest.raises(RunError, match="damaged"):
        read_reference(learned, "gradcam")


def tensors(path):
    """What a file holds; the order of its metadata is not the same twice."""
    with safe_open(path, framework="np") as file:
        return file.metadata(), {name: file.get_tensor(name).tolist() for name in file.keys()}  # noqa: SIM118


def test_the_command_makes_the_same_files_again(learned, blobs, capsys, monkeypatch):
    monkeypatch.setattr("cxrkd.data.load_cohort", lambda config: blobs)
    kept = [learned.path / FILE, learned.path / "metrics.json", learned.path / "predictions" / "trivial-seed0.npz"]
    maps, figures = tensors(kept[0]), kept[1].read_bytes()
    said = learned.predictions("trivial", "test").logits
    for path in kept:
        path.unlink()
    assert main(["reference", learned.id]) == 0
    out = capsys.readouterr().out
    assert FILE in out
    assert "no anatomy" in out
    assert tensors(kept[0]) == maps
    assert kept[1].read_bytes() == figures
    assert np.array_equal(learned.predictions("trivial", "test").logits, said, equal_nan=True)
    assert main(["reference", learned.id, "--folder", "elsewhere"]) == 2
    assert "Phantoms are drawn" in capsys.readouterr().err


def test_a_run_is_held_against_what_knows_no_anatomy(learned, blobs):
    rows = blobs.rows("test")
    asked = trivial_logits(blobs.images, blobs.targets, blobs.rows("train"), rows)
    np.testing.assert_allclose(learned.predictions("trivial", "test").logits[0], asked, rtol=1e-5)
    metrics = learned.metrics()
    k = next(k for k, row in enumerate(metrics.trivial.labels) if row.evaluable)
    assert metrics.trivial.labels[k].auroc == pytest.approx(roc_auc_score(blobs.targets[rows, k], asked[:, k]))
    distilled = metrics.of("distilled").over_seeds.macro_auroc
    assert metrics.above.macro_diff == pytest.approx(distilled - metrics.trivial.macro_auroc)


def test_other_films_than_the_run_was_measured_on_are_refused(learned, blobs, monkeypatch):
    monkeypatch.setattr("cxrkd.data.load_cohort", lambda config: replace(blobs, ids=np.char.add(blobs.ids, "x")))
    with pytest.raises(DataError, match="other films"):
        cohort_of(learned)


def test_too_few_validation_films_keep_no_maps(config, capsys):
    run = create(config())
    execute(run)
    assert not (run.path / FILE).exists()
    assert run.has_predictions("trivial")
    assert main(["reference", run.id]) == 0
    assert "fewer than 24 validation films" in capsys.readouterr().out


@pytest.mark.parametrize("name", RUNS)
def test_what_ships_belongs_to_the_weights_that_ship(name):
    run = open_run(name)
    with safe_open(run.path / FILE, framework="np") as file:
        told = file.metadata()
    for member in run.members():
        assert told[f"{member}.weights"] == fingerprint(run.load_model(member)), "make it again: cxrkd reference"
    assert (run.path / FILE).stat().st_size < 600_000
    assert set(read_reference(run, "xgradcam")) == set(run.members())
