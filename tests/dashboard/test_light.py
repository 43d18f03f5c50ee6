"""What a fresh server imports before it can show something: seconds, if it were all that trains and explains."""

import json
import os
import subprocess
import sys
from pathlib import Path

from cxrkd.dashboard.caching import ahead

ROOT = Path(__file__).resolve().parents[2]
NETWORKS = {"torch", "torchvision", "timm", "lightning", "onnxruntime", "openvino", "sklearn"}
TABLES = {"pandas", "pydicom", "scipy", "cv2", "numpy"}
# Pages in a process of their own, as they ship, and nothing in the background.
PAGES = """
import json, sys
import cxrkd.dashboard.serving.server
served = sorted(sys.modules)
from concurrent.futures import Future
from streamlit.testing.v1 import AppTest
from cxrkd.dashboard.caching import ahead
from cxrkd.dashboard.routes import BY_NAME
ahead.in_background = lambda work, **_: Future()
errors = []
for name in ("overview", "results", "efficiency", "data", "on_device"):
    page = AppTest.from_file(str(BY_NAME[name].path), default_timeout=100).run()
    errors += [element.value for element in (*page.exception, *page.error)]
    assert page.metric or name == "on_device", name
print(json.dumps([served, sorted(sys.modules), errors]))
"""


def test_what_is_made_ready_ahead_can_be_made_ready(home_with_run, monkeypatch):
    """It goes on in the background, where a failure is seen in the log alone."""
    monkeypatch.setenv("CXRKD_HOME", str(home_with_run))
    monkeypatch.setattr("cxrkd.jobs.job.SHIPPED", home_with_run / "none")
    monkeypatch.setattr(ahead, "PAGE_FIRST_S", 0.0)
    ahead._warm()
    assert set(ahead.MODULES) <= set(sys.modules)


def test_pages_of_figures_load_no_network(tmp_path):
    env = {**os.environ, "PYTHONPATH": str(ROOT), "CXRKD_HOME": str(tmp_path)}
    ended = subprocess.run(
        [sys.executable, "-c", PAGES], cwd=tmp_path, env=env, capture_output=True, text=True, check=True
    )
    served, shown, errors = json.loads(ended.stdout)
    assert errors == []
    assert not (NETWORKS | TABLES) & set(served), "before the port is open"
    assert not NETWORKS & set(shown)
