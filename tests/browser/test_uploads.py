"""Uploads as a person handles them: added, removed, refused, remembered on another page, replaced, answered by name."""

import io
import re

import pytest
from PIL import Image
from playwright.sync_api import expect

from cxrkd.data.phantom import render
from tests.browser.test_app import MINUTE, go, settle

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TOO_LARGE = 51 * 2**20  # one more than .streamlit/config.toml lets in


@pytest.fixture
def page(browser, app_url):
    """A tab of its own, with the Uploads of Classify open."""
    tab = browser.new_page(viewport={"width": 1440, "height": 1000})
    tab.set_default_timeout(MINUTE)
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
    chip = page.get_by_test_id("stFileChip").filter(has_text=name)
    chip.get_by_role("button").click()
    expect(chip).to_have_count(0)


def answers(page):
    return page.get_by_test_id("stMain").get_by_alt_text(re.compile("Probabilities for"))


def test_a_removed_upload_is_gone_also_when_the_next_one_is_refused(page, oversized):
    add(page, film("a.png", 4))
    expect(page.get_by_role("heading", name="a.png")).to_be_visible()
    expect(page.locator(".js-plotly-plot")).to_have_count(1)
    remove(page, "a.png")
    expect(page.locator(".js-plotly-plot")).to_have_count(0)
    add(page, oversized)
    expect(page.get_by_text("50.0MB or smaller").or_(page.get_by_text(re.compile("must be")))).to_be_visible()
    settle(page)
    expect(page.get_by_text("No film to answer")).to_be_visible()
    assert "a.png" not in page.inner_text("body")
    expect(page.get_by_role("button", name="All answers as CSV")).to_have_count(0)
