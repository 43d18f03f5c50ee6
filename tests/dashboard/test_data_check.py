"""The box on Distil that looks at a data set before anything trains."""

import pytest

from cxrkd import data
from cxrkd.access.folders import NOT_OPEN, UNREADABLE
from cxrkd.dashboard.caching import cohorts
from cxrkd.data.image_files import ImageFiles
from cxrkd.runs import list_runs
from tests.dashboard.test_making import MAKER, QUICK, SECRET, distil, home, shown  # noqa: F401  (a fixture)
from tests.trees import film

TABLE = ["image,patient,split,Mass,Effusion"]
TABLE += [f"{i}.png,p{i},{'train' if i < 16 else 'val' if i < 20 else 'test'},{i % 2},{int(i < 16)}" for i in range(32)]


@pytest.fixture
def read(monkeypatch):
    """Which data sets were read."""
    kinds, read = [], data._read
    monkeypatch.setattr(data, "_read", lambda config, progress: kinds.append(config.kind) or read(config, progress))
    cohorts._table.clear()
    return kinds


def opened(page):
    page.session_state["check_data"] = True
    page.run()
    assert not page.exception
    return page


def of_folder(page, folder):
    page.selectbox(key="data_kind").select("folder").run()
    page.text_input(key=f"new_{QUICK}_folder_folder").input(str(folder)).run()
    page.selectbox(key=f"new_{QUICK}_teacher_from").select(None).run()
    page.number_input(key=f"new_{QUICK}_student_size").set_value(0).run()
    page.number_input(key=f"new_{QUICK}_folder_image_size").set_value(64).run()
    assert not page.exception
    return page


def says(page):
    return [one.value.replace("\\", "") for kind in ("error", "warning", "success") for one in page.get(kind)]


def test_nothing_is_read_until_it_is_opened(home, monkeypatch, read):  # noqa: F811
    page = distil(MAKER, monkeypatch)
    page.number_input(key=f"new_{QUICK}_phantom_n_patients").set_value(40).run()
    assert read == []
    assert not page.metric
    page.number_input(key=f"new_{QUICK}_phantom_image_size").set_value(64).run()
    page.number_input(key=f"new_{QUICK}_student_size").set_value(32).run()
    page.selectbox(key=f"new_{QUICK}_teacher_from").select(None).run()
    opened(page)
    assert read == ["phantom"]
    assert {one.label for one in page.metric} == {"Images", "Images, train", "Images, val", "Images, test"}
    assert any("labels cannot be judged, not enough cases" in sentence for sentence in says(page))
    assert "Training films drawn at random, at the 32 px that students look at." in shown(page)


def test_a_few_films_of_a_folder_are_decoded_and_no_more(home, monkeypatch, read):  # noqa: F811
    folder = home.parent / "allowed"
    (folder / "labels.csv").write_text("\n".join(TABLE) + "\n")
    for i in range(32):
        film(folder / f"{i}.png", i)
    decoded, tones = [], ImageFiles.tones
    monkeypatch.setattr(ImageFiles, "tones", lambda self, row, size: decoded.append(row) or tones(self, row, size))
    monkeypatch.setattr(ImageFiles, "prepare", lambda *given: pytest.fail("everything was decoded"))
    page = opened(of_folder(distil(MAKER, monkeypatch), folder))
    assert {one.label: one.value for one in page.metric} == {
        "Images": "32",
        "Images, train": "16",
        "Images, val": "4",
        "Images, test": "12",
    }
    assert len(decoded) == 8
    assert set(decoded) <= set(range(16)), "of train"
    first, second = says(page)
    assert first.startswith("2 of 2 labels cannot be judged")
    assert second.startswith("There are 16 training images, fewer than a batch of 32")
    page.button(key="other_films").click().run()
    assert len(decoded) == 16
    assert decoded[8:] != decoded[:8]
    assert list_runs() == []


def test_it_tells_nothing_of_what_is_not_open(home, monkeypatch, read):  # noqa: F811
    page = opened(of_folder(distil(MAKER, monkeypatch), "/etc"))
    assert says(page) == [NOT_OPEN]
    assert read == []
    page = opened(of_folder(distil(MAKER, monkeypatch), home.parent / "allowed"))
    assert says(page) == [UNREADABLE]
    assert SECRET not in shown(page)
    assert not page.metric


def test_what_stops_a_run_is_told_and_its_data_are_not_read(home, monkeypatch, read):  # noqa: F811
    monkeypatch.setenv("CXRKD_MAX_PATIENTS", "100")
    page = distil(MAKER, monkeypatch)
    page.number_input(key=f"new_{QUICK}_phantom_n_patients").set_value(120).run()
    (sentence,) = says(opened(page))
    assert sentence.startswith("Pages of this server take at most 100 patients, got 120.")
    page.number_input(key=f"new_{QUICK}_student_train_epochs").set_value(0).run()
    (sentence,) = says(page)
    assert sentence.startswith("Training of the students, Epochs at full size: expected at least 1")
    assert read == []


def test_a_refusal_of_the_check_is_that_of_the_button(home, monkeypatch, read):  # noqa: F811
    """Both say it in the same words, and the check leaves no folder and reads nothing."""
    page = distil(MAKER, monkeypatch)
    page.selectbox(key=f"new_{QUICK}_teacher_from").select(None).run()
    page.selectbox(key=f"new_{QUICK}_teacher_weights").select("chest-all").run()
    page.checkbox(key=f"new_{QUICK}_teacher_trained").uncheck().run()
    page.number_input(key=f"new_{QUICK}_student_size").set_value(0).run()
    page.number_input(key=f"new_{QUICK}_phantom_image_size").set_value(64).run()
    before = says(opened(page))
    next(button for button in page.button if button.label == "Distil").click().run()
    assert len(before) == 1
    assert says(page) == [before[0], before[0]]
    assert read == []
    assert list_runs() == []
