"""`explain --depth`: features of students beside the teacher's, on the command line and on the page."""

import numpy as np
import pytest

from cxrkd.dashboard.explain.depth import coloured, depth_table
from cxrkd.explain.chance import ChanceLine
from cxrkd.explain.feature_maps import NO_OTHERS, DepthAgreement
from cxrkd.runs.sample_films import MIN_OTHERS, other_films


def test_every_depth_of_every_student_has_a_row_with_its_lines(cli, tiny_run, films):
    words = ["explain", films / "grey.png", "--run", tiny_run.id, "--label", "Mass", "--depth"]
    figures = cli(*words, "--json").document["depth"]
    assert set(figures) == {"alone", "distilled"}
    for levels in figures.values():
        assert [one["depth"] for one in levels] == [1, 2, 3, 4]
        for one in levels:
            assert set(one["lines"]) == {"random_student", "other_film", "film_mean", "centre"}
    text = cli(*words).out
    assert text.count("mean of the features over channels") == 2
    assert "depth" not in cli(*words[:-1], "--json").document


def test_other_films_are_those_of_other_patients(tiny_run):
    from cxrkd.data import load_cohort
    from cxrkd.runs.sample_films import films_of

    table = load_cohort(films_of(tiny_run))
    row = int(table.rows("test")[0])
    film = table.film(row)
    others = other_films(tiny_run, film)
    own = [table.film(int(r)).pixels for r in table.rows("test") if table.patients[r] == table.patients[row]]
    if others is None:
        assert len(table.rows("test")) - len(own) < MIN_OTHERS
    else:
        assert not any(np.array_equal(other, one) for other in others for one in own)
    assert other_films(tiny_run, film, lambda config: False) is None


@pytest.mark.parametrize("level", [np.arange(49.0).reshape(7, 7), np.zeros((7, 7))])
def test_a_map_is_drawn_as_cells_from_its_least_to_its_largest(level):
    drawn = coloured(level)
    assert drawn.shape == (224, 224, 3)
    assert len(np.unique(drawn.reshape(-1, 3), axis=0)) == len(np.unique(level))


def test_the_table_names_what_was_not_measured():
    lines = (ChanceLine("random_student", 0.1, 0.3), ChanceLine("other_film", np.nan, np.nan, NO_OTHERS))
    (row,) = depth_table((DepthAgreement(1, (7, 7), 0.5, lines, 0.9),)).to_dict("records")
    assert row["Agreement"] == 0.5
    assert row["Random students"] == 0.3
    assert np.isnan(row["Other films"])
    assert row["Above chance"] == "not known"
