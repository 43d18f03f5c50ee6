"""An audit, from the click that asks for it to the report that is taken home, in Chromium."""

import pytest
from playwright.sync_api import expect

from cxrkd.dashboard.explain.link import link
from tests import toys
from tests.browser.conftest import PATIENCE_MS, serving_app
from tests.browser.test_app import MINUTE, assert_no_errors, go, settle
from tests.report.pages import self_contained

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(1500)]


@pytest.fixture
def address(tmp_path, monkeypatch):
    """A dashboard of a home with one finished run that nobody has audited."""
    monkeypatch.setenv("CXRKD_HOME", str(tmp_path))
    toys.finished_run(toys.tiny_config("small", patients=80, size=64, arch="mobilenetv3_small_100"))
    with serving_app(tmp_path) as address:
        yield address


def test_an_audit_is_asked_for_by_a_click_watched_read_and_taken_home(browser, address, tmp_path):
    page = browser.new_page(viewport={"width": 1440, "height": 1000})
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{address}/{link('small', '', '', 'gradcam')}")
    settle(page)
    go(page, "Audit")
    page.get_by_role("button", name="Audit this run").click()
    expect(page.get_by_role("heading", name="Do they look at the same places?")).to_be_visible(timeout=8 * MINUTE)
    settle(page)
    assert_no_errors(page)
    with page.expect_download() as taken:
        page.get_by_role("button", name="Report", exact=True).click()
    taken.value.save_as(tmp_path / "audit.html")
    self_contained((tmp_path / "audit.html").read_text(encoding="utf-8"))
    page.get_by_role("link", name="Explain this film").first.click()
    expect(page.get_by_role("heading", name="Explain", level=1)).to_be_visible()
    settle(page)
    assert_no_errors(page)
    page.close()
