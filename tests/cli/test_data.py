import json

import numpy as np
import pytest
from PIL import Image

from cxrkd.data import load_cohort
from cxrkd.data.readers.phantom import PhantomConfig

COHORT = ["--patients", 24, "--image-size", 32]


@pytest.fixture(scope="module")
def cohort():
    return load_cohort(PhantomConfig(n_patients=24, image_size=32))


def test_the_counts_are_those_of_the_cohort(cli, cohort):
    found = cli("data", "show", *COHORT, "--json").document
    k = cohort.labels.index("Effusion")
    assert found["n"] == len(cohort)
    assert found["synthetic"] is True
    assert found["labels"]["Effusion"]["n_pos"] == int(cohort.targets[:, k].sum())
    assert found["labels"]["Effusion"]["n_pos_train"] == int(cohort.targets[cohort.rows("train"), k].sum())
    mass = cohort.labels.index("Mass")
    both = int((cohort.targets[:, k] * cohort.targets[:, mass]).sum())
    assert found["co_occurrence"]["Effusion"]["Mass"] == found["co_occurrence"]["Mass"]["Effusion"] == both
    assert sum(split["n"] for split in found["splits"].values()) == len(cohort)


def test_unlabelled_films_are_counted_and_are_not_called_films_without_finding(cli, own, tmp_path):
    own.header = [*own.header, "split"]
    for index, row in enumerate(own.rows):
        row["split"] = ("train", "train", "train", "val", "test", "test")[index // 4]
        row |= {"Effusion": "", "Mass": ""} if index % 6 == 0 else {}
    own.rows[1] |= {"Effusion": 0, "Mass": 0}
    own.rows[2] |= {"Effusion": 0, "Mass": ""}
    own.write()
    words = ["--kind", "folder", "--folder", own.folder, "--image-size", 32]
    facts = cli("data", "show", *words, "--json").document
    assert (facts["n"], facts["unlabelled"], facts["no_finding"]) == (24, 4, 1)
    assert {name: split["unlabelled"] for name, split in facts["splits"].items()} == {"train": 2, "val": 1, "test": 1}
    assert "4 images have no known label (train 2, val 1, test 1): " in cli("data", "show", *words).out
    found = cli("data", "samples", *words, "--out", tmp_path / "pictures", "-n", 3)
    rows = [line.split() for line in found.out.splitlines() if line.startswith("p0-") or line.startswith("p1-")]
    assert [" ".join(row[3:]) for row in rows] == ["unknown", "no finding", "unknown"]


def test_where_everything_is_labelled_nothing_is_said_of_it(cli, cohort):
    found = cli("data", "show", *COHORT)
    assert "nlabelled" not in found.out
    assert f"no finding {int((cohort.targets == 0).all(1).sum())}" in found.out


def test_people_are_told_that_these_are_phantoms_and_do_not_leak(cli):
    found = cli("data", "show", *COHORT)
    assert found.code == 0
    assert "drawn, not of patients" in found.out
    assert "no patient is in two splits" in found.out


def test_a_leak_is_an_error(cli, monkeypatch):
    def leaking(patients, seed, targets):
        return np.where(np.arange(len(patients)) % 2, "train", "test")

    monkeypatch.setattr("cxrkd.data.splits.split_by_patient", leaking)
    found = cli("data", "show", *COHORT)
    assert found.code == 2
    assert "more than one split" in found.err


def test_samples_are_the_films_of_the_cohort(cli, cohort, tmp_path):
    found = cli("data", "samples", *COHORT, "--out", tmp_path / "films", "-n", 3, "--label", "effusion", "--json")
    samples = found.document["samples"]
    assert len(samples) == 3
    for sample in samples:
        row = list(cohort.ids).index(sample["id"])
        np.testing.assert_array_equal(np.asarray(Image.open(sample["path"])), cohort.images[row])
        assert "Effusion" in sample["labels"]
        assert sample["split"] == cohort.split[row]
    assert json.loads((tmp_path / "films" / "samples.json").read_text()) == samples


def test_the_cohort_of_a_run(cli, tiny_run):
    assert cli("data", "show", "--run", tiny_run.id, "--json").document["config"] == tiny_run.config.data.model_dump()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["show", "--patients", 3], "n_patients: Input should be greater"),
        (["show", "--patients", 30, "--run", "x"], "either --run or"),
        (["samples", "--out", "OUT", "-n", 0], "at least one sample"),
        (["samples", "--out", "OUT", "--label", "Gout"], "Expected a label among"),
    ],
)
def test_a_wrong_choice_is_one_sentence(cli, tmp_path, words, message):
    found = cli("data", *[tmp_path if word == "OUT" else word for word in words])
    assert (found.code, found.out) == (2, "")
    assert message in found.err
