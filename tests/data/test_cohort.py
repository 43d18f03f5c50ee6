"""One table with lazy pixels: what is refused, what is lazy, what a film of a row is."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from cxrkd.data import load_cohort
from cxrkd.data.cohort import Cohort, check_no_leak
from cxrkd.data.lesions import Boxes
from cxrkd.data.pixels import InMemory
from cxrkd.errors import DataError
from cxrkd.images.radiograph import digest_of


@pytest.fixture
def cohort():
    images = np.random.default_rng(0).integers(0, 256, (6, 32, 32), np.uint8)
    targets = np.array([[1, 0], [0, 0], [0, np.nan], [np.nan, np.nan], [1, 1], [0, 1]], np.float32)
    return Cohort(
        name="six",
        labels=("Mass", "Edema"),
        targets=targets,
        patients=np.array(["a", "a", "b", "c", "d", "e"]),
        ids=np.array([f"film-{i}" for i in range(6)]),
        split=np.array(["train", "train", "train", "val", "test", "test"]),
        views=np.array(["PA", "AP"] * 3),
        pixels=InMemory(images, "six"),
        lesions=Boxes(np.array([4]), np.array([1]), np.array([[0.25, 0.5, 0.25, 0.125]]), 2),
    )


def test_what_is_known_of_each_row(cohort):
    assert (len(cohort), cohort.size, cohort.fingerprint) == (6, 32, "six")
    assert cohort.positive.sum() == 4
    assert cohort.unlabelled.tolist() == [False, False, False, True, False, False]
    assert cohort.no_finding.tolist() == [False, True, False, False, False, False]
    assert cohort.rows("test").tolist() == [4, 5]
    assert cohort.titles is cohort.ids
    assert cohort.row_of("film-3") == 3
    with pytest.raises(DataError, match="Expected the id of one of 6 images such as film-0, got 'nobody'"):
        cohort.row_of("nobody")


def test_a_film_of_a_row(cohort):
    film = cohort.film(4)
    np.testing.assert_array_equal(film.tones, cohort.images[4])
    assert (film.name, film.patient, film.view, film.real) == ("film-4", "d", "PA", True)
    assert film.truth.present == ("Mass", "Edema")
    assert film.truth.severity is None
    masks = film.truth.masks(64)
    assert masks.shape == (2, 64, 64)
    assert masks[1, 32:40, 16:32].all()
    assert masks.sum() == 8 * 16
    assert not cohort.film(0).truth.masks(16).any()
    assert cohort.film(3).truth.present is None
    assert cohort.film(4, 16).tones.shape == (16, 16)
    assert film.key.startswith("film-4-"), "no film is read for its name in a cache"
    assert film.key.endswith("@32")
    assert film.sha256 == digest_of(cohort.images[4].astype(np.float32) / np.float32(255))
    assert film.gate is None


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"split": np.array(["train", "test", "train", "val", "test", "test"])}, "1 patients are in more than one"),
        ({"ids": np.array(["a", "b", "c", "d", "e", "a"])}, "a comes twice"),
        ({"views": np.array(["PA"])}, "expected 6 rows in every column"),
        ({"pixels": InMemory(np.zeros((5, 32, 32), np.uint8), "five")}, "expected 6 rows in every column"),
        ({"labels": ("Mass",)}, "expected 6 rows in every column"),
        ({"labels": ("Mass", "mass ")}, "cannot be told apart"),
        ({"labels": ("Mass", "split")}, "a label cannot be called 'split'"),
    ],
)
def test_a_table_that_nothing_can_be_learned_from_is_refused(cohort, changes, sentence):
    with pytest.raises(DataError, match=sentence):
        replace(cohort, **changes)


def test_leaking_patients_are_counted_and_named():
    patients, split = np.repeat([f"p{i}" for i in range(6)], 2), np.array(["train", "test"] * 5 + ["val", "val"])
    with pytest.raises(DataError, match=r"5 patients .* \(for example p0, p1, p2\)"):
        check_no_leak(patients, split)
    check_no_leak(patients, np.repeat(["train", "val", "test"], 4))
    check_no_leak(np.array([]), np.array([]))


def test_a_run_needs_every_split(own):
    from cxrkd.data.readers.folder import FolderConfig

    for row in own.rows:
        row["split"] = "train"
    own.header = [*own.header, "split"]
    own.write()
    with pytest.raises(DataError, match=r"expected images in train, val and test; test has none"):
        load_cohort(FolderConfig(folder=own.folder))


def test_a_list_of_kinds_is_quick():
    code = (
        "import sys; from cxrkd.config import READERS, RunConfig; list(READERS); RunConfig(name='x')\n"
        "print(*{'torch', 'cv2', 'pandas', 'joblib', 'scipy', 'pydicom', 'PIL'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
