import numpy as np
import pytest

from cxrkd.config import PhantomConfig
from cxrkd.data import load_cohort
from cxrkd.data.preview import preview
from cxrkd.errors import DataError


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CXRKD_HOME", str(tmp_path_factory.mktemp("home")))
        config = PhantomConfig(n_patients=20, image_size=32, seed=5)
        yield preview(config), load_cohort(config)


@pytest.mark.parametrize("column", ["targets", "patients", "ids", "split", "views"])
def test_the_table_is_that_of_the_drawn_cohort(both, column):
    told, drawn = both
    np.testing.assert_array_equal(getattr(told, column), getattr(drawn, column))


def test_a_film_and_its_masks_are_those_of_the_drawn_cohort(both):
    told, drawn = both
    row = int(told.rows("test")[0])
    film = told.film(row)
    np.testing.assert_array_equal(film.pixels, drawn.images[row])
    np.testing.assert_array_equal(film.masks, drawn.lesion_masks(row))
    assert told.film(row, size=48).pixels.shape == (48, 48)


def test_rows_are_found_by_id_and_a_wrong_id_is_explained(both):
    told, _ = both
    assert told.row_of(str(told.ids[7])) == 7
    with pytest.raises(DataError, match="Expected the id"):
        told.row_of("nobody")
