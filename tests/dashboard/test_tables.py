"""Numbers as text and backend objects as tables."""

import math
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from cxrkd.answers.answer import Answer, MemberAnswer
from cxrkd.answers.verdict import Standing
from cxrkd.config import RunConfig
from cxrkd.dashboard import tables
from cxrkd.dashboard.charts import films, style
from cxrkd.dashboard.classify import answers
from cxrkd.dashboard.efficiency import costs
from cxrkd.dashboard.explain import figures, panels
from cxrkd.dashboard.explain.display import Display
from cxrkd.dashboard.pictures import outlines
from cxrkd.evaluate import paired_difference
from cxrkd.evaluate.wording import gain_verdict
from cxrkd.explain.agreement import Agreement
from cxrkd.explain.chance import ChanceLine, HeldAgainst
from cxrkd.explain.overlay import SIGNED_COLORMAPS, colour_table, overlay
from cxrkd.images.film import Film, Truth
from cxrkd.images.showing import windowed

DISPLAY = Display("inferno", 0.5, scale="shared", heat=True, outline=False)


def test_an_undefined_figure_says_so():
    assert tables.with_interval(math.nan, math.nan, math.nan) == "not enough cases"
    assert tables.with_interval(0.91234, 0.9, 0.925) == "0.912 (0.900 to 0.925)"


def test_only_settings_that_differ_are_listed():
    a, b = RunConfig(name="a"), RunConfig(name="b", student_arch="eeea_net_c1", seeds=(0, 1))
    c = RunConfig(name="c", seeds=(0, 1))
    table = tables.config_differences({"a": a, "b": b, "c": c}).set_index("Setting")
    assert table.loc["Student"].to_dict() == {"a": "EEEA-Net-C2", "b": "EEEA-Net-C1", "c": "EEEA-Net-C2"}
    assert table.loc["Seeds of the students"].to_dict() == {"a": "0", "b": "0, 1", "c": "0, 1"}
    assert len(table) == 2
    assert tables.config_differences({"a": a, "d": RunConfig(name="d")}).empty


def test_students_that_look_at_all_pixels_are_said_to_look_at_so_many():
    whole, half = RunConfig(name="whole"), RunConfig(name="half", student_size=32)
    table = tables.config_differences({"whole": whole, "half": half}).set_index("Setting")
    assert table.loc["Size that students look at, pixels"].to_dict() == {
        "whole": str(whole.data.image_size),
        "half": "32",
    }


def test_when_is_told_by_the_clock_of_this_machine(monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert tables.local_time(0.5).hour == 9
        assert tables.local_time(None) is pd.NaT
    finally:
        monkeypatch.undo()
        time.tzset()


def test_where_films_lie_is_told_by_the_last_folder_alone():
    real = RunConfig(name="real", data={"kind": "folder", "folder": "/srv/secret/films"})
    table = tables.config_differences({"a": RunConfig(name="a"), "b": real}).set_index("Setting")
    assert table.loc["Folder"].dropna().to_dict() == {"b": "films"}


def answer_of(name="film.png"):
    def said(probs, cuts):
        return MemberAnswer("openvino", np.array(probs), np.array(cuts), 1.25)

    members = {"teacher": said([0.2, 0.9], [0.3, 0.5]), "distilled": said([0.4, 0.7], [0.3, math.nan])}
    return Answer(film_of(name), ("Mass", "Pleural_Thickening"), members, "trained on phantoms")


def film_of(name, **known):
    tones = np.zeros((4, 4), np.uint8)
    return Film(name, tones, lambda: tones / 255, "abc", ("inverted", "cut; in two"), **known)


def standings_of():
    labels = answer_of().labels
    aurocs, gap = np.array([0.9, math.nan]), np.array([0.1, math.nan])

    def known(*reasons):
        return Standing(labels, aurocs, aurocs - gap, aurocs + gap, reasons)

    return {"teacher": known("", ""), "distilled": known("", "1 positive patient in validation, 5 are needed")}


def test_answers_are_sorted_by_the_teacher_and_carry_both_verdicts():
    table = answers.answer_table(answer_of(), standings_of())
    assert list(table["Label"]) == ["Pleural thickening", "Mass"]
    assert list(table["Teacher says"]) == ["yes", "no"]
    assert list(table["Student distilled says"]) == ["not judged", "yes"]
    np.testing.assert_allclose(table["Student distilled − teacher"], [-0.2, 0.2])
    assert list(table["Teacher: AUROC"]) == ["not enough cases", "0.900 (0.800 to 1.000)"]
    assert set(table["Film"]) == {"film.png"}  # a table is exported by a click on it


def test_labels_that_nobody_can_call_are_folded_away_with_the_reason():
    standings = {"distilled": standings_of()["distilled"]}
    answer = replace(answer_of(), members={"distilled": answer_of().members["distilled"]})
    assert list(answers.answer_table(answer, standings)["Label"]) == ["Mass"]
    folded = answers.not_judged_table(answer, standings)
    assert list(folded["Finding"]) == ["Pleural thickening"]
    assert list(folded["Why"]) == ["1 positive patient in validation, 5 are needed"]
    assert list(folded["Student distilled: AUROC"]) == ["not enough cases"]
    assert answers.partly_judged_sentences(standings) == []


def test_a_label_that_one_model_cannot_call_is_said():
    assert answers.not_judged_table(answer_of(), standings_of()).empty
    assert answers.partly_judged_sentences(standings_of()) == [
        "Pleural thickening is not judged by the student distilled: 1 positive patient in validation, 5 are needed."
    ]


def test_a_latency_is_shown_once_it_is_measured():
    said = answer_of().members["teacher"]
    assert answers.how_long(said) == "1.2 ms with OpenVINO"
    assert answers.how_long(replace(said, latency_ms=math.nan)) == "with OpenVINO, not timed yet"


def test_the_summary_names_what_each_member_finds():
    truth = Truth(
        ("Mass", "Pleural_Thickening"), np.array([1.0, math.nan]), lambda side: np.zeros((2, side, side), bool)
    )
    truth = replace(truth, title="Expert labels")
    row = answers.answers_summary([replace(answer_of(), film=film_of("a", truth=truth))]).iloc[0]
    assert row["Expert labels"] == "Mass"
    assert row["Teacher"] == "pleural thickening, of the 2 findings it can call"
    assert row["Student distilled"] == "mass, the one finding it can call"


def test_the_best_latency_leaves_out_engines_that_disagree():
    found = [
        costs.Measured("teacher", "pytorch", 30.0, 33.0),
        costs.Measured("teacher", "openvino", 10.0, 11.0),
        costs.Measured("teacher", "openvino-bf16", 5.0, 6.0, agrees=False, note="probabilities differ"),
        costs.Measured("alone", "onnxruntime", math.nan, math.nan, agrees=False, note="is not installed"),
    ]
    assert costs.best(found) == {"teacher": 10.0}
    assert costs.latency_table(found).iloc[0]["Best against PyTorch"] == "3.0 ×"
    assert [s.split(" is not used")[0] for s in costs.remarks(found)] == ["OpenVINO bfloat16", "ONNX Runtime"]
    assert {t.engine for t in costs.latency_bars(found)} == {"PyTorch", "OpenVINO", "OpenVINO bfloat16"}


def flat(panel):
    return np.asarray(panel.flat())


def test_on_a_shared_scale_half_the_evidence_is_drawn_paler():
    film = np.full((8, 8), 0.5, np.float32)
    heats = {"teacher": np.full((2, 2), 2.0), "alone": np.full((2, 2), 1.0)}
    notes = dict.fromkeys(heats, "")
    strong, weak = panels.panels(panels.Pictured(film, 8), heats, DISPLAY, notes)
    assert not np.array_equal(flat(strong), flat(weak))
    own = Display("inferno", 0.5, scale="own", heat=True, outline=False)
    strong, weak = panels.panels(panels.Pictured(film, 8), heats, own, notes)
    np.testing.assert_array_equal(flat(strong), flat(weak))


def test_without_heat_the_film_is_bare():
    film = np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8)
    bare = Display("inferno", 0.5, scale="shared", heat=False, outline=False)
    (panel,) = panels.panels(panels.Pictured(film, 8), {"teacher": np.ones((2, 2))}, bare, {"teacher": ""})
    np.testing.assert_array_equal(flat(panel)[..., 0], np.round(film * 255))
    assert panels.colour_bar({"teacher": np.ones((2, 2))}, bare, "raw") is None


def test_the_colour_bar_carries_raw_units_and_is_signed_for_a_signed_map():
    heats = {"teacher": np.array([[3.0, -7.0]]), "alone": np.array([[1.0, -1.0]])}
    positive = panels.colour_bar(heats, DISPLAY, "raw")
    assert (positive.low, positive.high, positive.title) == (0.0, 3.0, "raw")
    signed = panels.colour_bar(heats, Display(SIGNED_COLORMAPS[0], 0.5, "shared", True, False), "raw")
    assert (signed.low, signed.high) == (-7.0, 7.0)


def test_a_map_that_is_weak_for_its_network_stays_faint():
    film = np.full((8, 8), 0.5, np.float32)
    heats = {"teacher": np.full((2, 2), 2.0), "alone": np.full((2, 2), 2.0)}
    display = Display("inferno", 1.0, scale="strong", heat=True, outline=False)
    strong = {"teacher": 2.0, "alone": 40.0}
    full, faint = panels.panels(panels.Pictured(film, 8), heats, display, dict.fromkeys(heats, ""), strong)
    assert (flat(full) == colour_table("inferno")[-1]).all()
    assert np.abs(flat(faint).astype(int) - 128).max() < 10
    bar = panels.colour_bar(heats, display, "raw", strong)
    assert (bar.high, bar.title) == (1.0, "share of strong evidence")
    unknown = panels.colour_bar(heats, display, "raw", {"teacher": 2.0})
    assert (unknown.high, unknown.title) == (2.0, "raw"), "one that is not known makes the scale a shared one"
    assert panels.scales_for(strong, ["teacher"]) == ["strong", "shared", "own"]
    assert panels.scales_for({}, ["teacher"]) == ["shared", "own"]


def test_a_layer_over_a_film_is_the_overlay_in_colours_of_8_bits():
    rng = np.random.default_rng(0)
    film, heat = rng.random((32, 32), dtype=np.float32), rng.normal(size=(4, 4))
    for colormap in ("inferno", SIGNED_COLORMAPS[0]):
        display = Display(colormap, 0.7, scale="own", heat=True, outline=False)
        (panel,) = panels.panels(panels.Pictured(film, 32), {"teacher": heat}, display, {"teacher": ""})
        expected = overlay(film, heat, colormap=colormap, opacity=0.7)
        assert np.abs(flat(panel).astype(int) - expected).max() <= 2


def test_the_film_is_as_fine_as_it_is_and_the_map_covers_it_all():
    film = np.random.default_rng(0).random((96, 96), dtype=np.float32)
    display = Display("inferno", 1.0, scale="own", heat=True, outline=True, window=(0.2, 0.6), invert=True)
    box = np.zeros((32, 32), bool)
    box[8:16, 8:16] = True
    pictured = panels.Pictured(film, 32, outlines(box))
    (panel,) = panels.panels(pictured, {"teacher": np.ones((2, 2))}, display, {"teacher": ""})
    np.testing.assert_array_equal(panel.rgb, windowed(film, 0.2, 0.6, invert=True))
    assert (panel.layer.shape, panel.side) == ((32, 32, 4), 32)
    assert (flat(panel)[0, 0] == colour_table("inferno")[-1]).all()
    figure = films.films([panel])
    film_image, map_image = (trace for trace in figure.data if trace.type == "image")
    for image, n in ((film_image, 96), (map_image, 32)):  # both reach from edge to edge of the same coordinates
        assert image.x0 - image.dx / 2 == pytest.approx(-0.5)
        assert image.x0 + (n - 0.5) * image.dx == pytest.approx(31.5)
    assert tuple(figure.layout.xaxis.range) == (-0.5, 31.5)


def test_a_difference_is_in_shares_of_what_is_strong_for_each():
    heats = {"teacher": np.full((4, 4), 3.0), "alone": np.full((2, 2), 10.0), "distilled": np.full((2, 2), -5.0)}
    strong = {"teacher": 6.0, "alone": 10.0, "distilled": 10.0}
    display = Display("inferno", 1.0, scale="strong", heat=True, outline=False, difference=True)
    maps, colormap, scales, what = panels._coloured(heats, display, strong)
    assert {name: float(one.max()) for name, one in maps.items()} == {"teacher": 0.5, "alone": 0.5, "distilled": -1.0}
    assert maps["alone"].shape == (2, 2), "on the coarser grid"
    assert (colormap, set(scales.values()), what) == (SIGNED_COLORMAPS[0], {1.0}, "difference")
    bar = panels.colour_bar(heats, display, "raw", strong)
    assert (bar.low, bar.high) == (-1.0, 1.0)
    unknown = panels.colour_bar(heats, display, "raw", {"teacher": 6.0})
    assert "maximum" in unknown.title


def test_a_contour_holds_the_hottest_share_and_nothing_that_speaks_against():
    heat = np.zeros((10, 10))
    heat[:2] = 1.0 + np.arange(20).reshape(2, 10)
    (colour, (_, y)), *_ = panels.contours({"teacher": heat}, 0.1, 10)["teacher"]
    assert colour == style.COLOURS["teacher"]
    assert y.max() == pytest.approx(1.5), "the hottest tenth is one row, the second"
    assert panels.contours({"teacher": -heat - 1}, 0.1, 10) == {"teacher": ()}
    assert panels.contours({"teacher": heat}, 0.0, 10) == {}


def test_words_carry_what_stands_over_the_films():
    notes = {"teacher": "81.0%, called\nthreshold 50.0%\n4% outside the body", "alone": "2.0%, not called\nx\ny"}
    assert panels.in_words(notes) == (
        "Teacher: 81.0%, called, threshold 50.0%, 4% outside the body. Student alone: 2.0%, not called, x, y."
    )


@pytest.mark.parametrize(
    ("figures", "note"),
    [
        ((0.8, 0.5, 0.12), "80.0%, called\nthreshold 50.0%\n12% outside the body"),
        ((0.2, 0.5, 0.0), "20.0%, not called\nthreshold 50.0%\n0% outside the body"),
        ((0.2, math.nan, math.nan), "20.0%, not judged\nno threshold\nno positive evidence"),
        ((math.nan, 0.5, math.nan), "no answer, not judged\nthreshold 50.0%\nno positive evidence"),
    ],
)
def test_a_panel_says_whether_its_label_is_called(figures, note):
    assert panels.panel_note(*figures) == note


@pytest.mark.parametrize(
    ("teacher", "alone", "words"),
    [
        ((0.5, np.nan, np.nan), (np.nan, 0.5, np.nan), "any of the 2 of 3 findings that they can call"),
        ((0.5, np.nan, np.nan), (0.5, np.nan, np.nan), "calls pleural thickening, the one of 3 findings"),
        ((np.nan,) * 3, (np.nan,) * 3, "can call any of these 3 findings: none has a threshold"),
    ],
)
def test_no_call_names_how_many_findings_could_be_called(teacher, alone, words):
    labels, cuts = ("Pleural_Thickening", "Mass", "Edema"), {"teacher": np.array(teacher), "alone": np.array(alone)}
    said = figures.no_call_sentence(labels, cuts, opened=True)
    assert words in said
    assert "most probable" in said
    assert "most probable" not in figures.no_call_sentence(labels, cuts, opened=False)


def judged(missing=""):
    high = math.nan if missing else 0.4
    lines = (ChanceLine("random_student", 0.1, 0.3), ChanceLine("other_film", high, high, missing))
    distances = (ChanceLine("random_student", 30.0, 20.0), ChanceLine("other_film", 25.0, 16.0))
    held = {"cosine": HeldAgainst(lines, 0.95, less=False), "centre_distance": HeldAgainst(distances, 2.0, less=True)}
    return Agreement(0.5, lines, 0.2, 0.9, 0.6, 0.55, 0.3, 12.0, 18.0, beside=held)


def test_agreement_stands_beside_every_line():
    table = figures.agreement_table({"alone": judged()}).set_index("Teacher and …")["Student alone"]
    assert table["Rank correlation (Spearman)"] == 0.5
    assert table["… chance: random students"] == 0.3
    assert table["… chance: the student on other films"] == 0.4
    assert table["… ceiling: teacher under light noise"] == 0.9
    assert table["Cosine of the raw maps"] == 0.6
    assert table["… its chance, the hardest of 2 lines (cosine)"] == 0.4
    assert table["… its ceiling (cosine)"] == 0.95
    assert table["Distance of the centres of mass, % of the diagonal"] == 12
    assert table["… its chance, the hardest of 2 lines (centre_distance)"] == 16, "of distances the least"
    assert figures.agreement_sentence("alone", judged()) == "Teacher and student alone: 0.50, above chance."
    (row,) = figures.agreement_rows({"alone": judged("nothing is kept")})
    assert row.chance == {"random students": 0.3}
    assert "not measured: the student on other films" in figures.agreement_sentence("alone", judged("none kept"))


def test_members_without_positive_evidence_are_named():
    assert panels.without_evidence({"teacher": np.ones((2, 2)), "alone": -np.ones((2, 2))}) == ["alone"]


def test_no_lesion_says_which_labels_would_have_one():
    assert "Present are: mass." in figures.no_lesion("Nodule", ("Mass",))
    assert "no finding" in figures.no_lesion("Nodule", ())
    assert "Nobody marked nodule" in figures.no_lesion("Nodule", None)
    assert "Pleural thickening is present on this film, but nobody marked" in figures.no_lesion(
        "Pleural_Thickening", ("Pleural_Thickening",)
    )


def test_a_loss_is_printed_with_a_true_minus():
    assert tables.with_interval(-0.006, -0.016, 0.004, sign=True) == "−0.006 (−0.016 to +0.004)"


def test_a_long_list_of_findings_is_cut_after_three():
    labels = ("Mass", "Nodule", "Edema", "Hernia", "Fibrosis")
    said = MemberAnswer("pytorch", np.array([0.5, 0.9, 0.8, 0.7, 0.6]), np.full(5, 0.1), 1.0)
    row = answers.answers_summary([Answer(film_of("a"), labels, {"teacher": said}, "")]).iloc[0]
    assert row["Teacher"] == "nodule, edema, hernia and 2 more, of the 5 findings it can call"
    assert set(row.index) == {"Film", "Teacher"}


def test_percent_has_one_decimal_and_differences_a_sign():
    html = answers.in_percent(answers.answer_table(answer_of(), standings_of())).to_html()
    assert ">90.0%<" in html
    assert ">-20.0%<" in html
    assert ">+20.0%<" in html
    assert ">–<" in html


def test_results_tables_hold_the_figures_over_all_seeds(home_with_run, monkeypatch):
    from cxrkd.runs import open_run

    monkeypatch.setenv("CXRKD_HOME", str(home_with_run))
    metrics = open_run("made").metrics()
    table = tables.auroc_table(metrics)
    student = metrics.of("distilled")
    assert table.iloc[-1]["Student distilled"].startswith(f"{student.over_seeds.macro_auroc:.3f}")
    assert student.over_seeds.macro_auroc != student.model.macro_auroc
    assert list(table["Positive films"])[:2] == [row.n_pos for row in student.model.labels[:2]]
    assert list(table["Positive patients"])[:2] == [row.n_pos_patients for row in student.model.labels[:2]]


def test_what_is_missing_is_missing_in_one_way():
    table = pd.DataFrame(
        {
            "mixed": pd.Series([None, 2000, 3], dtype=object),
            "text": ["", None, "a"],
            "floats": [math.nan, 1.0, 2.0],
            "dates": [pd.NaT, pd.Timestamp(0, unit="s"), pd.NaT],
            "none": [None, None, None],
        }
    )
    found = tables.without_missing(table)
    assert found.isna().sum().to_dict() == {"mixed": 1, "text": 2, "floats": 1, "dates": 2, "none": 3}
    assert pd.api.types.is_integer_dtype(found["mixed"]), "numbers stay numbers beside what is missing"
    assert list(found.columns) == list(table.columns)


def test_the_csv_of_figures_says_whose_they_are(home_with_run, monkeypatch):
    import io

    from cxrkd.runs import open_run

    monkeypatch.setenv("CXRKD_HOME", str(home_with_run))
    metrics = open_run("made").metrics()
    table = pd.read_csv(io.BytesIO(tables.metrics_csv(metrics)), dtype={"seeds": str})
    student = table[(table.member == "distilled") & (table.label == metrics.labels[0])].set_index("seeds")
    assert student.loc["0 1", "auroc"] == pytest.approx(metrics.of("distilled").over_seeds.labels[0].auroc, nan_ok=True)
    assert student.loc["0", "auroc"] == pytest.approx(metrics.of("distilled").model.labels[0].auroc, nan_ok=True)
    assert len(table[table.member == "teacher"]) == len(metrics.labels), "one seed, one row a label"


@pytest.mark.parametrize(
    ("diff", "low", "high", "seeds", "claimed"),
    [
        (0.02, 0.005, 0.04, 3, True),
        (0.02, 0.005, 0.04, 2, False),
        (0.02, 0.005, 0.04, 1, False),
        (0.02, -0.005, 0.05, 3, False),
        (math.nan, math.nan, math.nan, 3, False),
    ],
)
def test_help_is_claimed_from_three_seeds_and_an_interval_without_zero_only(diff, low, high, seeds, claimed):
    gain = paired_difference(np.zeros((seeds, 2, 1)), np.zeros((seeds, 2, 1)), [[1], [0]], ["a", "b"], ["Mass"])
    gain = replace(gain, macro_diff=diff, macro_low=low, macro_high=high)
    harm = replace(gain, macro_diff=-diff, macro_low=-high, macro_high=-low)
    assert ("distillation helped" in gain_verdict(gain)) == claimed
    assert ("distillation did harm" in gain_verdict(harm)) == claimed
