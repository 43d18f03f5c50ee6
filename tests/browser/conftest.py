"""A running app in a home of its own, and a Chromium that looks at it."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from cxrkd.runs import open_run
from tests.browser.sites import READY, exported, phone, serving_folder
from tests.serving import free_port, serving

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = "/usr/bin/chromium"
PATIENCE_MS = 120_000  # what is awaited comes in its own time, on a loaded machine too
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def browser():
    if shutil.which(CHROMIUM) is None:
        if os.environ.get("CXRKD_REQUIRE_BROWSER"):
            pytest.fail(f"expected Chromium at {CHROMIUM}")
        pytest.skip(f"needs Chromium at {CHROMIUM}")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def app_url(tmp_path_factory):
    """The address of `streamlit run app.py`, answering; the server ends with the tests."""
    with serving_app(tmp_path_factory.mktemp("browser-home")) as address:
        yield address


@pytest.fixture(scope="session")
def model():
    """The network that the exported app holds."""
    return open_run("nih").load_model("distilled")


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """The exported app."""
    return exported(tmp_path_factory.mktemp("app"))


@pytest.fixture(scope="session")
def site(folder):
    with serving_folder(folder) as site:
        yield site


@pytest.fixture(scope="module")
def page(browser, site):
    """The app on a phone."""
    context = phone(browser)
    page = context.new_page()
    page.goto(site.address)
    page.locator(READY).wait_for()
    yield page
    context.close()


def serving_app(home):
    """`streamlit run app.py` in a home; yields its address."""
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless", "true"]
    command += ["--server.address", "127.0.0.1", "--server.port", str(port)]
    return serving(command, port, home, cwd=ROOT, env={**os.environ, "CXRKD_HOME": str(home)})
