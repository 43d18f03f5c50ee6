"""Drawn pixels: aligned with their table, complete or absent, the same however they were drawn."""

import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from cxrkd.data import cohort_size, drawn, load_cohort
from cxrkd.data.cohort import SPLITS, check_no_leak
from cxrkd.data.phantom import n_visits, render
from cxrkd.data.readers.phantom import PhantomConfig
from cxrkd.labels import CHESTXRAY14

CONFIG = PhantomConfig(n_patients=20, seed=3, image_size=32)


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("CXRKD_HOME", str(tmp_path))
    return tmp_path


def folder():
    return load_cohort(CONFIG).pixels.folder


def test_rows_are_the_phantoms_of_the_config(own_home):
    cohort = load_cohort(CONFIG)
    assert "phantom" in cohort.name.lower()
    assert cohort.synthetic
    assert cohort.labels == CHESTXRAY14
    assert len(cohort) == sum(n_visits(3, p) for p in range(20))
    assert len(set(cohort.ids)) == len(cohort)
    for row in (0, len(cohort) // 2, len(cohort) - 1):
        patient, visit = int(cohort.patients[row].split("-")[-1]), int(cohort.ids[row].split("-")[-1])
        phantom, film = render(3, patient, visit, 32), cohort.film(row)
        np.testing.assert_array_equal(film.tones, phantom.pixels)
        np.testing.assert_array_equal(film.truth.masks(32), phantom.masks)
        np.testing.assert_array_equal(film.truth.masks(48), render(3, patient, visit, 48).masks)
        np.testing.assert_array_equal(film.truth.severity, phantom.severity)
        np.testing.assert_array_equal(cohort.targets[row], phantom.labels)
        assert (film.name, film.patient, film.view) == (phantom.image_id, phantom.patient, phantom.view)
        assert (cohort.views[row], cohort.titles[row]) == (phantom.view, f"Patient {patient}, visit {visit + 1}")
        assert not film.real
    assert not any(own_home.iterdir()), "looking at films prepares nothing"
    np.testing.assert_array_equal(cohort.images[-1], phantom.pixels)
    np.testing.assert_array_equal(cohort.film(len(cohort) - 1).tones, phantom.pixels)
    np.testing.assert_array_equal(np.rint(film.read() * 255), phantom.pixels)
    with pytest.raises(ValueError, match="read-only"):
        cohort.images[0] = 0


def test_the_second_call_reads_the_cache():
    calls = []
    first, second = load_cohort(CONFIG), load_cohort(CONFIG)
    first.prepare(lambda done, total: calls.append((done, total)))
    assert calls[-1] == (len(first), len(first))
    calls.clear()
    second.prepare(lambda done, total: calls.append((done, total)))
    assert calls == []
    np.testing.assert_array_equal(first.images, second.images)


def test_the_fingerprint_knows_config_and_version_and_is_what_it_always_was(monkeypatch):
    changes = ({}, {"seed": 4}, {"n_patients": 21}, {"image_size": 48})
    prints = {load_cohort(CONFIG.model_copy(update=change)).fingerprint for change in changes}
    monkeypatch.setattr(drawn, "PHANTOM_VERSION", -1)
    assert len(prints | {drawn.fingerprint(CONFIG)}) == 5
    monkeypatch.setattr(drawn, "PHANTOM_VERSION", 7)
    # As the first release wrote them: what was drawn, and what teachers said of it, stays valid.
    assert drawn.fingerprint(CONFIG) == "24e2db7975c04568"
    assert drawn.fingerprint(PhantomConfig()) == "b82c05b53e216fb1"


def test_missed_findings_are_missed_where_one_learns_and_nowhere_else(own_home):
    true, some, more = (load_cohort(PhantomConfig(n_patients=400, missed=share)) for share in (0, 0.18, 0.5))
    learned, present = true.split != "test", true.positive
    for cohort, share in ((some, 0.18), (more, 0.5)):
        np.testing.assert_array_equal(cohort.split, true.split)
        np.testing.assert_array_equal(cohort.targets[~learned], true.targets[~learned])
        assert not (cohort.positive & ~present).any()
        missed = 1 - cohort.positive[learned].sum() / present[learned].sum()
        assert missed == pytest.approx(share, abs=3 * np.sqrt(share * (1 - share) / present[learned].sum()))
    assert not (more.positive & ~some.positive).any()
    assert (some.positive != more.positive).any(0).all()


def test_missed_findings_change_labels_and_not_images(own_home):
    true, noisy = load_cohort(CONFIG), load_cohort(CONFIG.model_copy(update={"missed": 0.25}))
    assert true.pixels.folder == noisy.pixels.folder
    assert true.fingerprint != noisy.fingerprint
    assert "25%" in noisy.truth


def test_an_interrupted_drawing_leaves_no_cache(own_home):
    def interrupt(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load_cohort(CONFIG).prepare(interrupt)
    assert not folder().exists()
    assert list((own_home / "cache" / "phantom").iterdir()) == []
    assert len(load_cohort(CONFIG).images) > 20


def test_a_killed_drawing_leaves_no_cache(own_home):
    code = (
        "import os, signal; from cxrkd.data.readers.phantom import PhantomConfig; from cxrkd.data import load_cohort\n"
        "kill = lambda done, total: os.kill(os.getpid(), signal.SIGKILL)\n"
        "load_cohort(PhantomConfig(n_patients=20, seed=3, image_size=32)).prepare(kill)"
    )
    killed = subprocess.run([sys.executable, "-c", code], env=os.environ | {"CXRKD_HOME": str(own_home)}, check=False)
    assert killed.returncode == -9
    assert not folder().exists()
    (left,) = (own_home / "cache" / "phantom").iterdir()
    os.utime(left, (0, time.time() - 2 * 86_400))
    assert len(load_cohort(CONFIG).images) > 20
    assert not left.exists(), "what a killed drawing left is removed after a day"


def test_two_drawings_at_once_end_with_one_valid_cache(own_home):
    cohorts, start = [load_cohort(CONFIG), load_cohort(CONFIG)], threading.Barrier(2)

    def work(cohort):
        start.wait()
        cohort.prepare()

    threads = [threading.Thread(target=work, args=(cohort,)) for cohort in cohorts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    np.testing.assert_array_equal(cohorts[0].images, cohorts[1].images)
    assert [p.name for p in (own_home / "cache" / "phantom").iterdir()] == [cohorts[0].fingerprint]


def test_worker_processes_draw_what_one_process_draws(monkeypatch, tmp_path):
    alone = np.array(load_cohort(CONFIG).images)
    monkeypatch.setenv("CXRKD_HOME", str(tmp_path / "other"))
    monkeypatch.setattr(drawn, "_ALONE_UP_TO", 0)
    monkeypatch.setattr(drawn, "_CHUNK", 8)
    monkeypatch.setattr(drawn, "cpu_count", lambda: 2)
    calls, cohort = [], load_cohort(CONFIG)
    cohort.prepare(lambda done, total: calls.append(done))
    assert calls == sorted(calls)
    np.testing.assert_array_equal(alone, cohort.images)


def test_a_main_module_that_cannot_be_imported_again_draws_alone(own_home):
    code = (
        "from cxrkd.data.readers.phantom import PhantomConfig; from cxrkd.data import drawn, load_cohort\n"
        "drawn.cpu_count = lambda: 2; drawn._ALONE_UP_TO = 0; drawn._CHUNK = 8\n"
        "print(len(load_cohort(PhantomConfig(n_patients=20, seed=3, image_size=32)).images))"
    )
    env = os.environ | {"CXRKD_HOME": str(own_home)}
    done = subprocess.run([sys.executable, "-"], input=code, env=env, capture_output=True, text=True, check=True)
    assert int(done.stdout) == sum(n_visits(3, p) for p in range(20))


@pytest.mark.parametrize("seed", range(5))
def test_every_label_has_cases_in_every_split_of_a_reasonable_cohort(seed):
    cohort = load_cohort(PhantomConfig(seed=seed))
    check_no_leak(cohort.patients, cohort.split)
    for name in SPLITS:
        present = cohort.targets[cohort.rows(name)] == 1
        assert present.any(0).all(), name
        assert not present.all(0).any(), name


def test_the_number_of_phantoms_is_guessed_well_enough_for_an_estimate():
    config = PhantomConfig(n_patients=400, image_size=32)
    images, to_train_on = cohort_size(config)
    cohort = load_cohort(config)
    assert images == pytest.approx(len(cohort), rel=0.05)
    assert to_train_on == pytest.approx(len(cohort.rows("train")), rel=0.05)
