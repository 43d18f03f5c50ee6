"""One way to read a table, whoever wrote it: columns by name, rows as wide as their header, or a sentence."""

import codecs
import gzip
import io

import numpy as np
import pandas as pd
import pytest

from cxrkd.data.reading.tables import read_csv
from cxrkd.data.reading.text import read_names
from cxrkd.errors import DataError

PLAIN = "image,patient,Effusion\na.png,1,0\nb.png,2,1\n"
ROWS = [["a.png", "1", "0"], ["b.png", "2", "1"]]


def read(tmp_path, content, columns=("image", "patient")):
    path = tmp_path / "labels.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_csv(path, columns)


@pytest.mark.parametrize(
    "content",
    [
        PLAIN,
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("\n", "\r"),
        PLAIN.rstrip(),
        PLAIN.replace(",", ";"),
        PLAIN.replace(",", "\t"),
        "sep=;\r\n" + PLAIN.replace(",", ";"),
        codecs.BOM_UTF8 + PLAIN.encode(),
        PLAIN.encode("utf-16"),
        codecs.BOM_UTF16_BE + PLAIN.encode("utf-16-be"),
        PLAIN.encode("utf-32"),
        PLAIN.replace(",", "\t").encode("utf-16"),
        gzip.compress(PLAIN.encode()),
        '"image","patient","Effusion"\n"a.png","1","0"\n"b.png","2","1"\n',
        ' image , "patient",Effusion\na.png , 1,0\n b.png,2, 1\n',
        "image,patient,Effusion\na.png,1,0,\nb.png,2,1,\n",
        "image,patient,Effusion,,\na.png,1,0,,\nb.png,2,1\n",
        "image,patient,Effusion,Unnamed: 3\na.png,1,0,\nb.png,2,1,\n",
        ",image,patient,Effusion\n0,a.png,1,0\n1,b.png,2,1\n",
        ",image,patient,Effusion\n3,a.png,1,0\n17,b.png,2,1\n",
        "Unnamed: 0,image,patient,Effusion\n0,a.png,1,0\n1,b.png,2,1\n",
        "\n\n" + PLAIN + "\n,,\n\n",
    ],
)
def test_all_these_are_the_same_table(tmp_path, content):
    found = read(tmp_path, content)
    assert found.columns.tolist() == ["image", "patient", "Effusion"]
    assert found.to_numpy().tolist() == ROWS


def test_it_is_what_pandas_wrote(tmp_path):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"image": [f"{i}.png" for i in range(30)], "patient": rng.integers(9, size=30).astype(str)})
    table["report"] = [f'{i}, "said" he\nand; left' for i in range(30)]
    for options in ({}, {"sep": ";"}, {"sep": "\t"}, {"encoding": "utf-16"}, {"encoding": "utf-8-sig", "quoting": 1}):
        text = io.BytesIO()
        table.to_csv(text, **options)
        found = read(tmp_path, text.getvalue())
        assert found.to_numpy().tolist() == table.to_numpy().tolist()


def test_the_index_is_the_row_that_a_spreadsheet_shows(tmp_path):
    found = read(tmp_path, 'image,patient\n\n"a\n.png",1\n,\nb.png,2\n')
    assert found.index.tolist() == [3, 5]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "labels.csv is empty"),
        ("\n\r\n  \n", "labels.csv is empty"),
        ("image,patient,Effusion\n", "a header and no rows"),
        ("image,patient,Effusion\na.png,1,0,1\n", r"row 2: expected 3 cells as in the header, got 4"),
        ("image,patient,Effusion\na.png,1,0\nb.png,2\n", r"row 3: expected 3 cells as in the header, got 2"),
        ("image,patient,Effusion\n1,a.png,1,0\n", "row 2: expected 3 cells"),  # R writes row names without a header
        ("image;patient;Effusion\na.png,1,0\n", "row 2: expected 3 cells"),
        ("image|patient|Effusion\na.png|1|0\n", "Columns are separated by commas, semicolons or tabs"),
        ("image,patient,image\na.png,1,0\n", "2 columns 'image'"),
        ("Image,patient\na.png,1\n", "no column 'image'; .*Did you mean 'Image'"),
        ("imgae,patient\na.png,1\n", "Did you mean 'imgae'"),
        ('image,patient\n"a.png,1\nb.png,2\n', "cannot be read as a CSV table"),
        ('"image" ,patient\na.png,1\n', "row 1, cannot be read as a CSV table"),
        ('image,patient\n"a"b.png,1\n', "row 2, cannot be read as a CSV table"),
        ("image,patient," + "x" * 201 + "\na.png,1,0\n", "the name of column 3 has more than 200 characters"),
        ("image,patient\na.png," + "1" * 200_000 + "\n", "row 2, cannot be read .*field larger than"),
        ("image,patient\na\0.png,1\n", r"line 2 holds U\+0000"),
        ("image,patient\na.png,é\n".encode("latin-1"), "line 2 holds a byte 0xe9 that is not UTF-8"),
        ("image,patient\na.png,1\n".encode("utf-16-le"), r"U\+0000"),
        (codecs.BOM_UTF16_LE + b"image", "UTF-16"),
        (b"PK\x03\x04 xlsx", "an archive or a workbook"),
        (gzip.compress(PLAIN.encode())[:-9], "cannot be read"),
        (b"\x1f\x8b\x08 no gzip", "cannot be read"),
    ],
)
def test_what_is_no_table_is_one_sentence(tmp_path, content, sentence):
    with pytest.raises(DataError, match=sentence) as told:
        read(tmp_path, content)
    assert "\n" not in str(told.value)


def test_a_folder_in_place_of_the_table(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        read_csv(tmp_path, ["image"])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lists_of_names(tmp_path, encoding, end):
    path = tmp_path / "test_list.txt"
    path.write_bytes(end.join(["1.png", " 2.png ", "", "3 b.png"]).encode(encoding))
    assert read_names(path) == {"1.png", "2.png", "3 b.png"}


def test_a_list_that_is_no_text(tmp_path):
    path = tmp_path / "test_list.txt"
    path.write_bytes(b"1.png\n2\xff.png\n")
    with pytest.raises(DataError, match="line 2 holds a byte 0xff"):
        read_names(path)
