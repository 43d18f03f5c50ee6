"""A reader is one file: a toy is found on the command line, in configs, in the form, and can be trained on."""

from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from pydantic import Field
from streamlit.testing.v1 import AppTest

from cxrkd.access import folders
from cxrkd.cli import main
from cxrkd.config import READERS, DataSettings, FilesSettings, Reader, RunConfig, data_summary
from cxrkd.data import cohort_size, is_here, load_cohort
from cxrkd.data.cohort import Cohort
from cxrkd.data.image_files import ImageFiles
from cxrkd.data.pixels import InMemory
from cxrkd.data.reading.files import image_ids
from cxrkd.errors import AccessError, ConfigError, DataError
from cxrkd.jobs.execute import execute
from cxrkd.runs import create
from tests.trees import film

LABELS = ("Round", "Square")


class StampsConfig(FilesSettings):
    """Films whose file names are their labels."""

    kind: Literal["stamps"] = "stamps"
    every: int = Field(3, ge=3, title="Every so many is a test film")


def read_stamps(config, progress=None):
    paths = sorted(config.folder.glob("*.png"))
    ids = image_ids([path.name for path in paths])
    targets = np.array([[label in path.name for label in LABELS] for path in paths], np.float32)
    return columns(ids, targets, ImageFiles(ids, tuple(paths), config.image_size))


def columns(ids, targets, pixels):
    split = np.array([("train", "test", "val", "train")[i % 4] for i in range(len(ids))])
    views = np.full(len(ids), "PA")
    return Cohort("Stamps", LABELS, targets, ids, ids, split, views, pixels)


STAMPS = Reader(
    name="stamps",
    title="Stamps in a folder",
    sentence="Films whose file names are their labels.",
    source="this test",
    config=StampsConfig,
    read=read_stamps,
)


class DotsConfig(DataSettings):
    """Noise, made here."""

    kind: Literal["dots"] = "dots"
    n: int = Field(48, ge=4, title="How many")


def read_dots(config, progress=None):
    rng, ids = np.random.default_rng(0), np.array([f"dot-{i}" for i in range(config.n)])
    images = rng.integers(0, 256, (config.n, config.image_size, config.image_size), np.uint8)
    targets = (rng.random((config.n, 2)) < 0.5).astype(np.float32)
    return columns(ids, targets, InMemory(images, f"dots-{config.n}-{config.image_size}"))


DOTS = Reader(
    name="dots", title="Dots", sentence="Noise.", source="this test", config=DotsConfig, read=read_dots, drawn=True
)


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("CXRKD_HOME", str(tmp_path / "home"))
    with READERS.adding(STAMPS, DOTS):
        yield


@pytest.fixture
def stamps(tmp_path):
    for i in range(12):
        film(tmp_path / "stamps" / f"{i:02d}-{LABELS[i % 2]}.png", i)
    return tmp_path / "stamps"


def test_it_is_found_on_the_command_line(stamps, capsys):
    words = ["--kind", "stamps", "--folder", str(stamps), "--image-size", "32"]
    assert main(["data", "kinds"]) == 0
    assert "stamps: Films whose file names are their labels." in capsys.readouterr().out
    assert main(["data", "show", *words]) == 0
    assert "Stamps: 12 images of 12 patients" in capsys.readouterr().out
    assert main(["data", "prepare", *words]) == 0
    assert "Stamps: 12 images, 12 decoded now, 0 were there" in capsys.readouterr().out
    assert main(["data", "samples", *words, "--out", str(stamps / "out"), "-n", "2", "--label", "square"]) == 0
    assert "01-Square" in capsys.readouterr().out
    assert main(["data", "prepare", "--kind", "dots"]) == 2
    assert "phantoms are drawn" in capsys.readouterr().err
    assert main(["data", "show", "--kind", "stamp"]) == 2
    assert "stamps, dots" in capsys.readouterr().err


def test_it_is_a_config_that_survives_its_file(stamps):
    config = RunConfig(name="a", data={"kind": "stamps", "folder": stamps, "every": 4})
    assert RunConfig.model_validate_json(config.model_dump_json()) == config
    assert config.data == StampsConfig(folder=stamps, every=4)
    assert data_summary(config.data).startswith("stamps, ")
    assert is_here(config.data)
    assert cohort_size(config.data) == (12, 6)
    assert READERS["stamps"].origin == "stamps"
    assert READERS["chestmnist"].origin == READERS["chestxray14"].origin == "chestxray14"


def form_script():
    from cxrkd.dashboard.distill import form
    from cxrkd.dashboard.distill.presets import PRESETS

    start = PRESETS["Quick look"]
    form.ask(start, form.variants(start), ["nih", "phantom"], "x")


def test_it_stands_in_the_form():
    page = AppTest.from_function(form_script, default_timeout=60).run()
    (kinds,) = (box for box in page.selectbox if "ChestX-ray14" in box.options)
    assert kinds.options[-2:] == ["Stamps in a folder", "Dots"]
    kinds.select("stamps").run()
    assert not page.exception
    labels = {widget.label for widget in (*page.text_input, *page.number_input)}
    assert {"Folder", "Every so many is a test film", "Image size, pixels"} <= labels


def test_pages_read_it_below_their_folders_only(stamps, monkeypatch):
    monkeypatch.setenv("CXRKD_DATA", str(stamps))
    assert folders.is_open(StampsConfig(folder=stamps))
    assert folders.is_open(DotsConfig())
    assert not folders.is_open(StampsConfig(folder="/etc"))


def test_every_path_of_a_config_is_a_table_below_its_folder(stamps, monkeypatch):
    """A reader that asks for one more file does not open the machine to pages."""

    class More(FilesSettings):
        kind: Literal["stamps"] = "stamps"
        boxes: Path

    class Loose(DataSettings):
        kind: Literal["dots"] = "dots"
        mine: Path

    monkeypatch.setenv("CXRKD_DATA", str(stamps))
    (stamps / "boxes.csv").write_text("x")
    assert folders.admit_data(More(folder=stamps, boxes="boxes.csv")).folder == stamps
    for wrong in ("../boxes.csv", "/etc/passwd", "absent.csv", "00-Round.png"):
        with pytest.raises(AccessError):
            folders.admit_data(More(folder=stamps, boxes=wrong))
    with pytest.raises(AccessError):
        folders.admit_data(Loose(mine="/etc/passwd"))


def test_it_is_trained_on(stamps):
    train = {"epochs": 1, "warm_epochs": 0, "batch_size": 4}
    config = RunConfig(
        name="toy data",
        data={"kind": "stamps", "folder": stamps, "image_size": 32},
        teacher_arch="mobilenetv3_small_100",
        student_arch="mobilenetv3_small_100",
        teacher_train=train | {"precision": "32-true"},
        student_train=train,
    )
    run = create(config)
    execute(run)
    assert run.state.status == "done"
    assert run.labels == LABELS
    assert sorted(run.predictions("distilled").ids) == sorted(load_cohort(config.data).ids[[1, 5, 9]])


def test_what_is_taken_and_what_is_not_there(tmp_path):
    with pytest.raises(ConfigError, match="There is a kind of data set 'stamps' already"), READERS.adding(STAMPS):
        pass
    with pytest.raises(DataError, match="Stamps holds no image"):
        load_cohort(StampsConfig(folder=tmp_path))
