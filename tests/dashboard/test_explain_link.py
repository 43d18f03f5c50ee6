"""The address of a view of Explain: it opens that very view, follows what is chosen, and says what it cannot open."""

from types import SimpleNamespace
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from streamlit.testing.v1 import AppTest

from cxrkd.dashboard import routes
from cxrkd.dashboard.caching import cohorts
from cxrkd.dashboard.explain import film_sets
from cxrkd.dashboard.explain.link import PARAMETERS, film_key, hash_in, link
from cxrkd.data.phantom import render
from cxrkd.images.files import film_of
from cxrkd.runs import open_run
from tests.dashboard import test_pages
from tests.dashboard.test_explain import label_box
from tests.dashboard.test_pages import TIMEOUT, assert_healthy, png_of, words

_one_engine, sample_home = test_pages._one_engine, test_pages.sample_home  # fixtures


def visit(**asked):
    page = AppTest.from_file(routes.BY_NAME["explain"].path, default_timeout=TIMEOUT)
    page.query_params.update(asked)
    return page.run()


def heading(page):
    return page.header[0].value.replace("\\", "")


def method(page):
    return page.segmented_control(key="method").value


@pytest.fixture
def films(sample_home):
    run = open_run("made")
    return cohorts.table(run.config.data)


@pytest.fixture
def asked(films):
    """A film of the test split that the page would not open by itself."""
    row = films.rows("test")[5]
    return {"run": "made", "film": str(films.ids[row]), "label": "Hernia", "method": "layercam"}


def test_a_link_is_read_as_it_was_written():
    asked = {"run": "a b&c", "film": "../x?y=1#z", "label": "Größe %", "method": "gradcam++"}
    page, query = link(**asked).split("?")
    assert page == "explain"
    assert dict(parse_qsl(query)) == asked
    assert tuple(parse_qs(urlsplit(link(**asked)).query)) == PARAMETERS


def test_a_file_is_called_by_its_pixels_and_a_row_by_its_id(films):
    data = png_of(render(3, 1, 0, 96).pixels)
    one, other = film_of(data, "a.png", 64), film_of(data, "b.png", 32)
    assert film_key(one) == film_key(other)
    assert hash_in(film_key(one)) == one.sha256
    row = cohorts.film(open_run("made").config.data, 0, 64)
    assert film_key(row) == films.ids[0]
    assert hash_in(film_key(row)) == ""


def test_a_link_opens_the_exact_view(asked):
    page = visit(**asked)
    assert_healthy(page)
    assert not page.warning
    assert (heading(page), label_box(page).value, method(page)) == (asked["film"], asked["label"], asked["method"])
    assert page.query_params == asked


def test_the_address_follows_what_is_chosen_and_a_reload_shows_the_same(sample_home):
    page = visit()
    assert_healthy(page)
    label_box(page).set_value("Hernia").run()
    page.segmented_control(key="method").set_value("hirescam").run()
    again = visit(**page.query_params)
    assert again.query_params == page.query_params
    assert (heading(again), label_box(again).value, method(again)) == (heading(page), "Hernia", "hirescam")


def test_what_is_chosen_after_a_link_is_not_undone_by_it(asked, films):
    page = visit(**asked)
    label_box(page).set_value("Mass").run()
    assert label_box(page).value == "Mass"
    # A second choice that comes before the browser has the address of the first one.
    page.query_params.update(asked)
    page.segmented_control(key="method").set_value("gradcam").run()
    assert (label_box(page).value, method(page)) == ("Mass", "gradcam")
    assert page.query_params == asked | {"label": "Mass", "method": "gradcam"}


def test_another_link_in_the_same_tab_is_followed(asked, films):
    page = visit(**asked)
    other = asked | {"film": str(films.ids[films.rows("test")[2]]), "label": "Mass"}
    page.query_params.update(other)
    page.run()
    assert (heading(page), label_box(page).value) == (other["film"], "Mass")


def test_the_view_outlives_a_visit_to_another_page(asked):
    app = AppTest.from_file(routes.APP, default_timeout=TIMEOUT).run()
    app.query_params.update(asked)
    app.switch_page("pages/explain.py").run()
    assert (heading(app), label_box(app).value, method(app)) == (asked["film"], "Hernia", "layercam")
    label_box(app).set_value("Mass").run()
    app.query_params.clear()
    app.switch_page("pages/results.py").run()
    assert_healthy(app)
    app.query_params.clear()
    app.switch_page("pages/explain.py").run()
    assert_healthy(app)
    assert (heading(app), label_box(app).value, method(app)) == (asked["film"], "Mass", "layercam")
    assert app.query_params == asked | {"label": "Mass"}


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("run", "run 'gone', which is not on this machine. Shown is made"),
        ("film", "film 'gone', which is none of this run's films on this machine. Shown is another film."),
        ("label", "label 'gone', which is none of"),
        ("method", "method 'gone', which is none of gradcam, hirescam"),
    ],
)
def test_what_a_link_asks_for_in_vain_is_said_and_the_rest_is_shown(asked, name, sentence):
    page = visit(**asked | {name: "gone"})
    assert_healthy(page)
    (warning,) = page.warning
    assert sentence in warning.value.replace("\\", "")
    rest = {"film": heading(page), "label": label_box(page).value, "method": method(page), "run": "made"}
    assert {k: v for k, v in rest.items() if k != name} == {k: v for k, v in asked.items() if k != name}
    assert page.query_params == rest, "the address is that of what is shown"
    assert not page.run().warning, "said once"


def test_a_film_that_no_finding_lists_is_shown_and_said_to_be_no_test_film(asked, films):
    row = films.rows("train")[0]
    page = visit(**asked | {"film": str(films.ids[row])})
    assert_healthy(page)
    assert heading(page) == films.ids[row]
    assert "no test film: it is one of those for training" in words(page)
    label_box(page).set_value("Mass").run()
    assert heading(page) == films.ids[row], "another label keeps the film"


def test_markup_in_a_link_is_text(asked):
    page = visit(**asked | {"film": "[x](http://e.example) **b**"})
    assert r"\*\*b\*\*" in page.warning[0].value


def test_a_link_to_a_file_asks_for_it_checks_its_hash_and_then_opens_the_view(sample_home):
    good, bad = (png_of(render(seed, 1, 0, 128).pixels) for seed in (3, 4))
    digest = film_of(good, "x", 64).sha256
    page = visit(run="made", film=f"sha256-{digest}", label="Hernia", method="layercam")
    assert_healthy(page)
    assert page.segmented_control(key="explain_source").value == "Uploads"
    assert "Drop the file above" in words(page)
    assert digest[:12] in words(page)
    page.file_uploader(key="explain_upload").set_value([("bad.png", bad, "image/png")]).run()
    assert_healthy(page)
    said = next(w.value for w in page.warning if "not the file of the link" in w.value)
    assert digest[:12] in said
    assert film_of(bad, "x", 64).sha256[:12] in said
    files = [("bad.png", bad, "image/png"), ("renamed.png", good, "image/png")]
    page.file_uploader(key="explain_upload").set_value(files).run()
    assert_healthy(page)
    assert heading(page) == "renamed.png"
    assert not [w for w in page.warning if "link" in w.value]
    assert (label_box(page).value, method(page)) == ("Hernia", "layercam")
    assert page.query_params["film"] == f"sha256-{digest}"


def links_of(page):
    return {one.proto.label: one.proto for one in page.get("page_link")}


def test_classify_leads_to_the_explanation_of_the_same_film(films):
    app = AppTest.from_file(routes.APP, default_timeout=TIMEOUT).run()
    app.switch_page("pages/classify.py").run()
    assert_healthy(app)
    link = links_of(app)["Explain this film"]
    shown = app.multiselect[0].value[0]
    assert dict(parse_qsl(link.query_string)) == {"film": films.ids[shown]}
    app.query_params.update(parse_qsl(link.query_string))
    app.switch_page("pages/explain.py").run()
    assert heading(app) == films.ids[shown]


def test_an_upload_is_carried_over_from_classify(sample_home):
    app = AppTest.from_file(routes.APP, default_timeout=TIMEOUT).run()
    app.switch_page("pages/classify.py").run()
    app.segmented_control(key="classify_source").set_value("Uploads").run()
    two = [(f"{seed}.png", png_of(render(seed, 1, 0, 128).pixels), "image/png") for seed in (3, 4)]
    app.file_uploader(key="classify_upload").set_value(two).run()
    links = [one.proto for one in app.get("page_link") if one.proto.label == "Explain this film"]
    queries = {dict(parse_qsl(one.query_string))["film"] for one in links}
    wanted = f"sha256-{film_of(two[1][1], 'x', 64).sha256}"
    assert wanted in queries
    app.query_params.update(film=wanted)
    app.switch_page("pages/explain.py").run()
    assert_healthy(app)
    assert heading(app) == "4.png"
    assert app.query_params["film"] == wanted


@pytest.mark.parametrize("name", list(routes.BY_NAME))
def test_the_title_of_the_tab_names_the_page(sample_home, name, monkeypatch):
    titles = []
    monkeypatch.setattr("streamlit.set_page_config", lambda page_title, **_: titles.append(page_title))
    AppTest.from_file(routes.APP, default_timeout=TIMEOUT).run().switch_page(f"pages/{name}.py").run()
    assert titles[-1] == f"{routes.BY_NAME[name].title} · cxrkd"


def test_the_offered_link_is_the_view_as_it_is_drawn(asked):
    page = visit(**asked, opacity="0.3", window=["20", "60"])
    (address,) = [one.value for one in page.code]
    assert parse_qs(urlsplit(address).query) == {k: [v] for k, v in asked.items()} | {
        "opacity": ["0.3"],
        "window": ["20", "60"],
    }


def test_a_film_of_an_audit_is_opened_by_its_link(asked, films, monkeypatch):
    """The audit is of phantoms beyond those of the run."""
    own = open_run("made").config.data
    job = SimpleNamespace(
        id="audit-1",
        films_title="more phantoms",
        config=SimpleNamespace(data=own.model_copy(update={"n_patients": 1300}), folder=None),
    )
    monkeypatch.setattr(film_sets, "finished", lambda kind, run: [job])
    more = cohorts.table(job.config.data)
    row = next(row for row in more.rows("test") if more.ids[row] not in films.ids)
    page = visit(**asked | {"film": str(more.ids[row])})
    assert_healthy(page)
    assert not page.warning
    assert page.selectbox(key="explain_set").value == "Audit audit-1: more phantoms"
    assert (heading(page), label_box(page).value) == (more.ids[row], "Hernia")
