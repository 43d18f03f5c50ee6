"""What a run starts from must not have seen patients that it tests on: looked up film by film, wherever they lie."""

import shutil

import pytest

from cxrkd.errors import ConfigError
from cxrkd.jobs.execute import execute
from cxrkd.runs.making import create
from cxrkd.runs.refusing import settle
from tests import toys
from tests.runs.validating.conftest import Hospital


@pytest.fixture
def moved(first, tmp_path):
    """The films of the run, in another folder."""
    shutil.copytree(first.folder, tmp_path / "moved")
    return Hospital(tmp_path / "moved", [dict(row) for row in first.rows])


def starting(data, **changes):
    changes = changes or {"teacher_from": "measured"}
    return toys.tiny_config("Starting", data=data, arch="plain_toy", control=False, **changes)


def refusal(config):
    run = create(settle(config).config)
    with pytest.raises(ConfigError) as raised:
        execute(run)
    assert run.state.status == "failed"
    assert not list(run.path.glob("models/*")), "nothing is trained that cannot be measured"
    return str(raised.value)


def test_the_same_split_in_another_folder_is_taken(run, moved):
    made = create(settle(starting(moved.write())).config)
    execute(made)
    assert made.state.status == "done"


@pytest.mark.parametrize("field", ["teacher_from", "student_from"])
def test_a_patient_of_another_split_is_refused_before_anything_is_trained(run, moved, field):
    for row in moved.rows[:2]:
        row["split"] = "test"
    sentence = refusal(starting(moved.write(), **{field: "measured"}))
    assert "trained on 2 of the patients that this run would test on, with 2 of 32 test films" in sentence
    assert field.split("_")[0] in sentence


def test_so_is_one_whose_number_and_file_are_called_otherwise(run, moved):
    row = moved.rows[0]
    shutil.copy(moved.folder / row["image"], moved.folder / "images" / "other.png")
    moved.rows.append(row | {"image": "images/other.png", "patient": 777, "split": "test"})
    assert "trained on 1 of the patients" in refusal(starting(moved.write()))


def test_another_seed_of_the_split_is_refused_without_reading_a_film(run, moved):
    with pytest.raises(ConfigError, match="another split of the same patients"):
        settle(starting(moved.write().model_copy(update={"seed": 9})))
