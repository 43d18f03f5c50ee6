"""A folder of films without a table: what counts as a film, and that nothing is claimed to be known of one."""

import numpy as np
import pytest

from cxrkd.data import load_cohort, load_to_ask
from cxrkd.data.readers.films import STRANGERS, FilmsConfig
from cxrkd.errors import DataError
from cxrkd.runs.validating.asked import match_findings
from tests.images import conftest as make
from tests.trees import film


@pytest.fixture
def folder(tmp_path):
    film(tmp_path / "films" / "b.png", 1)
    film(tmp_path / "films" / "deep" / "a.PNG", 2)
    values = np.random.default_rng(0).integers(0, 4000, (40, 40)).astype(np.uint16)
    (tmp_path / "films" / "IM0001").write_bytes(make.dicom(values))
    film(tmp_path / "films" / ".thumbs" / "c.png", 3)
    (tmp_path / "films" / "notes.txt").write_text("no film")
    return tmp_path / "films"


def test_films_are_those_by_name_or_by_how_they_begin_in_order(folder):
    cohort = load_to_ask(FilmsConfig(folder=folder, image_size=32))
    assert cohort.ids.tolist() == ["IM0001", "b", "deep-a"]
    assert cohort.images.shape == (3, 32, 32)
    assert cohort.notes == (STRANGERS,)
    assert len(set(cohort.patients)) == 3


def test_nothing_is_known_of_them(folder):
    cohort = load_to_ask(FilmsConfig(folder=folder, image_size=32))
    assert not cohort.no_finding.any()
    assert not cohort.positive.any()
    assert cohort.film(0).present is None
    with pytest.raises(DataError, match="says of no film what is on it"):
        match_findings(("Effusion",), cohort)


def test_a_folder_without_films_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("no film")
    with pytest.raises(DataError, match="holds no film"):
        load_cohort(FilmsConfig(folder=tmp_path))
    with pytest.raises(DataError, match="does not exist"):
        load_cohort(FilmsConfig(folder=tmp_path / "gone"))
