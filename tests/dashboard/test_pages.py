"""Every page empty, with a finished run, and with a broken one. Engines are replaced by PyTorch without a contest."""

import io
import json
import shutil
import threading
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.metrics import roc_auc_score
from streamlit.testing.v1 import AppTest

from cxrkd.config import RunConfig
from cxrkd.dashboard import asking, engines, routes, tables
from cxrkd.dashboard.background import in_background
from cxrkd.dashboard.caching import ahead, cohorts, run_figures, showcases
from cxrkd.dashboard.distill import making
from cxrkd.dashboard.distill.presets import PRESETS
from cxrkd.dashboard.efficiency import latency
from cxrkd.dashboard.explain import computing
from cxrkd.data.phantom import render
from cxrkd.evaluate.thresholds import MIN_THRESHOLD_PATIENTS
from cxrkd.jobs.queue import resume
from cxrkd.labels import display_name
from cxrkd.runs import beside, create, list_runs, open_run
from cxrkd.runs.estimate import Estimate
from cxrkd.runs.metrics import MemberMetrics
from cxrkd.runtime.compute import ComputeQueue
from cxrkd.runtime.select import EngineReport, build_engine
from cxrkd.text import percent
from tests.dashboard.conftest import make_run

ROOT = Path(__file__).resolve().parents[2]
NAMES = [route.name for route in routes.ROUTES]
SHOWING = [name for name in NAMES if name not in ("distill", "studies", "watch")]
TIMEOUT = 120
QUICK = f"new_{PRESETS['Quick look'].key}"
RESULTS = {
    "Curves": {"roc", "pr"},
    "Per label": {"forest", "gain"},
    "Calibration": {"reliability"},
    "Seeds": {"seeds"},
    "Stress": set(),
    "Compare": set(),
}


GUESSED = Estimate({"alone-0": 60.0, "metrics": 30.0}, "from 2 finished runs")


@pytest.fixture(autouse=True)
def _one_engine(monkeypatch):
    """No export, no contest of engines: those have their own tests."""
    monkeypatch.setattr(engines, "choose", lambda run, member, network: chosen("pytorch", network))
    monkeypatch.setattr(ahead, "in_background", at_once)
    monkeypatch.setattr(latency, "ENGINES", ("pytorch",))
    monkeypatch.setattr(ahead, "guessed_seconds", lambda config: at_once(lambda: GUESSED))
    monkeypatch.setattr("cxrkd.jobs.job.SHIPPED", routes.SITE / "no-such-folder")


def at_once(work, *, alone=True):
    """The background without a thread: done when it is asked for."""
    future = Future()
    future.set_result(work())
    return future


def chosen(name, network, latency_ms=12.34):
    """What a comparison comes to when the engine of that name wins."""
    engine = build_engine(network, "pytorch")
    engine.name = name
    return engines.Chosen(engine, (EngineReport(name, latency_ms, 0.0, True, ""),))


@pytest.fixture
def empty_home(tmp_path, monkeypatch):
    monkeypatch.setenv("CXRKD_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def sample_home(home_with_run, monkeypatch):
    monkeypatch.setenv("CXRKD_HOME", str(home_with_run))
    return home_with_run


def open_page(name):
    return AppTest.from_file(routes.BY_NAME[name].path, default_timeout=TIMEOUT).run()


def words(page):
    groups = (page.markdown, page.caption, page.error, page.warning, page.success, page.info)
    return "\n".join(str(element.value) for group in groups for element in group)


def assert_healthy(page):
    assert not page.exception
    assert not page.error, words(page)


@pytest.mark.parametrize("name", NAMES)
def test_without_a_run_a_page_says_what_to_do(name, empty_home):
    page = open_page(name)
    assert_healthy(page)
    assert "Distil" in words(page)


@pytest.mark.parametrize("name", NAMES)
def test_with_a_run_a_page_shows_it(name, sample_home):
    page = open_page(name)
    assert_healthy(page)
    assert page.sidebar.selectbox[0].value == "made"
    assert "Not for clinical use" in words(page)


@pytest.mark.parametrize("name", SHOWING)
def test_a_damaged_run_is_one_sentence(name, sample_home, monkeypatch):
    def damaged(*_):
        from cxrkd.errors import RunError

        raise RunError("made: metrics.json is damaged; make the run again")

    monkeypatch.setattr(run_figures, "metrics", damaged)
    monkeypatch.setattr(cohorts, "table", damaged)
    monkeypatch.setattr(showcases, "complexities", damaged)
    monkeypatch.setattr(computing, "explanation", damaged)
    monkeypatch.setattr(asking, "answers", damaged)
    monkeypatch.setattr(beside, "finished", damaged)
    page = open_page(name)
    assert not page.exception
    assert "metrics.json is damaged" in page.error[0].value


@pytest.mark.parametrize("name", NAMES)
def test_a_defect_of_ours_shows_a_reference_and_no_traceback(name, sample_home, monkeypatch, caplog):
    def defect(*_, **__):
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr("cxrkd.dashboard.layout.frame", defect)
    page = open_page(name)
    assert not page.exception
    (error,) = page.error
    assert "secret" not in error.value
    reference = error.value.split("reference ")[1].split(".")[0]
    assert reference in caplog.text
    assert "secret detail" in caplog.text


def test_overview_prints_macro_auroc_and_what_is_kept(sample_home):
    page = open_page("overview")
    shown = {metric.label: metric.value for metric in page.metric}
    metrics = open_run("made").metrics()
    assert shown["Teacher"] == f"{metrics.of('teacher').over_seeds.macro_auroc:.3f}"
    assert shown["Kept of the teacher"] == percent(metrics.gap.ratio)
    assert "phantom" in words(page)
    findings = sum(row.evaluable for row in metrics.of("teacher").over_seeds.labels)
    assert words(page).count(f"AUROC, mean of {findings} findings") == 4
    assert f"Share of skill, mean of {findings} findings" in words(page)
    assert shown["Kept of its skill"] == percent(metrics.gap.skill)


def test_classify_prints_the_models_own_numbers(sample_home):
    page = open_page("classify")
    table = next(frame.value for frame in page.dataframe if "Student distilled" in frame.value)
    run = open_run("made")
    cuts = dict(zip(run.labels, run.thresholds("distilled"), strict=True))
    rows = table.set_index("Label")
    known, unknown = (next(n for n in run.labels if np.isnan(cuts[n]) == missing) for missing in (False, True))
    row = rows.loc[display_name(known)]
    assert row["Student distilled: threshold"] == pytest.approx(cuts[known])
    assert row["Student distilled says"] == ("yes" if row["Student distilled"] >= cuts[known] else "no")
    assert row["Student distilled − teacher"] == pytest.approx(row["Student distilled"] - row["Teacher"])
    assert display_name(unknown) not in rows.index
    assert list(table["Teacher"]) == sorted(table["Teacher"], reverse=True)
    assert "True labels" in words(page)


def test_what_cannot_be_called_is_folded_away_with_its_reason(sample_home):
    page = open_page("classify")
    run = open_run("made")
    cuts = run.thresholds("distilled")
    judged, folded = (~np.isnan(cuts)).sum(), np.isnan(cuts).sum()
    assert words(page).count(f"the {judged} findings it can call") == 2
    assert "no finding" not in words(page).replace("**True labels:** no finding", "")
    (box,) = [box for box in page.expander if box.label.startswith("Not judged")]
    assert box.label == f"Not judged ({folded})"
    table = box.dataframe[0].value.set_index("Finding")
    assert sorted(table.index) == sorted(display_name(run.labels[k]) for k in np.flatnonzero(np.isnan(cuts)))
    assert all(f"in validation, {MIN_THRESHOLD_PATIENTS} are needed" in why for why in table["Why"])
    figures = run.metrics().of("teacher").model.labels
    for label, text in table["Teacher: AUROC"].items():
        row = next(row for row in figures if display_name(row.label) == label)
        assert text == tables.with_interval(row.auroc, row.auroc_low, row.auroc_high)


def test_classify_answers_with_pytorch_while_engines_are_chosen(sample_home, monkeypatch):
    ready = threading.Event()

    def slow(run, member, network):
        ready.wait(TIMEOUT)
        return chosen("openvino", network)

    monkeypatch.setattr(engines, "choose", slow)
    monkeypatch.setattr(ahead, "in_background", in_background)
    ahead._choice.clear()
    page = open_page("classify")
    assert_healthy(page)
    assert "PyTorch answers while" in words(page)
    assert words(page).count("with PyTorch, not timed yet") == 2
    assert " ms with" not in words(page)
    ready.set()
    for member in ("teacher", "distilled"):
        assert engines._choice(open_run("made"), member).result(TIMEOUT).engine.name == "openvino"
    page.run()
    assert_healthy(page)
    assert "PyTorch" not in words(page)
    assert words(page).count("12.3 ms with OpenVINO") == 2
    ahead._choice.clear()


@pytest.mark.parametrize("name", ["overview", "efficiency"])
def test_no_page_waits_for_the_comparison_of_engines(sample_home, monkeypatch, name):
    monkeypatch.setattr(ahead, "in_background", lambda work, **_: Future())  # never done
    ahead._choice.clear()
    page = open_page(name)
    ahead._choice.clear()
    assert_healthy(page)
    shown = {metric.label: metric for metric in page.metric}["Faster on this machine"]
    assert (shown.value, shown.delta) == ("–", "being compared")
    assert (name == "efficiency") == ("appear here by themselves" in words(page))


def png_of(pixels):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG")
    return buffer.getvalue()


def test_classify_answers_an_upload_warns_and_explains_a_bad_file(sample_home):
    page = open_page("classify")
    page.segmented_control(key="classify_source").set_value("Uploads").run()
    assert "Drop a radiograph" in words(page)
    film = png_of(render(3, 1, 0, 128).pixels)
    page.file_uploader(key="classify_upload").set_value(
        [("film.png", film, "image/png"), ("notes.txt", b"not an image at all", "text/plain")]
    ).run()
    assert not page.exception
    (error,) = page.error
    assert "notes.txt" in error.value
    assert any("phantoms" in warning.value for warning in page.warning)
    assert any("Student distilled: threshold" in frame.value for frame in page.dataframe)


def test_a_flagged_upload_is_not_answered_until_the_visitor_says_so(sample_home):
    page = open_page("classify")
    page.segmented_control(key="classify_source").set_value("Uploads").run()
    film = render(3, 1, 0, 128).pixels
    files = [("good.png", png_of(film), "image/png"), ("dark*bones*.png", png_of(255 - film), "image/png")]
    page.file_uploader(key="classify_upload").set_value(files).run()
    assert_healthy(page)
    (flag,) = [warning.value for warning in page.warning if "inverted tones" in warning.value]
    assert flag.startswith(r"dark\*bones\*.png: It looks like")
    assert len([frame for frame in page.dataframe if "Label" in frame.value]) == 1
    (anyway,) = page.checkbox
    assert (anyway.label, anyway.value) == ("Answer anyway", False)
    anyway.check().run()
    assert_healthy(page)
    assert len([frame for frame in page.dataframe if "Label" in frame.value]) == 2
    page.checkbox[0].uncheck().run()
    assert len([frame for frame in page.dataframe if "Label" in frame.value]) == 1


def test_only_flagged_uploads_leave_a_page_that_says_what_to_do(sample_home):
    page = open_page("classify")
    page.segmented_control(key="classify_source").set_value("Uploads").run()
    noise = np.random.default_rng(0).integers(0, 256, (96, 96), dtype=np.uint8)
    page.file_uploader(key="classify_upload").set_value([("noise.png", png_of(noise), "image/png")]).run()
    assert_healthy(page)
    assert "noise or a pattern" in words(page)
    assert "No film yet" in words(page)
    assert not page.dataframe


def test_an_override_lasts_when_the_page_is_left_and_holds_for_that_film_only(sample_home):
    film = render(3, 1, 0, 128).pixels
    page = open_page("explain")
    page.segmented_control(key="explain_source").set_value("Uploads").run()
    page.file_uploader(key="explain_upload").set_value([("a.png", png_of(255 - film), "image/png")]).run()
    assert "inverted tones" in words(page)
    assert not [box for box in page.selectbox if box.label.startswith("Label")]
    page.checkbox[0].check().run()
    assert_healthy(page)
    assert [box for box in page.selectbox if box.label.startswith("Label")]
    # Samples and back: the widgets are gone in between, as they are on another page.
    page.segmented_control(key="explain_source").set_value("Samples").run()
    page.segmented_control(key="explain_source").set_value("Uploads").run()
    assert page.checkbox[0].value is True
    assert [box for box in page.selectbox if box.label.startswith("Label")]
    page.file_uploader(key="explain_upload").set_value([("a.png", png_of(film[::-1]), "image/png")]).run()
    assert "upside down" in words(page)
    assert page.checkbox[0].value is False
    assert not [box for box in page.selectbox if box.label.startswith("Label")]


def test_samples_are_never_gated(sample_home, monkeypatch):
    monkeypatch.setattr("cxrkd.images.gate.judge", lambda _: pytest.fail("asked the gate about a sample"))
    for name in ("classify", "explain"):
        assert_healthy(open_page(name))


def test_the_gate_without_coefficients_is_a_sentence(sample_home, monkeypatch, tmp_path):
    from cxrkd.images import gate

    monkeypatch.setattr(gate, "COEFFICIENTS", tmp_path / "gate.safetensors")
    gate.load_gate.cache_clear()
    page = open_page("classify")
    page.segmented_control(key="classify_source").set_value("Uploads").run()
    page.file_uploader(key="classify_upload").set_value([("a.png", png_of(render(4, 1, 0, 96).pixels), "image/png")])
    page.run()
    gate.load_gate.cache_clear()
    (error,) = page.error
    assert "are missing" in error.value


def test_what_a_file_name_says_is_not_markup(sample_home):
    page = open_page("classify")
    page.segmented_control(key="classify_source").set_value("Uploads").run()
    name = "[press](http://x.example) **:red[now]** $x$.png"
    page.file_uploader(key="classify_upload").set_value([(name, b"not an image", "image/png")]).run()
    (error,) = page.error
    assert r"\[press\]\(http\://x.example\) \*\*\:red\[now\]\*\* \$x\$.png" in error.value


def test_explain_starts_at_a_called_label_and_changes_method(sample_home, monkeypatch):
    cut = np.full(14, 0.999)
    cut[9] = 1e-6  # every network calls edema and nothing else
    monkeypatch.setattr(MemberMetrics, "thresholds_array", lambda self: cut)
    page = open_page("explain")
    label = next(box for box in page.selectbox if box.label.startswith("Label"))
    assert label.value == "Edema"
    assert label.options[0].endswith("3 of 3 call it)")
    probs = [float(option.split("(")[1].split("%")[0]) for option in label.options[1:]]
    assert probs == sorted(probs, reverse=True)
    assert "No model calls" not in words(page)
    assert "Outside the body" in words(page)
    page.segmented_control(key="method").set_value("layercam").run()
    assert_healthy(page)
    page.segmented_control(key="method").set_value("lime").run()
    assert_healthy(page)
    assert "Local R2" in words(page)


def test_explain_says_that_no_model_calls_anything(sample_home, monkeypatch):
    monkeypatch.setattr(MemberMetrics, "thresholds_array", lambda self: np.full(14, np.nan))
    page = open_page("explain")
    assert_healthy(page)
    (said,) = page.info
    assert said.value.startswith("No model can call any of these 14 findings")
    assert "most probable label" in said.value
    label = next(box for box in page.selectbox if box.label.startswith("Label"))
    label.set_value("Hernia" if label.value != "Hernia" else "Mass").run()
    assert "most probable label" not in page.info[0].value


def test_explain_gives_no_verdict_without_maps_of_other_films(sample_home):
    page = open_page("explain")
    verdicts = [text for text in words(page).splitlines() if text.startswith("Teacher and ")]
    assert len(verdicts) == 2
    assert not any("above chance." in text and "not above" not in text for text in verdicts)


def test_explain_says_in_words_that_there_is_no_positive_evidence(sample_home, monkeypatch):
    explanation = computing.explanation

    def against(*asked):
        known = explanation(*asked)
        return replace(known, maps=replace(known.maps, maps=dict.fromkeys(known.members, -np.ones((14, 4, 4)))))

    monkeypatch.setattr(computing, "explanation", against)
    page = open_page("explain")
    assert_healthy(page)
    assert words(page).count("no positive evidence for") == 3


def test_latency_is_measured_in_the_queue_of_all_visitors(sample_home, monkeypatch):
    full = ComputeQueue(workers=1, limit=0)
    monkeypatch.setattr(latency, "shared", lambda: full)
    page = open_page("efficiency")
    next(b for b in page.button if b.label == "Measure latency").click().run()
    full.close()
    assert_healthy(page)
    assert "The server is busy" in words(page)


def on_tab(page, name):
    """The Results page with one of its tabs open; the others are not drawn."""
    page.session_state["results_tabs"] = name
    return page.run()


def test_results_draw_the_tab_that_is_open(sample_home):
    page = open_page("results")
    keys = {name: {c.proto.id.split("-")[-1] for c in on_tab(page, name).get("plotly_chart")} for name in RESULTS}
    assert keys == RESULTS


def test_results_follow_the_label_and_print_the_paired_gain(sample_home):
    page = open_page("results")
    metrics = open_run("made").metrics()
    assert {m.label: m.value for m in page.metric}["Distilled − alone"] == f"{metrics.gain.macro_diff:+.3f}"
    label = page.selectbox(key="results_label")
    label.set_value(label.options[1] if label.options[1] in metrics.labels else metrics.labels[1]).run()
    assert_healthy(page)
    table = next(frame.value for frame in on_tab(page, "Per label").dataframe if "Distilled − alone" in frame.value)
    assert len(table) == len(metrics.labels) + 1


def test_efficiency_measures_on_request(sample_home):
    page = open_page("efficiency")
    assert "Medians, timed when the engines were chosen" in words(page)
    next(b for b in page.button if b.label == "Measure latency").click().run()
    assert_healthy(page)
    assert any("PyTorch" in frame.value for frame in page.dataframe)
    macs = next(frame.value for frame in page.dataframe if "MACs" in frame.value)
    first = macs.iloc[0]
    assert int(first["FLOPs (2 × MACs)"].replace(",", "")) == 2 * int(first["MACs"].replace(",", ""))


def test_data_shows_that_no_patient_is_in_two_splits(sample_home):
    page = open_page("data")
    assert "No patient is in more than one split" in words(page)
    splits = next(frame.value for frame in page.dataframe if "Split" in frame.value)
    assert splits["Patients"].sum() == 1200


def test_distil_queues_what_the_form_says(empty_home, monkeypatch):
    queued = []
    monkeypatch.setattr("cxrkd.jobs.queue.ensure_worker", lambda: None)
    monkeypatch.setattr(making, "create", lambda asked: queued.append(asked.config) or create(asked))
    page = open_page("distill")
    page.text_input(key=f"{QUICK}_name").set_value("my first")
    page.number_input(key=f"{QUICK}_phantom_n_patients").set_value(40)
    page.text_input(key=f"{QUICK}_seeds").set_value("3, 4")
    page.button[0].click().run()
    assert_healthy(page)
    (config,) = queued
    assert isinstance(config, RunConfig)
    assert (config.name, config.data.n_patients, config.seeds) == ("my first", 40, (3, 4))
    assert "queued" in words(page)


def submit_here(config):
    return resume(create(config))


def test_distil_cancels_and_deletes_a_run(empty_home, monkeypatch):
    monkeypatch.setattr("cxrkd.jobs.queue.ensure_worker", lambda: None)
    submit_here(RunConfig(name="doomed"))
    page = open_page("distill")
    next(b for b in page.button if b.label == "Cancel").click().run()
    assert "cancelled" in words(page)
    next(b for b in page.button if b.label == "Delete for good").click().run()
    assert_healthy(page)
    assert list_runs() == []


def test_distil_explains_a_bad_entry_and_keeps_the_form(empty_home):
    page = open_page("distill")
    page.text_input(key=f"{QUICK}_seeds").set_value("one, two")
    page.button[0].click().run()
    assert not page.exception
    assert "Seeds are whole numbers" in page.error[0].value
    assert page.text_input(key=f"{QUICK}_seeds").value == "one, two"


def test_distil_offers_to_open_a_finished_run_on_every_page(sample_home):
    page = open_page("distill")
    next(b for b in page.button if b.label == "Open on every page").click().run()
    assert_healthy(page)
    assert page.session_state["cxrkd"].run_id == "made"


def test_the_frame_reaches_every_page(sample_home):
    app = AppTest.from_file(routes.APP, default_timeout=TIMEOUT).run()
    for route in routes.ROUTES:
        app.switch_page(f"pages/{route.name}.py").run()
        assert_healthy(app)
        assert not app.subheader, "below the title stand headings of the second level"


def add_real_run(home, kind="padchest"):
    """Beside "made" a run "real", on a data set that is not on this machine."""
    path = Path(shutil.copytree(home / "runs" / "made", home / "runs" / "real")) / "config.json"
    config = json.loads(path.read_text())
    config["data"] = {"kind": kind, "folder": "absent", "image_size": config["data"]["image_size"]}
    path.write_text(json.dumps(config))


@pytest.fixture(scope="module")
def two_runs(home_with_run, tmp_path_factory):
    """One folder for all tests, so that what the pages have cached of it serves them all; they only read it."""
    home = tmp_path_factory.mktemp("two-runs")
    shutil.copytree(home_with_run / "runs", home / "runs")
    add_real_run(home)
    return home


@pytest.fixture
def home_with_real_run(two_runs, monkeypatch):
    monkeypatch.setenv("CXRKD_HOME", str(two_runs))


@pytest.mark.parametrize("name", SHOWING)
def test_a_run_without_its_images_shows_the_rest(name, home_with_real_run):
    page = open_page(name)
    assert page.sidebar.selectbox[0].value == "made"
    page.sidebar.selectbox[0].set_value("real").run()
    assert_healthy(page)
    assert ("not on this machine" in words(page)) == (name in ("overview", "classify", "explain", "data"))


@pytest.fixture(scope="module")
def nih_home(home_with_run, tmp_path_factory):
    """Beside "made" a run "real", on films of ChestX-ray14 that are not on this machine."""
    home = tmp_path_factory.mktemp("nih")
    shutil.copytree(home_with_run / "runs", home / "runs")
    add_real_run(home, "chestxray14")
    return home


@pytest.fixture
def first_visit(nih_home, monkeypatch):
    """A newcomer, before anything was chosen."""
    monkeypatch.setenv("CXRKD_HOME", str(nih_home))


@pytest.mark.parametrize("name", ["overview", "classify", "explain", "data"])
def test_a_newcomer_sees_real_films_without_any_data(name, first_visit):
    page = open_page(name)
    assert_healthy(page)
    assert page.sidebar.selectbox[0].value == "real"
    assert "is not known" in words(page), "what is known of its training patients is said"
    assert ("24 real films of ChestX-ray14's test patients" in words(page)) == (name != "overview")
    assert "No film yet" not in words(page)
    assert not page.warning


def test_overview_shows_both_networks_on_a_film_that_ships(first_visit):
    page = open_page("overview")
    assert "Where they see" in "".join(heading.value for heading in page.header)
    assert "Grad-CAM on a film of a patient" in words(page)
    assert "not on this machine" not in words(page)


def test_classify_says_what_experts_see_on_a_film_that_ships(first_visit):
    page = open_page("classify")
    assert "**Expert labels:** Atelectasis, Effusion" in words(page)
    assert "True labels" not in words(page)


def test_explain_holds_the_maps_against_the_box_of_a_film_that_ships(first_visit):
    page = open_page("explain")
    assert_healthy(page)
    assert next(box for box in page.selectbox if box.label.startswith("Label")).value == "Atelectasis", "it is marked"
    assert any("Evidence inside" in frame.value for frame in page.dataframe)
    next(box for box in page.selectbox if box.label.startswith("Label")).set_value("Effusion").run()
    assert "Effusion is present on this film, but nobody marked where" in words(page)


def test_data_says_that_what_it_shows_is_not_what_the_run_learned_from(first_visit):
    page = open_page("data")
    assert "its prevalence and its split are not shown" in words(page)
    assert {metric.label: metric.value for metric in page.metric}["Images"] == "24"
    assert not page.success


def upload(page, name):
    page.segmented_control(key=f"{name}_source").set_value("Uploads").run()
    film = png_of(render(3, 1, 0, 128).pixels)
    page.file_uploader(key=f"{name}_upload").set_value([("film.png", film, "image/png")]).run()


@pytest.mark.parametrize("name", ["classify", "explain"])
def test_an_upload_moves_the_one_chooser_to_the_run_that_knows_patients(name, home_with_real_run):
    page = open_page(name)
    assert page.sidebar.selectbox[0].value == "made"
    upload(page, name)
    assert_healthy(page)
    assert page.sidebar.selectbox[0].value == "real"
    assert "Selected for your upload" in words(page)
    assert not [box for box in page.selectbox if "nswer" in box.label], "one chooser, one truth"
    assert not page.warning


@pytest.mark.parametrize("name", ["classify", "explain"])
def test_the_visitors_choice_of_a_phantom_run_is_kept_and_the_other_is_offered(name, home_with_real_run):
    page = open_page(name)
    page.sidebar.selectbox[0].set_value("real").run()
    page.sidebar.selectbox[0].set_value("made").run()
    upload(page, name)
    assert_healthy(page)
    assert page.sidebar.selectbox[0].value == "made"
    assert "phantoms" in page.warning[0].value
    assert "learned from drawn radiographs" in words(page)
    next(b for b in page.button if b.label.startswith("Switch to made · real")).click().run()
    assert_healthy(page)
    assert page.sidebar.selectbox[0].value == "real"
    assert not page.warning


def test_a_chosen_run_that_is_gone_is_said_to_be(home_with_run, tmp_path, monkeypatch):
    shutil.copytree(home_with_run / "runs", tmp_path / "runs")
    add_real_run(tmp_path)
    monkeypatch.setenv("CXRKD_HOME", str(tmp_path))
    page = open_page("results")
    page.sidebar.selectbox[0].set_value("real").run()
    shutil.rmtree(tmp_path / "runs" / "real")
    page.run()
    assert_healthy(page)
    assert page.sidebar.selectbox[0].value == "made"
    assert "real is no longer there" in words(page)


def test_a_choice_reaches_every_page(home_with_real_run):
    app = AppTest.from_file(routes.APP, default_timeout=TIMEOUT).run()
    app.sidebar.selectbox[0].set_value("real").run()
    for name in ("results", "distill", "efficiency"):
        app.switch_page(f"pages/{name}.py").run()
        assert_healthy(app)
        assert app.sidebar.selectbox[0].value == "real"


@pytest.mark.parametrize("name", ["overview", "classify", "explain", "data"])
def test_where_images_are_missing_only_what_the_page_has_is_offered(name, home_with_real_run):
    page = open_page(name)
    page.sidebar.selectbox[0].set_value("real").run()
    assert ("switch to Samples" in words(page)) is False
    if name in ("classify", "explain"):
        page.segmented_control(key=f"{name}_source").set_value("Samples").run()
        assert "Upload films instead" in words(page)
    assert "cxrkd app --data DIR" in words(page)
    assert "absent" not in words(page), "where the images were looked for is the operator's to know"
    next(b for b in page.button if b.label.startswith("Switch to made")).click().run()
    assert_healthy(page)
    assert page.sidebar.selectbox[0].value == "made"
    assert "not on this machine" not in words(page)


def test_data_offers_no_upload_of_its_own(home_with_real_run):
    page = open_page("data")
    page.sidebar.selectbox[0].set_value("real").run()
    assert not page.get("file_uploader")
    assert "upload them on Classify or Explain" in words(page)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_missing_is_a_dash_in_every_table(name, home_with_real_run):
    page = open_page(name)
    for frame in page.dataframe:
        assert frame.proto.placeholder == "–"
        shown = frame.value.select_dtypes(["object", "string"])
        assert not shown.isin(["None", "nan", "NaN", "<NA>", ""]).to_numpy().any(), shown


def test_tables_are_drawn_in_one_place():
    drawn = [*(ROOT / "pages").glob("*.py"), *(ROOT / "cxrkd" / "dashboard").rglob("*.py")]
    assert [path.name for path in drawn if "st.dataframe(" in path.read_text()] == ["layout.py"]


def test_settings_that_one_run_lacks_are_missing_and_not_the_word_none(home_with_real_run):
    page = on_tab(open_page("results"), "Compare")
    table = next(frame.value for frame in page.dataframe if "Setting" in frame.value).set_index("Setting")
    opened, other = table.columns
    assert table.loc["Images", other] == "padchest"
    assert pd.isna(table.loc["Folder", opened])
    assert not any("." in name for name in table.index), "titles, no keys"


def test_results_are_computed_again_for_the_chosen_findings(sample_home):
    page = open_page("results")
    run = open_run("made")
    chosen = [row.label for row in run.metrics().of("teacher").over_seeds.labels if row.evaluable][:3]
    page.multiselect(key="results_findings_made").set_value(chosen[::-1]).run()
    assert_healthy(page)
    expected = run.measure(chosen).of("teacher").over_seeds
    assert {m.label: m.value for m in page.metric}["Teacher"] == f"{expected.macro_auroc:.3f}"
    assert words(page).count("AUROC, mean of 3 findings") >= 3
    table = next(frame.value for frame in on_tab(page, "Per label").dataframe if "Distilled − alone" in frame.value)
    assert list(table["Label"]) == [*map(display_name, chosen), "Mean of 3 findings"]
    # Curves look a label up among those of the run, not among the chosen.
    label = on_tab(page, "Curves").selectbox(key="results_label").set_value(chosen[2]).run()
    assert label.selectbox(key="results_label").value == chosen[2]
    said = run.predictions("teacher")
    k = run.labels.index(chosen[2])
    drawn = json.loads(next(c for c in page.get("plotly_chart") if "roc" in c.proto.id).proto.spec)
    auroc = roc_auc_score(said.targets[:, k], said.logits[0, :, k])
    assert f"Teacher {auroc:.3f}" in [trace.get("name") for trace in drawn["data"]]


def test_findings_without_enough_patients_are_one_sentence(empty_home):
    few = make_run("few", patients=300)
    page = open_page("results")
    rare = next(row.label for row in few.metrics().of("teacher").over_seeds.labels if not row.evaluable)
    page.multiselect(key="results_findings_few").set_value([rare]).run()
    assert_healthy(page)
    assert {m.label: m.value for m in page.metric}["Teacher"] == "–"
    assert "so no curve is drawn" in words(page)


def test_a_model_has_one_calibration_error(sample_home):
    page = on_tab(open_page("results"), "Calibration")
    metrics = open_run("made").metrics()
    shown = {m.label: m.value for m in page.metric}
    for member, title in (("teacher", "Teacher"), ("distilled", "Student distilled")):
        assert shown[f"{title}, ECE"] == f"{metrics.of(member).over_seeds.ece:.3f}"
    legends = [t.get("name", "") for c in page.get("plotly_chart") for t in json.loads(c.proto.spec)["data"]]
    assert not [name for name in legends if "ECE" in name]
    points = next(frame.value for frame in page.dataframe if "Sensitivity" in frame.value)
    assert "ECE" not in points
    label = page.selectbox(key="calibration_label").options[1]
    page.selectbox(key="calibration_label").select_index(1)
    on_tab(page, "Calibration")
    row = next(r for r in metrics.of("teacher").over_seeds.labels if display_name(r.label) == label)
    assert {m.label: m.value for m in page.metric}["Teacher, ECE"] == f"{row.ece:.3f}"


def test_overview_and_efficiency_tell_one_speed(sample_home, monkeypatch):
    times = {"mobilenetv3_large_100": 8.0, "eeea_net_c2": 2.0}

    monkeypatch.setattr(engines, "choose", lambda run, member, net: chosen("pytorch", net, times[net.arch]))
    ahead._choice.clear()
    for name in ("overview", "efficiency"):
        page = open_page(name)
        assert_healthy(page)
        assert {m.label: m.value for m in page.metric}["Faster on this machine"] == "4.0 ×", name
        assert "timed when the engines were chosen" in words(page)
    ahead._choice.clear()


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        (f"{QUICK}_phantom_n_patients", 1, "Patients: expected at least 20, got 1."),
        (f"{QUICK}_phantom_image_size", 2000, "Image size, pixels: expected at most 1,024, got 2,000."),
        (f"{QUICK}_teacher_train_batch_size", 0, "Training of the teacher, Batch size: expected at least 1, got 0."),
        (
            f"{QUICK}_student_train_learning_rate",
            0.0,
            "Training of the students, Learning rate: expected more than 0, got 0.0.",
        ),
        (f"{QUICK}_bkd_alpha", 1.5, "Objective, Weight of the labels: expected at most 1, got 1.5."),
    ],
)
def test_a_value_out_of_range_is_told_at_the_field_and_at_the_button(empty_home, monkeypatch, key, value, sentence):
    monkeypatch.setattr(making, "create", lambda config: pytest.fail("queued"))
    page = open_page("distill")
    page.number_input(key=key).set_value(value)
    page.button[0].click().run()
    assert not page.exception
    assert page.error[0].value.replace("\\", "") == f"{sentence} Change it and press Distil again."
    assert page.number_input(key=key).value == value
    beside = sentence.partition(": ")[2].replace("expected", "Expected")
    assert any(beside in caption.value for caption in page.caption)


def test_a_shipped_run_can_be_looked_at_on_distil(sample_home, monkeypatch):
    monkeypatch.setattr("cxrkd.jobs.job.SHIPPED", (sample_home / "runs").resolve())
    page = open_page("distill")
    assert "No run of your own yet" in words(page)
    page.session_state["cxrkd"].followed_run_id = "made"
    page.run()
    assert_healthy(page)
    assert "Training loss" in words(page)
    assert [b.label for b in page.button if b.label in ("Open on every page", "Delete for good")] == [
        "Open on every page"
    ]


def test_the_form_stays_in_its_place_when_the_guess_is_there(sample_home, monkeypatch):
    """Browsers draw anew what has another place, and forget what was typed into a form and which parts were open."""
    waits: Future[object] = Future()
    monkeypatch.setattr(ahead, "guessed_seconds", lambda config: waits)
    page = open_page("distill")
    assert "is being found out" in words(page)
    before = list(page.expander[0].children)
    waits.set_result(GUESSED)
    page.run()
    assert "About 1 min 30 s on this machine, from 2 finished runs." in words(page)
    assert list(page.expander[0].children) == before
    gone: Future[object] = Future()
    gone.set_exception(OSError("no"))
    monkeypatch.setattr(ahead, "guessed_seconds", lambda config: gone)
    page.run()
    assert "could not be found out" in words(page)
    assert not page.exception


def test_the_estimate_follows_the_values_of_the_form(empty_home, monkeypatch):
    """Before anything is pressed; what cannot be taken is said in the words of its field."""
    epochs = []

    def guessed(config):
        epochs.append(config.student_train.epochs)
        return at_once(lambda: Estimate({"alone-0": 60.0 * epochs[-1]}, "a guess from one pass"))

    monkeypatch.setattr(ahead, "guessed_seconds", guessed)
    page = open_page("distill")
    field = page.number_input(key=f"{QUICK}_student_train_epochs")
    untouched = field.value
    assert f"About {untouched} min 0 s on this machine, a guess from one pass." in words(page)
    field.set_value(21).run()
    assert_healthy(page)
    assert "About 21 min 0 s" in words(page)
    page.number_input(key=f"{QUICK}_student_train_epochs").set_value(0).run()
    refused = "No estimate yet. Training of the students, Epochs at full size: expected at least 1, got 0."
    assert refused in words(page).replace("\\", "")
    assert epochs == [untouched, 21]
    assert not page.error
