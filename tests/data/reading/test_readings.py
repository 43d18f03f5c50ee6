"""What radiologists read, from a table with a row for a film and a reader."""

import numpy as np
import pytest

from cxrkd.data.reading.readings import read_readings
from cxrkd.errors import DataError

HEADER = "Image_ID,Patient_ID,Reader_ID,Abnormal,Effusion,Pleural_Thickening,Other"
LABELS = ("Pleural thickening", "Mass", "Effusion")


def read(tmp_path, *rows, header=HEADER, ids=("a", "b"), labels=LABELS):
    path = tmp_path / "readers.csv"
    path.write_text("\n".join([header, *rows]))
    return read_readings(path, labels, ids)


def test_words_numbers_and_gaps_go_where_film_reader_and_finding_are(tmp_path):
    found = read(
        tmp_path,
        "a.png,1,two,1,YES,no,YES",
        "deep/b.png,2,one,0,,1,NO",
        "deep\\b.png,2,two,0,0,False,NO",
        "elsewhere.png,9,three,1,YES,YES,NO",
    )
    assert (found.readers, found.labels) == (("one", "two"), LABELS)
    nan = np.nan
    expected = [[[nan, nan, nan], [1, nan, nan]], [[0, nan, 1], [0, nan, 0]]]
    np.testing.assert_array_equal(found.calls, expected)


def test_a_name_that_two_folders_share_is_no_name(tmp_path):
    found = read(tmp_path, "x/a.png,1,one,1,YES,NO,", "y/a.png,2,one,1,NO,NO,", ids=("x-a", "a"))
    np.testing.assert_array_equal(found.calls[0, :, 2], [1, np.nan])


def test_films_of_one_folder_are_known_without_it(tmp_path):
    rows = ("7_1.png,1,one,1,YES,NO,", "8_1.png,2,one,1,NO,NO,")
    found = read(tmp_path, *rows, ids=("images-8_1", "images-7_1"))
    np.testing.assert_array_equal(found.calls[0, :, 2], [0, 1])
    with pytest.raises(DataError, match="none of the 2 films"):
        read(tmp_path, *rows, ids=("x-8_1", "images-7_1"))


@pytest.mark.parametrize(
    ("rows", "header", "sentence"),
    [
        (["a.png,1,one,1,maybe,NO,"], HEADER, r"row 2, column 'Effusion': expected 0, 1, YES, NO or nothing, got 'may"),
        (["a.png,1,,1,YES,NO,"], HEADER, r"row 2: the column 'Reader_ID' is empty"),
        (["a.png,1,one,1,YES,NO,", "a.jpg,1,one,1,YES,NO,"], HEADER, r"rows 2 and 3: 'one' reads one film twice"),
        (["c.png,1,one,1,YES,NO,"], HEADER, r"none of the 2 films .*expected names such as 'a'"),
        (["a.png,1,one"], "Image_ID,who,Effusion", r"expected one column of the reader, called reader_id"),
        (["a.png,one,YES"], "image,reader,Flu", r"a column of none of the findings Pleural thickening, Mass, Effusion"),
        (["a.png,one,YES,NO"], "image,reader,Mass,mass", r"'Mass' and 'mass' are one finding"),
    ],
)
def test_what_is_not_understood_is_one_sentence(tmp_path, rows, header, sentence):
    with pytest.raises(DataError, match=sentence):
        read(tmp_path, *rows, header=header)


def test_the_published_table(shared_data):
    """Against pandas, for the five readers of the expert-labelled films."""
    import pandas as pd

    path = shared_data / "nih_1024" / "expert_readers.csv"
    raw = pd.read_csv(path, dtype=str)
    ids = sorted({name.removesuffix(".png") for name in raw["Image_ID"]})
    found = read_readings(path, ("Effusion", "Abnormal"), ids)
    assert found.readers == ("reader1", "reader2", "reader3", "reader4", "reader5")
    assert not np.isnan(found.calls).any()
    wide = raw.pivot(index="Image_ID", columns="Reader_ID")
    np.testing.assert_array_equal(found.calls[:, :, 0], (wide["Effusion"] == "YES").to_numpy().T)
    np.testing.assert_array_equal(found.calls[:, :, 1], wide["Abnormal"].to_numpy().T.astype(float))
