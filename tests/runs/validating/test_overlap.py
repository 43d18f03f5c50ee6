"""Patients that a run was trained on are refused: by number, by file, by picture, with all their films."""

import shutil

import cv2
import numpy as np
import pytest

from cxrkd.config import READERS
from cxrkd.errors import ConfigError, DataError
from cxrkd.images.likeness import BYTES
from cxrkd.jobs.queue import delete
from cxrkd.runs.seen import Seen
from cxrkd.runs.validating.films import what_it_saw
from cxrkd.runs.validating.overlap import OverlapError, find_overlap, own_rows, refuse_other_patients
from tests import toys


def leak(second, first, how):
    """Put a film of patient 3, who was trained on, among those of the second hospital."""
    source = first.folder / first.rows[2]["image"]
    if how == "number":
        second.add("new/n.png", "003", "test", 7777, Effusion=1)
    elif how == "file":
        second.add(f"other/{source.name}", "x1", "test", 7777, Effusion=1)
    else:
        film = cv2.imread(str(source), cv2.IMREAD_GRAYSCALE)
        film = cv2.resize(film, (64, 64), interpolation=cv2.INTER_LINEAR) if how == "resized" else film
        target = second.add("new/a.png", "x1", "test", 7777, Effusion=1)
        if how == "compressed":
            target.unlink()
            second.rows[-1]["image"] = "new/a.jpg"
            cv2.imwrite(str(target.with_suffix(".jpg")), film, [cv2.IMWRITE_JPEG_QUALITY, 50])
        else:
            cv2.imwrite(str(target), film)
    second.add(f"new/b{len(second.rows)}.png", second.rows[-1]["patient"], "test", 7778, Effusion=0)


WAYS = ["number", "file", "picture", "resized", "compressed"]


@pytest.mark.parametrize("how", WAYS)
def test_a_patient_who_was_trained_on_is_refused_with_all_films(first, second, ask, how):
    leak(second, first, how)
    with pytest.raises(OverlapError) as refused:
        ask(second.write())
    said = str(refused.value)
    assert "measured was trained on 1 patient of second (labels.csv), with 2 of its 42 films" in said
    assert {"number": "new-n, of patient 003", "file": "a film of that name"}.get(
        how, "the picture of images-00000003"
    ) in said
    assert "--leave-out" in said
    assert ("--other-patients" in said) == (how in ("number", "file"))


@pytest.mark.parametrize("how", ["number", "picture"])
def test_the_others_can_be_measured_on(first, second, ask, how):
    leak(second, first, how)
    validation = ask(second.write(), leave_out=True)
    facts = validation.facts()
    assert (facts.n_films, facts.left_out_films, facts.left_out_patients) == (40, 2, 1)
    assert not [name for name in validation.test()["teacher"].ids if name.startswith("new")]


def test_numbers_of_another_hospital_may_mean_other_people_but_pictures_do_not(first, second, ask):
    leak(second, first, "number")
    assert ask(second.write(), other_patients=True).facts().n_films == 42
    leak(second, first, "picture")
    with pytest.raises(OverlapError, match="the picture of images-00000003"):
        ask(second.write(), other_patients=True)


def test_where_nobody_is_left_there_is_nothing_to_measure(first, ask):
    rows = [{**row, "split": "test"} for row in first.rows if row["split"] == "train"]
    with pytest.raises(DataError, match="nothing is left"):
        ask(first.write("train.csv", rows), leave_out=True)


def test_validation_patients_count_as_trained_on(first, ask):
    rows = [{**row, "split": "test"} for row in first.rows if row["split"] != "train"]
    with pytest.raises(OverlapError, match="30 patients"):
        ask(first.write("val.csv", rows))


def test_what_networks_started_from_counts_too(run, config, second):
    later = toys.finished_run(
        config("Later", arch="plain_toy", student_from=run.id, patients=20), skill={"teacher": 1.0, "distilled": 1.0}
    )
    own, sources, notes = what_it_saw(later)
    assert [len(seen.ids) for _, seen in sources] == [len(own.trained_on.ids), 40]
    assert notes == []
    delete(run)
    assert what_it_saw(later)[2] == ["measured, which networks of later started from, is gone."]


def films(names, patients, seed=0, files=None):
    hashes = np.random.default_rng(seed).integers(0, 256, (len(names), BYTES), np.uint8)
    names = np.array(names)
    return Seen(
        names, names if files is None else np.array(files), np.array(patients), np.full(len(names), "train"), hashes
    )


def settings(kind, folder="x"):
    needed = {"folder": folder} if "folder" in READERS[kind].config.model_fields else {}
    return READERS[kind].config.model_validate(needed)


@pytest.mark.parametrize(
    ("theirs", "mine", "number"),
    [
        ("chestxray14", "chestxray14", True),
        ("chestmnist", "chestxray14", True),
        ("folder", "chexpert", True),
        ("chexpert", "folder", True),
        ("chexpert", "chestxray14", False),
        ("padchest", "chexpert", False),
    ],
)
def test_numbers_mean_one_person_within_an_origin_and_in_sets_of_unknown_origin(theirs, mine, number):
    one, other = films(["a", "b"], ["1", "2"]), films(["c", "a"], ["3", "2"], seed=1)
    overlap = find_overlap(one, [(settings(mine), other)], settings(theirs), False)
    assert overlap.rows.tolist() == [number, number]
    assert (overlap.by_number, overlap.by_file, overlap.by_picture) == ((1, 1, 0) if number else (0, 0, 0))


def test_two_sets_of_one_published_origin_have_the_same_patients():
    with pytest.raises(ConfigError, match="Leave it out"):
        refuse_other_patients(settings("chestmnist"), settings("chestxray14"), True)
    refuse_other_patients(settings("folder"), settings("chestxray14"), True)
    refuse_other_patients(settings("chexpert"), settings("chestxray14"), True)


def test_phantoms_are_told_apart_by_their_numbers_alone():
    one, other = films(["a", "b"], ["1", "2"]), films(["c", "b"], ["3", "2"])
    overlap = find_overlap(one, [(settings("phantom"), other)], settings("phantom"), False)
    assert (overlap.rows.tolist(), overlap.by_picture) == ([False, True], 0)
    assert find_overlap(one, [(settings("chexpert"), other)], settings("phantom"), False).by_picture == 2


def test_names_that_come_twice_say_nothing():
    """As CheXpert's view1_frontal.jpg."""
    one = films(["p1-v", "p2-v"], ["x", "y"], files=["v", "v"])
    other = films(["p3-v", "p4-w"], ["z", "w"], seed=1, files=["v", "w"])
    assert not find_overlap(one, [(settings("folder"), other)], settings("folder"), False).rows.any()


def test_own_films_are_found_by_name_and_picture_in_any_order():
    own = films(["images-1", "images-2", "images-3"], ["1", "2", "3"], files=["1", "2", "3"])
    asked = Seen(
        np.array(["3", "images-1"]), np.array(["3", "1"]), np.array(["c", "a"]), own.split[:2], own.likeness[[2, 0]]
    )
    assert own_rows(asked, own).tolist() == [2, 0]
    assert own_rows(Seen(asked.ids, asked.names, asked.patients, asked.split, own.likeness[[0, 2]]), own) is None
    twice = Seen(
        np.array(["a-3", "b-3"]),
        np.array(["3", "3"]),
        *(column[:2] for column in (own.patients, own.split, own.likeness)),
    )
    assert own_rows(twice, own) is None


def test_a_file_that_is_copied_within_the_tree_is_a_picture(first, second, ask):
    """Also where nothing else is alike."""
    target = second.folder / "images" / "9.png"
    shutil.copyfile(first.folder / first.rows[0]["image"], target)
    second.rows.append({"image": "images/9.png", "patient": "q", "split": "test", "Effusion": 1})
    with pytest.raises(OverlapError, match="the picture of"):
        ask(second.write())
