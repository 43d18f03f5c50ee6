"""The cached cohort: aligned, complete or absent, the same however it was rendered."""

import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from cxrkd.config import PhantomConfig
from cxrkd.data import load_cohort, phantom_cohort
from cxrkd.data.cohort import SPLITS, check_no_leak
from cxrkd.data.phantom import n_visits, render
from cxrkd.data.preview import preview
from cxrkd.labels import CHESTXRAY14

CONFIG = PhantomConfig(n_patients=20, seed=3, image_size=32)


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("CXRKD_HOME", str(tmp_path))
    return tmp_path


def test_rows_are_the_phantoms_of_the_config():
    cohort = load_cohort(CONFIG)
    assert "phantom" in cohort.name
    assert cohort.synthetic
    assert cohort.labels == CHESTXRAY14
    assert len(cohort) == sum(n_visits(3, p) for p in range(20))
    assert len(set(cohort.ids)) == len(cohort)
    for row in (0, len(cohort) // 2, len(cohort) - 1):
        patient, visit = int(cohort.patients[row].split("-")[-1]), int(cohort.ids[row].split("-")[-1])
        phantom = render(3, patient, visit, 32)
        np.testing.assert_array_equal(cohort.images[row], phantom.pixels)
        np.testing.assert_array_equal(cohort.targets[row], phantom.labels)
        np.testing.assert_array_equal(cohort.lesion_masks(row), phantom.masks)
        assert cohort.views[row] == phantom.view
    with pytest.raises(ValueError, match="read-only"):
        cohort.images[0] = 0


def test_the_second_call_reads_the_cache():
    calls = []
    first = load_cohort(CONFIG, lambda done, total: calls.append((done, total)))
    assert calls[-1] == (len(first), len(first))
    calls.clear()
    second = load_cohort(CONFIG, lambda done, total: calls.append((done, total)))
    assert calls == []
    np.testing.assert_array_equal(first.images, second.images)
    np.testing.assert_array_equal(first.split, second.split)
    assert first.fingerprint == second.fingerprint


def test_the_fingerprint_knows_config_and_version(monkeypatch):
    prints = {phantom_cohort.fingerprint(CONFIG.model_copy(update=u)) for u in ({}, {"seed": 4}, {"n_patients": 21})}
    monkeypatch.setattr(phantom_cohort, "PHANTOM_VERSION", -1)
    assert len(prints | {phantom_cohort.fingerprint(CONFIG)}) == 4


def test_an_interrupted_render_leaves_no_cache(own_home):
    def interrupt(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load_cohort(CONFIG, interrupt)
    assert not phantom_cohort.cache_folder(CONFIG).exists()
    assert list((own_home / "cache" / "phantom").iterdir()) == []
    assert len(load_cohort(CONFIG)) > 20


def test_a_killed_render_leaves_no_cache(own_home):
    code = (
        "import os, signal; from cxrkd.config import PhantomConfig; from cxrkd.data import load_cohort\n"
        "kill = lambda done, total: os.kill(os.getpid(), signal.SIGKILL)\n"
        "load_cohort(PhantomConfig(n_patients=20, seed=3, image_size=32), kill)"
    )
    killed = subprocess.run([sys.executable, "-c", code], env=os.environ | {"CXRKD_HOME": str(own_home)}, check=False)
    assert killed.returncode == -9
    assert not phantom_cohort.cache_folder(CONFIG).exists()
    (left,) = (own_home / "cache" / "phantom").iterdir()
    os.utime(left, (0, time.time() - 2 * 86_400))
    assert len(load_cohort(CONFIG)) > 20
    assert not left.exists(), "what a killed render left is removed after a day"


def test_two_renders_at_once_end_with_one_valid_cache(own_home):
    cohorts, start = [], threading.Barrier(2)

    def work():
        start.wait()
        cohorts.append(load_cohort(CONFIG))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    np.testing.assert_array_equal(cohorts[0].images, cohorts[1].images)
    assert [p.name for p in (own_home / "cache" / "phantom").iterdir()] == [phantom_cohort.fingerprint(CONFIG)]


def test_worker_processes_draw_what_one_process_draws(monkeypatch, tmp_path):
    alone = np.array(load_cohort(CONFIG).images)
    monkeypatch.setenv("CXRKD_HOME", str(tmp_path / "other"))
    monkeypatch.setattr(phantom_cohort, "_ALONE_UP_TO", 0)
    monkeypatch.setattr(phantom_cohort, "_CHUNK", 8)
    monkeypatch.setattr(phantom_cohort, "cpu_count", lambda: 2)
    calls = []
    together = load_cohort(CONFIG, lambda done, total: calls.append(done)).images
    assert calls == sorted(calls)
    np.testing.assert_array_equal(alone, together)


def test_a_main_module_that_cannot_be_imported_again_renders_alone(own_home):
    code = (
        "import os; from cxrkd.config import PhantomConfig; from cxrkd.data import phantom_cohort\n"
        "phantom_cohort.cpu_count = lambda: 2; phantom_cohort._ALONE_UP_TO = 0; phantom_cohort._CHUNK = 8\n"
        "print(len(phantom_cohort.cohort(PhantomConfig(n_patients=20, seed=3, image_size=32))))"
    )
    env = os.environ | {"CXRKD_HOME": str(own_home)}
    done = subprocess.run([sys.executable, "-"], input=code, env=env, capture_output=True, text=True, check=True)
    assert int(done.stdout) == sum(n_visits(3, p) for p in range(20))


@pytest.mark.parametrize("seed", range(5))
def test_every_label_has_cases_in_every_split_of_a_reasonable_cohort(seed):
    # The default configuration: `preview` is the same table without drawing 800 images.
    told = preview(PhantomConfig(seed=seed))
    check_no_leak(told.patients, told.split)
    for name in SPLITS:
        present = told.targets[told.rows(name)] == 1
        assert present.any(0).all(), name
        assert not present.all(0).any(), name
