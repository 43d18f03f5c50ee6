"""Which films a run was made from: kept with the run, read without trust, made again from the data set."""

import numpy as np
import pytest

from cxrkd.checksums import check, seal
from cxrkd.cli import main
from cxrkd.data import load_cohort
from cxrkd.errors import RunError
from cxrkd.images.likeness import likeness
from cxrkd.jobs.execute import execute
from cxrkd.jobs.files import MissingFileError
from cxrkd.runs import create, open_run
from cxrkd.runs.checking.check import check_job
from cxrkd.runs.seen import FILE, VERSION, Seen, keep_seen, read_seen, seen_by
from tests import toys
from tests.shipped import REAL


@pytest.fixture
def run(config):
    return toys.finished_run(config("Some", patients=20))


def test_a_run_that_is_made_keeps_every_film(config, blob_data, blobs):
    run = create(config(seeds=(0,)))
    execute(run)
    seen = read_seen(run)
    for name, expected in (("ids", blobs.ids), ("patients", blobs.patients), ("split", blobs.split)):
        np.testing.assert_array_equal(getattr(seen, name), expected)
    np.testing.assert_array_equal(seen.likeness, [likeness(film) for film in blobs.images])
    assert set(seen.trained_on.split) == {"train", "val"}
    assert len(seen.trained_on.ids) + len(seen.tested_on.ids) == len(blobs)
    assert check(run.path / FILE) is True
    assert (run.path / FILE).stat().st_size < 150 * len(blobs)


def test_a_run_of_an_older_version_is_asked_through_its_data_set(run):
    with pytest.raises(MissingFileError):
        read_seen(run)
    derived = seen_by(run)
    keep_seen(run, load_cohort(run.config.data))
    for name in ("ids", "names", "patients", "split", "likeness"):
        np.testing.assert_array_equal(getattr(derived, name), getattr(read_seen(run), name))


def test_nothing_is_known_where_neither_file_nor_data_are_here(run, monkeypatch):
    monkeypatch.setattr("cxrkd.runs.seen.is_here", lambda data: False)
    assert seen_by(run) is None
    keep_seen(run, load_cohort(run.config.data))
    assert seen_by(run) is not None


@pytest.mark.parametrize("name", REAL)
def test_real_shipped_runs_name_their_films(name):
    run = open_run(name)
    seen = read_seen(run)
    np.testing.assert_array_equal(np.sort(seen.tested_on.ids), np.sort(run.predictions("teacher").ids))
    assert not set(seen.trained_on.patients) & set(seen.tested_on.patients)


def arrays(run):
    seen = seen_by(run)
    texts = {name: getattr(seen, name) for name in ("ids", "names", "patients", "split")}
    return texts | {"likeness": seen.likeness, "version": np.array(VERSION)}


BAD = {
    "another version": {"version": np.array(99)},
    "a version that is no number": {"version": np.array("1")},
    "objects": {"ids": np.array([None] * 3, object)},
    "too few patients": {"patients": np.array(["1"])},
    "a split that is none": {"split": lambda old: np.full(len(old), "holdout")},
    "numbers for names": {"names": lambda old: np.arange(len(old))},
    "short hashes": {"likeness": lambda old: old[:, :8]},
    "wide hashes": {"likeness": lambda old: old.astype(np.int64)},
    "no hashes": {"likeness": None},
}


@pytest.mark.parametrize("what", BAD)
def test_what_does_not_fit_is_one_sentence_that_names_the_file(run, what):
    kept = arrays(run)
    changes = {name: new(kept[name]) if callable(new) else new for name, new in BAD[what].items()}
    written = {name: array for name, array in (kept | changes).items() if array is not None}
    np.savez(run.path / FILE, **written)
    seal(run.path / FILE)
    with pytest.raises(RunError, match=r"some: seen\.npz is damaged"):
        read_seen(run)
    assert [finding.file for finding in check_job(run)] == [FILE]


def test_one_flipped_bit_is_damage(run):
    keep_seen(run, load_cohort(run.config.data))
    content = bytearray((run.path / FILE).read_bytes())
    content[len(content) // 2] ^= 4
    (run.path / FILE).write_bytes(content)
    with pytest.raises(RunError, match="damaged"):
        read_seen(run)


def test_the_verb_reference_adds_it_to_an_older_run(config, blob_data, blobs, monkeypatch):
    monkeypatch.setattr("cxrkd.data.load_cohort", lambda config, progress=None: blobs)
    run = create(config(seeds=(0,)))
    execute(run)
    (run.path / FILE).unlink()
    assert main(["reference", run.id]) == 0
    np.testing.assert_array_equal(read_seen(run).ids, blobs.ids)


def test_rows_keep_all_that_is_known_of_them(run):
    seen = seen_by(run)
    some = seen.at(np.array([4, 2]))
    assert isinstance(some, Seen)
    assert some.ids.tolist() == seen.ids[[4, 2]].tolist()
    np.testing.assert_array_equal(some.likeness, seen.likeness[[4, 2]])
