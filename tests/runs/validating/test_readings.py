"""Radiologists in a validation: held against the answers that are kept, kept as they came out, read back or refused."""

import numpy as np
import pytest

from cxrkd.errors import DataError
from cxrkd.evaluate.readers import reader_study
from cxrkd.jobs.execute import execute
from cxrkd.runs.validating.making import asked_before, create_validation, is_current, validation_config
from cxrkd.runs.validating.readers import FILE, study_of
from tests.runs.corruptions import corruptions, told
from tests.trees import write_csv


@pytest.fixture
def readings(second):
    """Three readers of the second hospital's films, by file name, upside down; the third did not read all of them."""
    rng, rows = np.random.default_rng(0), []
    for row in reversed(second.rows):
        for number, skill in enumerate((0.9, 0.6, 0.7)):
            if number == 2 and rng.random() < 0.3:
                continue
            calls = [bool(row["Effusion"]) == (rng.random() < skill), bool(row["mass"]) == (rng.random() < skill)]
            rows.append([row["image"].rpartition("/")[2], f"reader{number}", *("YES" if c else "NO" for c in calls)])
    write_csv(second.folder / "readers.csv", ["Image_ID", "Reader_ID", "Effusion", "MASS"], rows)
    return second.folder / "readers.csv"


def test_networks_are_held_against_radiologists_on_the_films_that_these_read(second, readings, ask):
    validation = ask(second.write(), readers=readings)
    study, test = study_of(validation), validation.test()
    assert study.readers == ("reader0", "reader1", "reader2")
    assert [reach.member for reach in study.members] == ["teacher", "alone", "distilled"]
    calls = np.full((3, 40, 2), np.nan)
    at = {row["image"].rpartition("/")[2]: n for n, row in enumerate(second.rows)}
    for line in readings.read_text().splitlines()[1:]:
        name, reader, *cells = line.split(",")
        calls[int(reader[-1]), at[name]] = [cell == "YES" for cell in cells]
    first = test["teacher"]
    logits = {member: test[member].logits for member in ("teacher", "alone", "distilled")}
    args = (first.targets, first.patients, validation.run().labels, logits)
    assert study == reader_study(study.readers, calls, *args)
    assert study.at("Effusion")[2].n < 40


def test_without_readings_there_is_no_study(second, ask):
    assert study_of(ask(second.write())) is None


def test_readings_are_part_of_the_question_and_of_what_the_answer_follows_from(run, second, readings, ask):
    data = second.write()
    kept = ask(data, readers=readings)
    assert asked_before(run, validation_config(run, data)) == []
    assert asked_before(run, validation_config(run, data, readers=readings)) == [kept]
    assert is_current(kept)
    readings.write_text(readings.read_text().replace("YES", "NO", 1))
    assert not is_current(kept)


def test_readings_of_other_films_are_refused(run, second, readings):
    write_csv(readings, ["Image_ID", "Reader_ID", "Effusion"], [["elsewhere.png", "a", "YES"]])
    validation = create_validation(validation_config(run, second.write(), readers=readings))
    with pytest.raises(DataError, match=r"has none of the 40 films"):
        execute(validation)
    assert validation.state.status == "failed"


def test_a_study_that_is_damaged_is_a_sentence(second, readings, ask):
    validation = ask(second.write(), readers=readings)
    whole = (validation.path / FILE).read_bytes()
    damages = [one for one in corruptions(validation.path) if one.file == FILE]
    assert len(damages) > 20
    for damage in damages[::7]:
        (validation.path / FILE).unlink(missing_ok=True)
        (validation.path / FILE).write_bytes(whole)
        damage.do(validation.path / FILE)
        told(lambda: study_of(validation))
        _remove(validation.path / FILE)


def _remove(path):
    if path.is_dir() and not path.is_symlink():
        path.rmdir()
