import numpy as np
import pytest

from cxrkd.data import load_cohort
from cxrkd.data.readers.chexpert import CheXpertConfig
from cxrkd.errors import DataError


def table(trees, **options):
    return load_cohort(CheXpertConfig(folder=trees["train"].folder, **options))


def test_frontal_films_with_valid_as_the_test_set(chexpert):
    found = table(chexpert)
    assert len(found.labels) == 14
    assert (len(found), len(found.rows("test")), set(found.views)) == (28, 4, {"AP"})
    assert found.ids[0] == "patient00001-study1-view1_frontal"
    assert found.patients[-1] == "patient64544"
    assert len(found.rows("val")) == 2  # a tenth of 24 patients
    both = table(chexpert, views="all")
    assert (len(both), (both.views == "L").sum()) == (56, 28)


@pytest.mark.parametrize(("policy", "value"), [("ignore", np.nan), ("zeros", 0), ("ones", 1)])
def test_uncertain_follows_the_policy_and_empty_is_absent(chexpert, policy, value):
    found = table(chexpert, uncertain=policy)
    row = dict(zip(found.labels, found.targets[0].tolist(), strict=True))
    np.testing.assert_equal(row["Pneumonia"], float(value))
    assert (row["Edema"], row["Fracture"], row["Atelectasis"], row["No Finding"]) == (1, 0, 0, 0)


def test_the_full_release_has_another_prefix(chexpert):
    for tree in chexpert.values():
        for row in tree.rows:
            row["Path"] = row["Path"].replace("v1.0-small", "v1.0")
        tree.write()
    assert len(table(chexpert)) == 28


def test_a_frontal_film_with_a_lateral_projection_is_lateral(chexpert):
    chexpert["train"].rows[0]["AP/PA"] = "LL"
    chexpert["train"].write()
    assert len(table(chexpert)) == 27


def path(trees):
    trees["train"].rows[3]["Path"] = "somewhere.jpg"
    trees["train"].write()


def value(trees):
    trees["valid"].rows[2]["Edema"] = "maybe"
    trees["valid"].write()


def column(trees):
    trees["valid"].header = trees["valid"].header[:-1]
    trees["valid"].write()


def leak(trees):
    trees["valid"].rows[0]["Path"] = trees["train"].rows[0]["Path"].replace("view1", "view3")
    (trees["train"].folder / "train/patient00001/study1/view3_frontal.jpg").write_bytes(b"x")
    trees["valid"].write()


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda t: t["valid"].table.unlink(), "There is no file .*valid.csv"),
        (lambda t: (t["train"].folder / "train/patient00002/study1/view1_frontal.jpg").unlink(), "1 of 24 images"),
        (path, "row 5: expected a path"),
        (value, "valid.csv, row 4, column 'Edema': expected -1, 0, 1 or nothing, got 'maybe'"),
        (column, "no column 'Support Devices'"),
        (leak, "more than one split"),
    ],
)
def test_what_is_wrong_with_a_tree_is_one_sentence(chexpert, damage, sentence):
    damage(chexpert)
    with pytest.raises(DataError, match=sentence):
        table(chexpert)
