"""The films that ship: real, read by experts, marked where somebody marked them, and chosen by a rule."""

import shutil

import numpy as np
import pandas as pd
import pytest

from cxrkd.access import folders
from cxrkd.access.confine import confined
from cxrkd.config import READERS
from cxrkd.data import is_here, load_cohort
from cxrkd.data.readers import samples
from cxrkd.data.readers.samples import SamplesConfig
from cxrkd.errors import DataError
from cxrkd.labels import CHESTXRAY14
from cxrkd.places import SAMPLES
from tests import choose_samples

CONFIG = SamplesConfig(image_size=64)


@pytest.fixture(scope="module")
def films():
    return load_cohort(CONFIG)


def test_they_are_real_test_films_of_different_patients_with_every_label_known(films):
    assert (len(films), films.labels, films.synthetic) == (24, CHESTXRAY14, False)
    assert set(films.split) == {"test"}
    assert len(set(films.patients)) == len(films)
    assert not np.isnan(films.targets).any()
    assert films.no_finding.sum() == 4
    assert films.film(0).truth.title == "Expert labels"
    assert all(films.film(row).real for row in range(len(films)))


def test_boxes_mark_findings_that_the_experts_see(films):
    marked = np.stack([films.masks(row, films.size).any(axis=(1, 2)) for row in range(len(films))])
    assert marked.any(axis=1).sum() == 10
    assert films.positive[marked].all()
    shown = {films.labels[k] for k in np.flatnonzero(marked.any(axis=0))}
    assert shown == {"Atelectasis", "Cardiomegaly", "Effusion", "Mass", "Nodule", "Pneumothorax"}


def test_they_are_at_hand_wherever_the_program_is_and_pages_may_show_them(films, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CXRKD_DATA", "")
    assert is_here(CONFIG)
    assert folders.is_open(CONFIG)
    with confined():
        again = load_cohort(CONFIG)
        np.testing.assert_array_equal(again.film(3).tones, films.film(3).tones)
    assert READERS["samples"].origin == "chestxray14"


def test_what_is_missing_is_named(tmp_path, monkeypatch):
    folder = tmp_path / "samples"
    shutil.copytree(SAMPLES, folder)
    monkeypatch.setattr(samples, "SAMPLES", folder)
    next(folder.glob("*.png")).unlink()
    with pytest.raises(DataError, match=r"1 of 24 images that .*labels\.csv lists are not there"):
        load_cohort(CONFIG)


def test_they_are_little(films):
    assert sum(path.stat().st_size for path in SAMPLES.iterdir()) < 1.25e6


def test_the_rule_gives_these_films_from_the_tree_that_they_came_from(shared_data, tmp_path, monkeypatch):
    words = ["--tree", shared_data / "nih_1024", "--not-trained-on", shared_data / "nih_mini", "--out", tmp_path]
    monkeypatch.setattr("sys.argv", ["choose_samples", *map(str, words)])
    choose_samples.main()
    written = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert written.pop("SHA256SUMS")
    assert written == {name: (SAMPLES / name).read_bytes() for name in written}
    assert {path.name for path in SAMPLES.iterdir()} == {*written, "SHA256SUMS", "SOURCE.md"}


def test_the_rule_takes_one_film_a_patient_marked_ones_first_and_what_all_see():
    names = [f"{patient:08d}_{film:03d}.png" for patient in range(40) for film in range(2)]
    expert = pd.DataFrame(0, names, list(CHESTXRAY14))
    expert.loc[names[:60], "Mass"] = 1
    expert.loc[names[20:24], "Edema"] = 1
    said = expert.replace({0: "NO", 1: "YES"}).assign(Abnormal=[1] * 60 + [0] * 20)
    readers = pd.concat([said.assign(Image_ID=names)] * choose_samples.READERS)
    readers.iloc[0, list(said.columns).index("Mass")] = "NO"  # one of five does not see it
    boxes = pd.DataFrame({"name": names[:10], "finding": "Mass"})
    chosen = choose_samples.choose(expert, readers, boxes, choose_samples.drawn(names))
    assert len({choose_samples.patient_of(name) for name in chosen}) == len(chosen) == 24
    assert set(chosen[: choose_samples.BOXED]) <= set(names[:10])
    assert not set(chosen[choose_samples.BOXED :]) & {names[0]}
    assert sum(expert.loc[name, "Edema"] for name in chosen) == 2, "the rarest first, as long as there are any"
    assert all(said.loc[name, "Abnormal"] == 0 for name in chosen[-choose_samples.NORMAL :])
    assert chosen == choose_samples.choose(expert, readers, boxes, choose_samples.drawn(reversed(names)))
