"""What a visitor may name as a folder of data: every way out is refused in the same words."""

import os

import pytest

from cxrkd.access import folders
from cxrkd.access.confine import confined
from cxrkd.access.folders import NOT_BELOW, NOT_OPEN, UNREADABLE, admit, admit_data, allowed_roots, is_open
from cxrkd.data import load_cohort
from cxrkd.data.readers.chestmnist import ChestMnistConfig
from cxrkd.data.readers.chestxray14 import ChestXray14Config
from cxrkd.data.readers.chexpert import CheXpertConfig
from cxrkd.data.readers.folder import FolderConfig
from cxrkd.data.readers.padchest import PadChestConfig
from cxrkd.data.readers.phantom import PhantomConfig
from cxrkd.errors import AccessError, DataError
from cxrkd.places import home
from tests.trees import chestxray14_tree, chexpert_tree, film, padchest_tree, write_npz

SECRET = "root:x:0:0:very-secret"


@pytest.fixture
def root(tmp_path, monkeypatch):
    """An allowed folder with a small data set in `films`, beside a folder that is not allowed."""
    monkeypatch.setenv("CXRKD_HOME", str(tmp_path / "home"))
    here = tmp_path / "allowed"
    monkeypatch.setenv("CXRKD_DATA", str(here))
    monkeypatch.chdir("/")
    films = here / "films"
    films.mkdir(parents=True)
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "labels.csv").write_text(f"{SECRET},image\n1,2\n")
    rows = ["image,patient,split,Mass"]
    for row, split in enumerate(("train", "train", "val", "test")):
        film(films / f"{row}.png", row)
        rows.append(f"{row}.png,p{row},{split},{row % 2}")
    (films / "labels.csv").write_text("\n".join(rows) + "\n")
    return here


def refused(path):
    with pytest.raises(AccessError) as found:
        admit(path)
    return str(found.value)


def test_a_folder_below_an_allowed_one_is_taken_also_by_its_short_name(root):
    assert admit(str(root / "films")) == admit("films") == (root / "films").resolve()
    assert admit(str(root)) == root.resolve()


@pytest.mark.parametrize(
    "path",
    [
        "/etc",
        "/etc/passwd",
        "/proc/self",
        "/proc/self/environ",
        "/proc/self/root/etc",
        "/sys",
        "/dev",
        "/",
        "..",
        "../private",
        "films/../../private",
        "films/labels.csv",
        "nowhere",
        "FILMS",
        "~",
        "~root",
        "~nobody-of-that-name/x",
        "",
        " ",
        "films\0",
        "films\n",
        "\udcff",
        "a" * 300,
        "a/" * 600,
        "/etc/\0/passwd",
    ],
)
def test_everything_else_is_refused_in_the_same_words(root, path):
    assert refused(path) == NOT_OPEN


def test_links_that_leave_and_hidden_names_are_refused_in_the_same_words(root, tmp_path):
    (root / "out").symlink_to(tmp_path / "private")
    (root / "loop").symlink_to("loop")
    (root / ".secret").mkdir()
    for name in ("out", "out/../private", "loop", ".secret", "films/../.secret"):
        assert refused(name) == NOT_OPEN


def test_runs_links_and_caches_are_not_data_though_the_home_is_below_a_root(root, monkeypatch):
    monkeypatch.setenv("CXRKD_HOME", str(root / "home"))
    for name in ("runs", "access", "cache", "data"):
        (home() / name).mkdir(parents=True, exist_ok=True)
    for name in ("home/runs", "home/access", "home/cache", "home/Access"):
        assert refused(name) == NOT_OPEN
    assert admit("home/data") == (home() / "data").resolve()


def test_the_working_directory_is_allowed_unless_it_is_everything(root, tmp_path, monkeypatch):
    assert allowed_roots() == (root.resolve(), (tmp_path / "home" / "data").resolve())  # the working directory is /
    monkeypatch.chdir(tmp_path / "private")
    assert (tmp_path / "private").resolve() in allowed_roots()
    monkeypatch.setenv("HOME", str(tmp_path / "private"))
    assert (tmp_path / "private").resolve() not in allowed_roots()


@pytest.mark.parametrize(
    "table",
    [
        "../labels.csv",
        "../../private/labels.csv",
        "/etc/passwd",
        "/etc/hosts.csv",
        "absent.csv",
        ".env.csv",
        ".",
        "",
        "labels.csv\0",
        "a" * 300 + ".csv",
        "~/x.csv",
        "link.csv",
        "0.png",
    ],
)
def test_a_table_is_a_csv_file_below_its_folder(root, tmp_path, table):
    (root / "films" / "link.csv").symlink_to(tmp_path / "private" / "labels.csv")
    with pytest.raises(AccessError) as found:
        admit_data(FolderConfig(folder=root / "films", table=table))
    assert str(found.value) == NOT_BELOW


def test_data_sets_are_admitted_by_their_folder(root):
    assert admit_data(PhantomConfig()) == PhantomConfig()
    assert is_open(ChestMnistConfig())  # its published place, which no visitor names
    assert admit_data(FolderConfig(folder=root / "films")).folder == (root / "films").resolve()
    (root / "x.npz").write_bytes(b"")
    assert is_open(ChestMnistConfig(folder=root / "x.npz"))
    assert not is_open(FolderConfig(folder=root / "x.npz"))
    assert not is_open(FolderConfig(folder="/etc"))


def test_nothing_that_was_read_is_in_a_sentence_of_a_page(root):
    table = root / "films" / "labels.csv"
    table.write_text(f"{SECRET},patient,Mass\na,b,{SECRET}\n")
    config = FolderConfig(folder=root / "films")
    with pytest.raises(DataError, match=SECRET):  # the command line says what came
        load_cohort(config)
    for columns in ({}, {"image_column": SECRET}, {"image_column": "patient"}, {"split_column": "Mass"}):
        with confined(), pytest.raises(DataError) as found:
            load_cohort(config.model_copy(update=columns))
        assert str(found.value) == UNREADABLE
        assert found.value.__cause__ is None


def test_pages_read_no_table_and_no_image_behind_a_link_that_leaves(root, tmp_path):
    films, outside = root / "films", tmp_path / "private" / "film.png"
    film(outside, 9)
    config = FolderConfig(folder=films)
    with confined():
        assert len(load_cohort(config).film(0, 32).pixels) == 32
    (films / "0.png").unlink()
    (films / "0.png").symlink_to(outside)
    assert len(load_cohort(config)) == 4
    with confined(), pytest.raises(DataError, match="cannot be read as asked"):
        load_cohort(config)


def test_links_from_one_allowed_folder_into_another_are_read(root, tmp_path, monkeypatch):
    outside = tmp_path / "private" / "film.png"
    film(outside, 9)
    (root / "films" / "0.png").unlink()
    (root / "films" / "0.png").symlink_to(outside)
    monkeypatch.setenv(folders.SETTING, os.pathsep.join([str(root), str(tmp_path / "private")]))
    with confined():
        assert len(load_cohort(FolderConfig(folder=root / "films"))) == 4


def nih(folder):
    return ChestXray14Config(folder=folder), chestxray14_tree(folder, 8).folder / "test_list.txt"


def chexpert(folder):
    return CheXpertConfig(folder=folder), chexpert_tree(folder)["valid"].table


def padchest(folder):
    return PadChestConfig(folder=folder), padchest_tree(folder).table


def npz(folder):
    write_npz(folder / "chestmnist.npz")
    return ChestMnistConfig(folder=folder, size=28), folder / "chestmnist.npz"


@pytest.mark.parametrize("kind", [nih, chexpert, padchest, npz])
def test_published_trees_are_read_but_nothing_of_them_behind_a_link_that_leaves(kind, tmp_path):
    folder = tmp_path / "tree"
    folder.mkdir()
    config, table = kind(folder)
    with confined([folder.resolve()]):
        assert len(load_cohort(config))
    table.rename(tmp_path / "away")
    table.symlink_to(tmp_path / "away")
    assert len(load_cohort(config))
    with confined([folder.resolve()]), pytest.raises(DataError) as found:
        load_cohort(config)
    assert str(found.value) == UNREADABLE
