"""Decoded once, whole or resumable, never silently incomplete."""

import os
import subprocess
import sys
import threading
import tracemalloc
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from PIL import Image

from cxrkd.access.confine import confined
from cxrkd.cli import main
from cxrkd.data import cohort_size, decode, image_files, load_cohort, prepared, stored
from cxrkd.data.phantom import render
from cxrkd.data.readers.chestmnist import ChestMnistConfig
from cxrkd.data.readers.chestxray14 import ChestXray14Config
from cxrkd.data.readers.chexpert import CheXpertConfig
from cxrkd.data.readers.folder import FolderConfig
from cxrkd.data.readers.padchest import PadChestConfig
from cxrkd.errors import DataError
from cxrkd.images.radiograph import to_input
from cxrkd.images.read import read
from cxrkd.images.resizing import resized

SIZE = 32


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory, monkeypatch):
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("CXRKD_HOME", str(home))
    return home


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(decode, "_CHUNK_IMAGES", 5)


def of(tree, **options):
    return FolderConfig(**{"folder": tree.folder, "image_size": SIZE, **options})


def prepare(config, progress=None, workers=None):
    return load_cohort(config).pixels.prepare(progress, workers)


def test_rows_are_the_images_as_an_upload_would_be_read(own):
    cohort = load_cohort(of(own))
    assert not cohort.synthetic
    assert cohort.lesions is None
    for row in (0, 11, 23):
        path = own.folder / own.rows[row]["image"]
        expected = np.rint(to_input(read(path.read_bytes(), path.name), SIZE) * 255)
        np.testing.assert_array_equal(cohort.images[row], expected)
    with pytest.raises(ValueError, match="read-only"):
        cohort.images[0] = 0


def test_films_of_16_bits_keep_their_tones(padchest):
    images = load_cohort(PadChestConfig(folder=padchest.folder, image_size=SIZE)).images
    assert np.ptp(images[0]) > 200
    assert np.unique(images[0]).size > 50


def test_boxes_become_masks_of_the_cohort(nih):
    cohort = load_cohort(ChestXray14Config(folder=nih.folder, image_size=SIZE))
    masks = cohort.masks(33, SIZE)
    assert masks.shape == (14, SIZE, SIZE)
    assert masks[cohort.labels.index("Infiltration"), 8:10, 16:20].all()
    assert masks.sum() == 8
    assert not cohort.masks(0, SIZE).any()


def test_the_second_call_decodes_nothing(own):
    calls = []
    first = prepare(of(own), lambda done, total: calls.append((done, total)))
    assert first.decoded == 24
    assert calls == [(5, 24), (10, 24), (15, 24), (20, 24), (24, 24)]
    calls.clear()
    again = prepare(of(own), lambda done, total: calls.append((done, total)))
    assert (again.decoded, calls) == (0, [])
    np.testing.assert_array_equal(first.images, again.images)


def test_the_fingerprint_knows_files_labels_size_and_seed(own):
    told = {load_cohort(of(own)).fingerprint, load_cohort(of(own)).fingerprint}
    assert len(told) == 1
    told |= {load_cohort(of(own, **change)).fingerprint for change in ({"seed": 1}, {"image_size": 40})}
    told.add(load_cohort(of(own, labels=("Mass",))).fingerprint)
    own.rows[0]["Effusion"] = 1
    own.write()
    told.add(load_cohort(of(own)).fingerprint)
    path = own.folder / own.rows[3]["image"]
    os.utime(path, (1e9, 1e9))
    told.add(load_cohort(of(own)).fingerprint)
    path.write_bytes(path.read_bytes() + b"\0")
    told.add(load_cohort(of(own)).fingerprint)
    assert len(told) == 7


def test_another_label_policy_or_seed_decodes_nothing_again(chexpert):
    config = CheXpertConfig(folder=chexpert["train"].folder, image_size=SIZE)
    first = load_cohort(config)
    first.prepare()
    for change in ({"uncertain": "ones"}, {"seed": 1}):
        other = config.model_copy(update=change)
        assert prepare(other).decoded == 0
        assert load_cohort(other).fingerprint != first.fingerprint


def test_broken_images_are_named_together_and_the_rest_is_kept(own, own_home):
    for i in (2, 7, 8, 20):
        (own.folder / own.rows[i]["image"]).write_bytes(b"no film")
    with pytest.raises(DataError, match=r"4 of 24 images cannot be read.*2\.png.*7\.png.*8\.png") as told:
        load_cohort(of(own)).prepare()
    assert "20.png" not in str(told.value)
    names = [path.name for path in (own_home / "cache" / "prepared").iterdir()]
    assert all(name.startswith(".") for name in names), "no folder that looks complete"


def test_a_blank_film_is_named(own):
    path = own.folder / own.rows[2]["image"]
    Image.fromarray(np.full((40, 40), 7, np.uint8)).save(path)
    with pytest.raises(DataError, match="is blank"):
        load_cohort(of(own)).prepare()


KILLED = """
import os, signal
from cxrkd.data.readers.folder import FolderConfig
from cxrkd.data import decode, load_cohort
decode._CHUNK_IMAGES = 5
def kill(done, total):
    if done >= 15:
        os.kill(os.getpid(), signal.SIGKILL)
load_cohort(FolderConfig(folder={folder!r}, image_size=32)).prepare(kill)
"""


def test_a_killed_preparation_goes_on_where_it_was(own, own_home):
    code = KILLED.format(folder=str(own.folder))
    killed = subprocess.run([sys.executable, "-c", code], env=os.environ | {"CXRKD_HOME": str(own_home)}, check=False)
    assert killed.returncode == -9
    (work,) = (own_home / "cache" / "prepared").glob(".*.growing")
    done = work / prepared.DONE
    done.write_text(done.read_text() + "3 12")  # a line that the kill cut off
    with (work / prepared.IMAGES).open("r+b") as file:  # pixels that a power cut lost
        file.seek(128 + 6 * SIZE**2)
        file.write(bytes(10))
    resumed = prepare(of(own))
    assert resumed.decoded == 24 - 10
    whole = np.stack([decode.decode(source, SIZE) for source in load_cohort(of(own)).pixels.sources])
    np.testing.assert_array_equal(resumed.images, whole)
    assert not work.exists()


def test_an_interrupted_preparation_goes_on_too(own):
    def interrupt(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load_cohort(of(own)).prepare(interrupt)
    assert prepare(of(own)).decoded == 19


HELD = """
import sys
from cxrkd.data import decode, load_cohort
from cxrkd.data.readers.folder import FolderConfig
decode._CHUNK_IMAGES = 5
def hold(done, total):
    if done == 5:
        print("at work", flush=True)
        sys.stdin.readline()
load_cohort(FolderConfig(folder={folder!r}, image_size=32)).prepare(hold)
"""


def test_a_second_process_waits_and_finds_it_done(own, own_home):
    code, env = HELD.format(folder=str(own.folder)), os.environ | {"CXRKD_HOME": str(own_home)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", code], env=env, text=True, **pipes) as first:
        assert first.stdout.readline() == "at work\n"
        go_on = threading.Timer(0.5, first.communicate, ["\n"])  # by then we wait
        go_on.start()
        second = prepare(of(own))
        go_on.join()
    assert first.returncode == 0
    assert second.decoded == 0
    np.testing.assert_array_equal(second.images[0], decode.decode(load_cohort(of(own)).pixels.sources[0], SIZE))


def test_worker_processes_decode_what_one_process_decodes(own, monkeypatch, tmp_path_factory):
    alone = np.array(load_cohort(of(own)).images)
    monkeypatch.setenv("CXRKD_HOME", str(tmp_path_factory.mktemp("other")))
    np.testing.assert_array_equal(prepare(of(own), workers=2).images, alone)


@pytest.mark.parametrize("what", ["pixels", "shape", "told", "gone"])
def test_a_damaged_cache_is_noticed(own, what):
    folder = prepare(of(own)).folder
    assert load_cohort(of(own)).film(23).tones.shape == (SIZE, SIZE)
    if what == "pixels":
        with (folder / prepared.IMAGES).open("r+b") as file:
            file.seek(-3, 2)
            file.write(b"\1\2\3")
        os.utime(folder / prepared.IMAGES)  # the clock of a file system ticks slower than this test runs
    elif what == "shape":
        np.save(folder / prepared.IMAGES, np.zeros((3, SIZE, SIZE), np.uint8))
    elif what == "told":
        (folder / prepared.PROOF).write_text("{}")
    else:
        (folder / prepared.IMAGES).unlink()
    with pytest.raises(DataError, match=r"are damaged\. Delete that folder"):
        load_cohort(of(own)).prepare()
    if what != "told":  # of a file that was found whole and did not change, the proof is not read again
        with pytest.raises(DataError, match=r"are damaged\. Delete that folder"):
            load_cohort(of(own)).film(0)


def test_films_are_looked_at_without_checking_the_cache_again(own, monkeypatch):
    prepare(of(own))
    summed, crc = [], prepared._crc
    monkeypatch.setattr(prepared, "_crc", lambda pixels: summed.append(len(pixels)) or crc(pixels))
    for cohort in (load_cohort(of(own)), load_cohort(of(own))):
        for row in range(24):
            np.testing.assert_array_equal(cohort.film(row).tones, decode.decode(cohort.pixels.sources[row], SIZE))
    assert sum(summed) == 24, "once, all five chunks of it"
    load_cohort(of(own)).prepare()
    assert sum(summed) == 48, "who trains on it looks again"


def test_a_disk_that_is_too_small_is_said_before_anything_is_written(own, own_home, monkeypatch):
    monkeypatch.setattr(prepared.shutil, "disk_usage", lambda path: SimpleNamespace(free=100))
    with pytest.raises(DataError, match="Make room"):
        load_cohort(of(own)).prepare()
    assert not list(own_home.rglob("images.npy"))


def test_memory_does_not_grow_with_the_number_of_images(tmp_path, tools):
    film, write_csv, _ = tools
    film(tmp_path / "film.png")

    def peak(n, size):
        names = []
        for i in range(n):
            (tmp_path / f"{n}-{i}.png").hardlink_to(tmp_path / "film.png")
            names.append((f"{n}-{i}.png", f"p{i}", i % 2))
        write_csv(tmp_path / f"{n}.csv", ["image", "patient", "Mass"], names)
        config = FolderConfig(folder=tmp_path, table=f"{n}.csv", image_size=size)
        tracemalloc.start()
        prepare(config, workers=1)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(5, 192)  # what is imported on the way
    few, many = peak(20, 192), peak(120, 192)  # 4.4 MB of pixels against 0.7
    assert many < few + 1_000_000


def test_a_film_is_the_same_before_and_after_the_cohort_is_prepared(nih, own_home):
    config = ChestXray14Config(folder=nih.folder, image_size=SIZE)
    cohort = load_cohort(config)
    before = cohort.film(33)
    assert not list(own_home.iterdir()), "looking at a film prepares nothing"
    np.testing.assert_array_equal(before.tones, cohort.images[33])
    np.testing.assert_array_equal(cohort.film(33).tones, cohort.images[33])
    np.testing.assert_array_equal(cohort.film(33).truth.masks(SIZE), cohort.masks(33, SIZE))
    assert cohort.film(33, 48).truth.masks(48).shape == (14, 48, 48)
    assert not cohort.synthetic
    assert cohort.row_of("00000017_001") == 33
    assert cohort_size(config) == (48, 28)
    whole = read((nih.folder / "images_002/images/00000017_001.png").read_bytes(), "x")
    np.testing.assert_array_equal(before.read(), whole.pixels)
    assert before.sha256 == whole.sha256
    (nih.folder / "images_001/images/00000001_000.png").write_bytes(b"x")
    for look in (lambda: cohort.film(0, 40), cohort.film(0).read):
        with pytest.raises(DataError, match=r"00000001_000\.png"):
            look()


def test_a_film_of_a_page_is_read_in_full_as_confined_as_its_row_was(nih):
    with confined([nih.folder]):
        film = load_cohort(ChestXray14Config(folder=nih.folder, image_size=SIZE)).film(0)
    (nih.folder / "images_001/images/00000001_000.png").unlink()
    with pytest.raises(DataError, match="cannot be read as asked") as refused:
        film.read()
    assert "00000001" not in str(refused.value)


def test_keys_and_fingerprints_are_what_they_always_were(tmp_path):
    """As the first release wrote them: what was decoded, and what teachers said of it, stays valid."""
    lines = ["image,patient,split,view,Effusion,Mass"]
    for i in range(6):
        (tmp_path / f"{i}.png").write_bytes(b"x" * (i + 1))
        os.utime(tmp_path / f"{i}.png", (1e9, 1e9))
        lines.append(f"{i}.png,p{i},{('train', 'val', 'test')[i % 3]},PA,{i % 2},{'' if i == 2 else 1}")
    (tmp_path / "labels.csv").write_text("\n".join(lines) + "\n")
    cohort = load_cohort(FolderConfig(folder=tmp_path, image_size=SIZE))
    assert cohort.pixels.key == cohort.pixels.folder.name == "b6389b954a0e5023"
    assert cohort.fingerprint == "717c8bf3bd36e2cc"
    file = tmp_path / "1.png"
    others = (file, stored.Monochrome1(file), stored.InNpz(file, "test_images", 7))
    assert image_files.ImageFiles(np.array(["a", "b", "c"]), others, 224).key == "7c2609d0a0266fee"


def test_chestmnist_is_prepared_from_its_file(npz):
    path, arrays = npz
    cohort = load_cohort(ChestMnistConfig(folder=path, size=28, image_size=SIZE))
    assert cohort.images.shape == (11, SIZE, SIZE)
    np.testing.assert_array_equal(cohort.images[10], resized(arrays["test_images"][2], SIZE))


def test_real_trees_are_prepared_unchanged(shared_data):
    cohort = load_cohort(ChestXray14Config(folder=shared_data / "nih_64", image_size=SIZE))
    assert cohort.images.shape == (701, SIZE, SIZE)
    masks = cohort.lesions.masks(int(cohort.lesions.rows[0]), SIZE)
    row, k = int(cohort.lesions.rows[0]), int(np.flatnonzero(masks.any((1, 2)))[0])
    assert cohort.targets[row, k] == 1, "the box belongs to a finding of that film"


def test_films_marked_monochrome1_are_turned_where_they_are_negatives(padchest, own_home, monkeypatch, capsys):
    """What a film looks like decides, not the tag: three are stored inverted, three are not."""
    right = []
    for i, row in enumerate(padchest.rows[:6]):
        film = render(7, i, 0, 128).pixels.astype(np.uint16) * 257
        right.append(film)
        row |= {"PhotometricInterpretation_DICOM": "MONOCHROME1", "ImageDir": 0}
        Image.fromarray(65535 - film if i % 2 else film).save(padchest.folder / "0" / row["ImageID"])
    padchest.write()
    config = PadChestConfig(folder=padchest.folder, image_size=SIZE)
    found = prepare(config)
    assert found.turned == 3
    for row, film in enumerate(right):
        expected = cv2.resize(film.astype(np.float32) / 257, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
        assert np.abs(found.images[row].astype(float) - expected).mean() < 2
        np.testing.assert_array_equal(load_cohort(config).film(row).tones, found.images[row])
    assert prepare(config).turned == 3, "it is remembered"
    assert main(["data", "prepare", "--kind", "padchest", "--folder", str(padchest.folder), "--image-size", "32"]) == 0
    told = capsys.readouterr().out
    assert "6 films are MONOCHROME1" in told
    assert "3 of 6 MONOCHROME1 films were turned from negative to positive" in told
    monkeypatch.setenv("CXRKD_HOME", str(own_home / "other"))
    with pytest.raises(KeyboardInterrupt):
        prepare(config, lambda done, total: (_ for _ in ()).throw(KeyboardInterrupt))
    assert prepare(config).turned == 3, "also of chunks that an interrupted call left"


def test_a_film_that_is_not_in_doubt_is_left_alone(padchest):
    film = 255 - render(7, 0, 0, 128).pixels
    Image.fromarray(film).save(padchest.folder / "0" / padchest.rows[0]["ImageID"])
    found = prepare(PadChestConfig(folder=padchest.folder, image_size=SIZE))
    assert found.turned == 0
    expected = cv2.resize(film.astype(np.float32), (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    assert np.abs(found.images[0].astype(float) - expected).mean() < 2
