"""The Explain page as a viewer, in Chromium: a link is a view, films move together, a phone shows one at a time."""

import pytest
from playwright.sync_api import expect

from cxrkd.dashboard.explain.link import link
from cxrkd.dashboard.explain.swiped import NARROW, WIDE
from tests.browser.conftest import PATIENCE_MS
from tests.browser.test_app import assert_no_errors, settle

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(1500)]

VIEW = {"run": "nih", "film": "00012374_000", "label": "Cardiomegaly", "method": "layercam"}
SOURCES = f"""() => [...document.querySelectorAll('.st-key-{WIDE} image')].map((node) => node.getAttribute('href')
  || node.getAttribute('xlink:href'))"""
RANGES = f"""() => {{ const {{ _fullLayout: l }} = document.querySelector('.st-key-{WIDE} .js-plotly-plot');
  return ['xaxis', 'xaxis2', 'xaxis3', 'yaxis', 'yaxis2', 'yaxis3'].map((one) => l[one].range.map(Number)); }}"""


@pytest.fixture
def tab(browser):
    page = browser.new_page(viewport={"width": 1440, "height": 1000})
    page.set_default_timeout(PATIENCE_MS)
    yield page
    page.close()


def open_view(page, app_url, more=""):
    page.goto(app_url.rstrip("/") + "/" + link(**VIEW) + more)
    page.wait_for_selector(f".st-key-{WIDE} image", state="attached")
    settle(page)
    assert_no_errors(page)


def pictures(page):
    """What the films show, once they stand."""
    page.wait_for_selector(f".st-key-{WIDE} image", state="attached")
    settle(page)
    return page.evaluate(SOURCES)


def test_a_link_shows_the_same_pictures_after_a_reload_and_on_the_way_back(tab, app_url):
    open_view(tab, app_url, "&opacity=0.8&window=20&window=70&invert=true")
    expect(tab).to_have_title("Explain · cxrkd")
    expect(tab.get_by_role("heading", name=VIEW["film"])).to_be_visible()
    first = pictures(tab)
    assert len(first) == 6
    tab.reload()
    assert pictures(tab) == first
    tab.get_by_text("HiResCAM", exact=True).click()
    tab.wait_for_url("**method=hirescam**")
    other = pictures(tab)
    assert len(other) == 6
    assert other != first
    tab.go_back()
    tab.wait_for_url("**method=layercam**")
    assert pictures(tab) == first


def test_the_wheel_zooms_all_films_and_a_drag_moves_them(tab, app_url):
    open_view(tab, app_url)
    whole = tab.evaluate(RANGES)
    films = tab.locator(f".st-key-{WIDE} .js-plotly-plot .nsewdrag").first
    box = films.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    tab.mouse.move(x, y)
    for _ in range(5):
        tab.mouse.wheel(0, -200)
        tab.wait_for_timeout(200)
    tab.wait_for_timeout(1000)
    zoomed = tab.evaluate(RANGES)
    widths = [abs(high - low) for low, high in zoomed]
    assert max(widths) < 0.8 * abs(whole[0][1] - whole[0][0])
    assert zoomed[0] == zoomed[1] == zoomed[2]
    assert zoomed[3] == zoomed[4] == zoomed[5]
    tab.mouse.down()
    tab.mouse.move(x + 40, y + 20, steps=4)
    tab.mouse.up()
    tab.wait_for_timeout(1000)
    moved = tab.evaluate(RANGES)
    assert moved[0] == moved[1] == moved[2]
    assert moved[0][0] < zoomed[0][0]
    assert moved[3] == moved[4] == moved[5]


def test_a_phone_shows_one_film_at_a_time_and_swipes_to_the_next(tab, app_url):
    tab.set_viewport_size({"width": 390, "height": 844})
    open_view(tab, app_url)
    expect(tab.locator(f".st-key-{WIDE}")).to_be_hidden()
    strip = tab.locator(f".st-key-{NARROW}")
    films = strip.get_by_role("img")
    expect(films).to_have_count(3)
    assert films.first.bounding_box()["width"] > 300
    assert "Teacher" in films.first.get_attribute("alt")
    assert "%" in films.first.get_attribute("alt")
    assert films.nth(1).bounding_box()["x"] > 330
    strip.evaluate("(node) => node.scrollBy(300, 0)")
    tab.wait_for_timeout(1000)
    assert abs(films.nth(1).bounding_box()["x"] - 195 + films.nth(1).bounding_box()["width"] / 2) < 40, "snapped"


def test_no_figure_stands_on_its_side_where_there_is_room_for_little(tab, app_url):
    """At every width the films fill their figure: no empty place below them, and nothing wider than the window."""
    open_view(tab, app_url)
    for width in (800, 1100, 1440, 1920):
        tab.set_viewport_size({"width": width, "height": 1000})
        tab.wait_for_timeout(1500)
        box = tab.locator(f".st-key-{WIDE} .js-plotly-plot").bounding_box()
        image = tab.locator(f".st-key-{WIDE} image").first.bounding_box()
        assert image["width"] == pytest.approx(box["width"] / 3, abs=12)
        assert box["height"] - image["height"] < 150
        assert tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_lime_is_drawn_at_once_refined_with_a_bar_and_stopped(tab, app_url):
    tab.goto(app_url.rstrip("/") + "/" + link(**VIEW | {"method": "lime"}))
    stop = tab.get_by_role("button", name="Stop refining")
    expect(stop).to_be_visible()
    expect(tab.get_by_role("progressbar")).to_be_visible()
    assert tab.locator(f".st-key-{WIDE} image").count() == 6, "drawn while it is refined"
    stop.click()
    further = tab.get_by_role("button", name="Refine further")
    expect(further).to_be_visible()
    first = pictures(tab)
    tab.wait_for_timeout(3000)
    assert pictures(tab) == first, "it was stopped"
    further.click()
    expect(tab.get_by_text("altered films per model, other masks would repeat this ranking").first).to_be_visible()
    settle(tab)
    assert_no_errors(tab)
