"""No page has an accessibility fault that axe calls serious or critical, nor jumping headings, in light and in dark."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from cxrkd.dashboard.routes import ROUTES
from tests.browser.test_app import HEADINGS, MINUTE, settle

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(1500)]

GRAVE = ("serious", "critical")
ALSO = ("heading-order",)
"""Who listens to a page goes from heading to heading: a level that is left out sounds like something missed."""
STREAMLITS = ("list", "listitem")
"""Streamlit 1.67 puts a box between the list of its own navigation and the items. Only there they are let pass."""
IN_NAVIGATION = "target => !!document.querySelector(target).closest('[data-testid=stSidebarNav]')"


@pytest.fixture(scope="module")
def page(browser, app_url):
    tab = browser.new_page(viewport={"width": 1440, "height": 1000})
    tab.set_default_timeout(2 * MINUTE)
    tab.goto(app_url)
    expect(tab.get_by_role("heading", name="Chest X-ray distillation", level=1)).to_be_visible(timeout=3 * MINUTE)
    yield tab
    tab.close()


def faults(page):
    """Grave faults as sentences: the rule, what is wrong, and the element."""
    found = []
    for rule in Axe().run(page).response["violations"]:
        if rule["impact"] in GRAVE or rule["id"] in ALSO:
            found += [
                f"{rule['id']}: {node['failureSummary']} {node['html'][:200]}"
                for node in rule["nodes"]
                if not (rule["id"] in STREAMLITS and page.evaluate(IN_NAVIGATION, node["target"][0]))
            ]
    return found


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_a_page_has_no_grave_fault(page, app_url, route):
    page.goto(f"{app_url.rstrip('/')}/{route.name}")
    heading = HEADINGS.get(route.title, route.title)
    expect(page.get_by_role("heading", name=heading, level=1, exact=True)).to_be_visible(timeout=3 * MINUTE)
    settle(page)
    found = {}
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_timeout(1500)  # colours fade over
        found[scheme] = faults(page)
    page.emulate_media(color_scheme="light")
    assert found == {"light": [], "dark": []}


def test_a_fault_that_is_planted_is_seen(page):
    page.evaluate(
        "() => { const b = document.createElement('button'); b.id = 'planted'; document.querySelector('main,"
        " [data-testid=stMain]').append(b); }"
    )
    assert any("planted" in fault for fault in faults(page))
