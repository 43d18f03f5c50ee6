"""Other films on the Results page: none yet, figures beside the run's own, radiologists where they read."""

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from cxrkd.config import MEMBER_NAMES
from cxrkd.dashboard import routes
from cxrkd.dashboard.results.elsewhere import beside_table
from cxrkd.dashboard.results.readers import reach_at
from cxrkd.data import load_cohort
from cxrkd.jobs.execute import execute
from cxrkd.runs.seen import keep_seen
from cxrkd.runs.validating.comparison import compare_with_own
from cxrkd.runs.validating.making import create_validation, validation_config
from cxrkd.runs.validating.readers import study_of
from tests import toys
from tests.trees import hospital, write_csv


@pytest.fixture
def run(own_home, tmp_path):
    data = hospital(tmp_path / "first", 1, {"train": 10, "val": 30, "test": 30})
    run = toys.finished_run(toys.tiny_config("small", data=data, arch="mobilenetv3_small_100", seeds=(0, 1, 2)))
    keep_seen(run, load_cohort(data))
    return run


@pytest.fixture
def elsewhere(tmp_path):
    return hospital(tmp_path / "second", 5001, {"test": 40})


def measured(run, data, **how):
    validation = create_validation(validation_config(run, data, **how))
    execute(validation)
    return validation


def section():
    from cxrkd.dashboard.results import elsewhere
    from cxrkd.runs import open_run

    elsewhere.draw(open_run("small"))


def opened():
    page = AppTest.from_function(section, default_timeout=60).run()
    assert not page.exception
    return page


def words(page):
    return "\n".join(str(one.value) for group in (page.markdown, page.caption, page.header) for one in group)


def test_without_any_the_page_says_how_one_is_made(run):
    assert "python -m cxrkd evaluate small --kind folder --folder DIR" in words(opened())


def test_figures_stand_beside_those_of_its_own_films(run, elsewhere):
    validation = measured(run, elsewhere, name="Second hospital")
    page = opened()
    assert "**Second hospital**: 40 films of 40 patients" in words(page)
    assert "The networks were asked" in words(page)
    assert "ROC" in words(page)
    assert not page.expander, "nobody gave readings"
    table, own = beside_table(compare_with_own(validation)), run.metrics()
    shown = table.set_index("Finding").loc["Effusion", MEMBER_NAMES["distilled"]]
    here = validation.metrics().of("distilled").over_seeds.labels[0].auroc
    first_seed = own.of("distilled").model.labels[0].auroc  # of the weights that answered elsewhere
    assert shown == f"{first_seed:.3f} | {here:.3f}"


@pytest.fixture
def readings(elsewhere):
    """Two radiologists who read these films, right in four of five."""
    rng, rows = np.random.default_rng(0), []
    for i in range(40):
        for reader in ("a", "b"):
            rows.append([f"{5001 + i}.png", reader, "YES" if (i % 2 == 1) == (rng.random() < 0.8) else "NO"])
    write_csv(elsewhere.folder / "readers.csv", ["Image_ID", "Reader_ID", "Effusion"], rows)
    return elsewhere.folder / "readers.csv"


def overview():
    page = AppTest.from_file(routes.BY_NAME["overview"].path, default_timeout=60).run()
    assert not page.exception
    shown = next(one for one in page.metric if one.label == MEMBER_NAMES["distilled"])
    return words(page), float(shown.value)


def test_the_overview_leads_with_what_radiologists_say(run, elsewhere, readings):
    measured(run, elsewhere)
    own = run.metrics().of("distilled").over_seeds.macro_auroc
    text, shown = overview()
    assert "Judged by radiologists" not in text
    assert shown == round(own, 3)
    here = measured(run, elsewhere, readers=readings).metrics().of("distilled").over_seeds.macro_auroc
    text, shown = overview()
    assert "**Judged by radiologists**: 40 films of" in text
    assert "read by 2 radiologists" in text
    assert f"student distilled {own:.3f}" in text
    assert shown == round(here, 3) != round(own, 3)


def test_radiologists_stand_beside_the_networks(run, elsewhere, readings):
    validation = measured(run, elsewhere, readers=readings)
    page = opened()
    assert "Radiologists and networks" in words(page)
    assert "of 2 points of independent readers" in words(page)
    assert page.expander[0].label == "Every finding and radiologist"
    table = reach_at(study_of(validation), "Effusion")
    assert table["Radiologist"].tolist() == ["a", "b"]
