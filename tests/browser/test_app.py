"""One visit, as a person would make it: distil, find it on Results, classify an upload, explain it, see every page."""

import io
import re

import pytest
from PIL import Image
from playwright.sync_api import expect

from cxrkd.dashboard.distill.presets import PRESETS
from cxrkd.dashboard.routes import ROUTES
from cxrkd.data.phantom import render
from cxrkd.runs.choosing import choose_run

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(1500)]

MINUTE = 60_000
HEADINGS = {"Overview": "Chest X-ray distillation"}
BUSY = 'button:has-text("Stop"), [data-testid="stSpinner"], [data-testid="stSkeleton"]'
ERRORS = '[data-testid="stException"], [data-testid="stAlertContentError"]'


@pytest.fixture(scope="module")
def page(browser, app_url):
    """One tab for the whole visit, so that its session is kept."""
    tab = browser.new_page(viewport={"width": 1440, "height": 1000})
    tab.set_default_timeout(2 * MINUTE)
    tab.goto(f"{app_url.rstrip('/')}/data")  # by its address, as the first visit that this server gets
    expect(tab.get_by_role("heading", name="Data", level=1)).to_be_visible(timeout=3 * MINUTE)
    expect(tab.get_by_test_id("stSidebarNav").get_by_role("link", name="Distil", exact=True)).to_be_visible()
    settle(tab)
    yield tab
    tab.close()


def settle(page, calm_needed=3):
    """Wait until the script has stopped running for a moment; on a loaded machine engines are chosen for minutes."""
    calm = 0
    for _ in range(2000):
        calm = 0 if page.locator(BUSY).count() else calm + 1
        if calm == calm_needed:
            return
        page.wait_for_timeout(300)
    pytest.fail("the page was still busy after ten minutes")


def visit(page, title):
    go(page, title)
    assert_no_errors(page)


def go(page, title):
    link = page.get_by_test_id("stSidebarNav").get_by_role("link", name=title, exact=True)
    heading = page.get_by_role("heading", name=HEADINGS.get(title, title), level=1, exact=True)
    link.click()
    try:
        expect(heading).to_be_visible(timeout=MINUTE / 2)
    except AssertionError:  # Streamlit drops a click now and then when a rerun is under way; people click again
        link.click()
        expect(heading).to_be_visible(timeout=2 * MINUTE)
    settle(page)


def assert_no_errors(page):
    expect(page.locator(ERRORS)).to_have_count(0)
    assert "Traceback" not in page.inner_text("body")


def shown(box):
    """What a select box shows, whether it is written as text or as the value of its input."""
    return box.inner_text() + "".join(field.input_value() for field in box.locator("input").all())


def await_shown(box, accept):
    """Wait until a select box shows what is accepted: what was there before may stay for a while."""
    for _ in range(600):
        if accept(shown(box)):
            return
        box.page.wait_for_timeout(200)
    pytest.fail(f"after two minutes the box still shows {shown(box)!r}")


def png():
    buffer = io.BytesIO()
    Image.fromarray(render(11, 4, 0, 256).pixels).save(buffer, format="PNG")
    return {"name": "film.png", "mimeType": "image/png", "buffer": buffer.getvalue()}


def fill(page, label, value, within):
    field = within.get_by_label(label, exact=True)
    field.fill(str(value))
    field.press("Tab")


def test_a_tiny_distillation_runs_to_the_end_and_is_found_on_results(page):
    visit(page, "Distil")
    box = page.get_by_test_id("stExpander").filter(has_text="New run").locator("details").first
    if box.get_attribute("open") is None:
        box.locator("summary").first.click()
    # The quick look borrows a teacher that answers films of 224 px. Its form may stay a while beside the one asked for.
    page.get_by_role("radio", name="Small").or_(page.get_by_role("button", name="Small")).first.click()
    settle(page)
    form = page.locator(f".st-key-new_{PRESETS['Small'].key}_form")
    fill(page, "Name", "browser run", form)
    for section in ("Training of the teacher", "Training of the students", "Data and seeds"):
        form.get_by_text(section).click()
    for epochs in form.get_by_label("Epochs at full size").all():
        epochs.fill("1")
        epochs.press("Tab")
    fill(page, "Patients", 20, form)
    fill(page, "Image size, pixels", 32, form)
    form.get_by_role("button", name="Distil").click()
    expect(page.get_by_role("button", name="Open on every page")).to_be_visible(timeout=10 * MINUTE)
    assert_no_errors(page)
    page.get_by_role("button", name="Open on every page").click()
    settle(page)
    visit(page, "Results")
    chooser = page.get_by_test_id("stSidebar").get_by_test_id("stSelectbox")
    await_shown(chooser, lambda text: "browser run" in text)
    expect(page.get_by_text("Student distilled").first).to_be_visible()


def test_an_upload_is_answered_and_a_text_file_is_refused_in_a_sentence(page):
    visit(page, "Classify")
    page.get_by_role("radio", name="Uploads").or_(page.get_by_role("button", name="Uploads")).first.click()
    settle(page)
    text = {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"not a radiograph"}
    page.locator('input[type="file"]').set_input_files([png(), text])
    settle(page)
    expect(page.get_by_text(re.compile(r"([\d.]+ ms with|not timed yet)")).first).to_be_visible(timeout=MINUTE)
    expect(page.locator(ERRORS)).to_have_count(1)
    expect(page.locator(ERRORS)).to_contain_text("notes.txt")
    better = choose_run(for_films=True).name
    # The visitor has opened a run on phantoms: that is kept, and the one that knows patients is offered.
    chooser = page.get_by_test_id("stSidebar").get_by_test_id("stSelectbox")
    await_shown(chooser, lambda text: "browser run" in text)
    expect(page.get_by_text("trained on phantoms").first).to_be_visible()
    page.get_by_role("button", name=f"Switch to {better}").click()
    await_shown(chooser, lambda text: better in text)
    expect(page.get_by_text("trained on phantoms")).to_have_count(0)


def test_the_upload_is_explained_by_another_label_and_method(page):
    go(page, "Explain")
    page.get_by_role("radio", name="Uploads").or_(page.get_by_role("button", name="Uploads")).first.click()
    settle(page)
    files = page.get_by_test_id("stSelectbox").filter(has_text="File")
    await_shown(files, lambda text: "film.png" in text)
    box = page.get_by_test_id("stSelectbox").filter(has_text="Label, called ones first")
    before = shown(box)
    box.locator("input").click()
    page.get_by_role("option").nth(3).click()
    settle(page)
    await_shown(box, lambda text: text != before)
    page.get_by_text("LayerCAM", exact=True).click()
    settle(page)
    assert_no_errors(page)
    expect(page.locator(".js-plotly-plot image")).to_have_count(
        6
    )  # film and map of three; old ones may still be leaving


def test_no_page_shows_an_error(page):
    page.get_by_role("button", name="Forget").click()  # the text file, which is refused wherever it is remembered
    settle(page)
    for route in ROUTES:
        visit(page, route.title)
    visit(page, "Overview")
    page.get_by_test_id("stMain").or_(page.locator("main")).first.get_by_role("link", name="Read the curves").click()
    settle(page)
    expect(page.get_by_role("heading", name="Results", level=1)).to_be_visible()
