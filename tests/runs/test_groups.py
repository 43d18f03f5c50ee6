"""Which group of a table each test image is in, however the table writes its name."""

from types import SimpleNamespace

import numpy as np
import pytest

from cxrkd.errors import DataError
from cxrkd.runs.groups import UNLISTED, image_groups


def groups(tmp_path, ids, text):
    said = SimpleNamespace(ids=np.array(ids), views=np.array(["PA"] * len(ids)))
    run = SimpleNamespace(id="r", members=lambda: ["teacher"], predictions=lambda member: said)
    (tmp_path / "t.csv").write_text(text)
    return image_groups(run, "source", tmp_path / "t.csv").tolist()


def test_uids_folders_and_suffixes(tmp_path):
    ids = ["1.2.3.1000", "1.2.3.1001", "p0-1", "p1-1", "film", "alone", "none"]
    rows = ["1.2.3.1000,a", "1.2.3.1001.dcm;b", "p0/1.png,c", "p1\\1.png,d", "film.PNG,", "deep/down/alone.jpg,e"]
    found = groups(tmp_path, ids, "\n".join(["image,source", *rows]).replace(";", ","))
    assert found == ["a", "b", "c", "d", "empty", "e", UNLISTED]


def test_an_image_in_two_groups_is_named(tmp_path):
    with pytest.raises(DataError, match=r"row 3: b\.png is in 'x' and in 'y'"):
        groups(tmp_path, ["b"], "image,source\nb.png,x\nb.png,y\n")
    with pytest.raises(DataError, match="none of the 1 test images"):
        groups(tmp_path, ["c"], "image,source\nb.png,x\n")
