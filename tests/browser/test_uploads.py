"""Uploads as a person handles them: added, removed, refused, remembered on another page, replaced, answered by name."""

import io
import re

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from playwright.sync_api import expect

from cxrkd.data.phantom import render
from cxrkd.runs import open_run
from tests.browser.test_app import MINUTE, go, settle

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(1500)]

CHART = ".js-plotly-plot"
NAMES = "h2, [data-testid=stExpander] summary strong"
TOO_LARGE = 51 * 2**20  # one more than .streamlit/config.toml lets in


@pytest.fixture(scope="module")
def window(browser):
    """What the tabs share: their size, and the app's scripts once they are fetched."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    context.set_default_timeout(2 * MINUTE)
    yield context
    context.close()


@pytest.fixture
def page(window, app_url):
    """A visitor of their own, with the Uploads of Classify open."""
    tab = window.new_page()
    tab.goto(f"{app_url}/classify")
    uploads(tab)
    yield tab
    tab.close()


@pytest.fixture
def oversized(tmp_path):
    path = tmp_path / "b.png"
    with path.open("wb") as file:
        file.truncate(TOO_LARGE)
    return path


def uploads(page):
    page.get_by_role("radio", name="Uploads").or_(page.get_by_role("button", name="Uploads")).first.click()
    expect(page.get_by_test_id("stFileUploader")).to_be_visible()


def film(name, patient):
    buffer = io.BytesIO()
    Image.fromarray(render(11, patient, 0, 256).pixels).save(buffer, format="PNG")
    return {"name": name, "mimeType": "image/png", "buffer": buffer.getvalue()}


def add(page, *files):
    page.locator('input[type="file"]').set_input_files(list(files))


def remove(page, name):
    page.get_by_role("button", name=f"Remove {name}").click()


def answered(page, *names):
    """Wait until just these films are answered, each under its name, with the first one's chart."""
    for name in names:
        # Waits for an element that is being replaced to go: a strict look at two of them fails at once.
        expect(page.locator(NAMES).filter(has_text=re.compile(f"^\\s*{re.escape(name)}\\s*$"))).to_have_count(1)
    expect(page.locator(NAMES)).to_have_count(len(names))
    expect(page.locator(CHART).first).to_be_visible()


def unanswered(page):
    """Wait until no film is answered, and nothing offers an answer."""
    expect(page.get_by_text(re.compile("No film yet"))).to_be_visible()
    expect(page.locator(CHART)).to_have_count(0)
    expect(page.get_by_role("button", name="All answers as CSV")).to_have_count(0)


def test_a_removed_upload_is_gone_and_a_refused_one_takes_no_answer_with_it(page, oversized):
    add(page, film("a.png", 4))
    answered(page, "a.png")
    remove(page, "a.png")
    unanswered(page)
    add(page, oversized)
    chip = page.get_by_test_id("stFileChip")
    expect(chip).to_have_attribute("aria-invalid", "true")
    expect(chip).to_contain_text("b.png")
    settle(page)
    unanswered(page)
    expect(page.get_by_text("a.png")).to_have_count(0)
    add(page, film("a.png", 4))
    expect(chip).to_have_count(2)
    answered(page, "a.png")
    remove(page, "a.png")
    unanswered(page)
    add(page, {"name": "c.txt", "mimeType": "text/plain", "buffer": b"no radiograph"})
    expect(page.get_by_test_id("stAlertContentError")).to_contain_text("c.txt is")
    unanswered(page)


def test_another_page_remembers_what_is_still_there_and_forgets(page):
    add(page, film("a.png", 4), film("b.png", 5))
    answered(page, "a.png", "b.png")
    add(page, film("a.png", 5))
    answered(page, "a.png", "b.png", "a.png (2)")
    remove(page, "b.png")
    answered(page, "a.png", "a.png (2)")
    go(page, "Explain")
    uploads(page)
    expect(page.get_by_text("Remembered from before: a.png, a.png (2).")).to_be_visible()
    page.get_by_role("button", name="Forget").click()
    expect(page.get_by_text(re.compile("Drop a radiograph"))).to_be_visible()
    add(page, film("c.png", 4))  # explained before as a.png, so this costs little
    expect(page.get_by_role("heading", name="c.png")).to_be_visible()
    remove(page, "c.png")
    expect(page.get_by_text(re.compile("Drop a radiograph"))).to_be_visible()
    go(page, "Classify")
    uploads(page)
    unanswered(page)
    expect(page.get_by_text("Remembered from before")).to_have_count(0)


def test_a_finding_that_cannot_be_called_is_not_called_absent(page):
    run = open_run("nih")
    judged = int((~np.isnan(run.thresholds("teacher"))).sum())
    add(page, film("a.png", 4))
    answered(page, "a.png")
    main = page.get_by_test_id("stMain")
    words = "the one finding it can call" if judged == 1 else f"of the {judged} findings it can call"
    expect(main.get_by_text(re.compile(words))).to_have_count(2)
    assert "no finding" not in main.inner_text().lower()
    box = main.get_by_text(f"Not judged ({len(run.labels) - judged})")
    box.click()
    expect(main.get_by_text("cannot call a label")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="All answers as CSV").click()
    table = pd.read_csv(download.value.path())
    assert set(table["name"]) == {"a.png"}
    assert table["teacher_not_judged"].notna().sum() == len(run.labels) - judged
    assert table["teacher_positive"].notna().sum() == judged
