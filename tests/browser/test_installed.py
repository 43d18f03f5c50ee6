"""The dashboard of the installed wheel, started in a folder that holds nothing of it, by its own command."""

import pytest
from playwright.sync_api import expect

from tests.serving import free_port, serving

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(1500)]


def test_it_looks_like_itself_from_any_folder(browser, installed, tmp_path):
    port = free_port()
    command = [installed.bin / "cxrkd", "app", "--port", str(port), "--", "--server.headless", "true"]
    with serving(command, port, tmp_path, cwd=installed.elsewhere, env=installed.env) as address:
        page = browser.new_page()
        page.goto(address)
        heading = page.get_by_role("heading", level=1)
        expect(heading).to_be_visible(timeout=180_000)
        assert "Liberation Sans" in heading.evaluate("node => getComputedStyle(node).fontFamily"), "our theme applies"
        expect(page.get_by_test_id("stSidebarNav").get_by_role("link", name="Distil", exact=True)).to_be_visible()
        expect(page.get_by_test_id("stException")).to_have_count(0)
        page.close()
