"""Figures hold the numbers they were given, in the members' colours, with their uncertainty."""

import numpy as np
import pytest

from cxrkd.config import MEMBERS
from cxrkd.dashboard.charts import cost, dataset, films, probabilities, quality, stress, style, training
from cxrkd.dashboard.pictures import Panel, grey_to_rgb, outlines

LABELS = ("Effusion", "Mass", "Pleural_Thickening")
PROBS = {"teacher": np.array([0.9, 0.1, 0.4]), "distilled": np.array([0.7, 0.2, 0.5])}
THRESHOLDS = {"teacher": np.array([0.5, 0.3, 0.4]), "distilled": np.array([0.6, 0.1, 0.6])}
SKILL = {"teacher": ("0.9 (0.8 to 1.0)", "0.7", "not enough cases"), "distilled": ("0.8", "0.6", "0.5")}


def traces(chart, name):
    return [trace for trace in chart.data if trace.name == name]


def test_probabilities_are_sorted_by_the_teacher_with_the_highest_on_top():
    chart = probabilities.probabilities(LABELS, PROBS, THRESHOLDS, skill=SKILL)
    assert list(chart.layout.yaxis.categoryarray) == ["Mass", "Pleural thickening", "Effusion"]


def test_threshold_ticks_stand_at_each_models_own_threshold():
    chart = probabilities.probabilities(LABELS, PROBS, THRESHOLDS, skill=SKILL)
    (ticks,) = traces(chart, "Teacher threshold")
    assert dict(zip(ticks.y, ticks.x, strict=True)) == {"Effusion": 0.5, "Mass": 0.3, "Pleural thickening": 0.4}
    (ticks,) = traces(chart, "Student distilled threshold")
    assert dict(zip(ticks.y, ticks.x, strict=True)) == {"Effusion": 0.6, "Mass": 0.1, "Pleural thickening": 0.6}


def test_a_marker_is_filled_exactly_where_the_threshold_is_reached():
    chart = probabilities.probabilities(LABELS, PROBS, THRESHOLDS, skill=SKILL)
    markers = next(t for t in traces(chart, "Student distilled") if t.x[0] is not None)
    filled = {
        y: colour == style.COLOURS["distilled"] for y, colour in zip(markers.y, markers.marker.color, strict=True)
    }
    assert filled == {"Effusion": True, "Mass": True, "Pleural thickening": False}


def test_labels_known_to_be_present_are_bold():
    chart = probabilities.probabilities(LABELS, PROBS, THRESHOLDS, skill=SKILL, present=("Mass",))
    bold = [text.startswith("<b>") for text in chart.layout.yaxis.ticktext]
    assert dict(zip(chart.layout.yaxis.tickvals, bold, strict=True)) == {
        "Effusion": False,
        "Mass": True,
        "Pleural thickening": False,
    }


def test_under_each_label_stands_how_good_each_model_is_at_it():
    axis = probabilities.probabilities(LABELS, PROBS, THRESHOLDS, skill=SKILL).layout.yaxis
    texts = dict(zip(axis.tickvals, axis.ticktext, strict=True))
    _, teacher, student = texts["Effusion"].split("<br>")
    assert "0.9 (0.8 to 1.0)" in teacher
    assert style.COLOURS["teacher"] in teacher
    assert "0.8" in student
    assert "not enough cases" in texts["Pleural thickening"]


def test_a_saved_chart_names_its_film_and_takes_no_markup_from_it():
    chart = probabilities.probabilities(LABELS, PROBS, THRESHOLDS, skill=SKILL, film="<b>a&b</b>.png")
    assert chart.layout.xaxis.title.text == "Probability (tick: threshold)<br>&lt;b&gt;a&amp;b&lt;/b&gt;.png"


def test_members_keep_their_order_and_differ_in_colour_dash_and_symbol():
    assert style.ordered({"distilled", "teacher"}) == ["teacher", "distilled"]
    for table in (style.COLOURS, style.DASHES, style.SYMBOLS):
        assert set(table) == set(MEMBERS)
        assert len(set(table.values())) == len(MEMBERS)


@pytest.mark.parametrize("background", ["#FFFFFF", "#10171E"])
@pytest.mark.parametrize("member", MEMBERS)
def test_member_colours_stand_out_on_both_themes(member, background):
    def luminance(value):
        channels = np.array([int(value[i : i + 2], 16) for i in (1, 3, 5)]) / 255
        linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
        return linear @ [0.2126, 0.7152, 0.0722]

    light, dark = sorted((luminance(style.COLOURS[member]), luminance(background)), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 2.8


def test_roc_has_one_line_a_member_and_the_chance_line():
    line = quality.Curve(np.array([0, 0.5, 1]), np.array([0, 0.8, 1]), "0.800")
    chart = quality.roc({"alone": line, "teacher": line})
    assert [trace.name for trace in chart.data] == ["Chance", "Teacher 0.800", "Student alone 0.800"]


def test_precision_recall_draws_chance_at_the_prevalence():
    line = quality.Curve(np.array([0, 1]), np.array([1, 0.1]))
    chart = quality.precision_recall({"teacher": line}, prevalence=0.125)
    assert list(chart.data[0].y) == [0.125, 0.125]


def test_forest_whiskers_end_at_the_interval():
    rows = [
        quality.Interval(0.8, 0.7, 0.85),
        quality.Interval(np.nan, np.nan, np.nan),
        quality.Interval(0.9, 0.89, 0.95),
    ]
    (trace,) = quality.forest(LABELS, {"teacher": rows}).data
    np.testing.assert_allclose(trace.x - trace.error_x.arrayminus, [0.7, np.nan, 0.89])
    np.testing.assert_allclose(trace.x + trace.error_x.array, [0.85, np.nan, 0.95])


def test_forest_puts_the_teacher_above_the_student_on_the_downward_axis():
    row = [quality.Interval(0.8, 0.7, 0.9)] * 3
    chart = quality.forest(LABELS, {"distilled": row, "teacher": row})
    teacher, student = chart.data
    assert (np.array(teacher.y) < np.array(student.y)).all()
    assert chart.layout.yaxis.range[0] > chart.layout.yaxis.range[1]


def test_a_difference_is_hollow_where_its_interval_holds_zero():
    rows = [
        quality.Interval(0.02, 0.01, 0.03),
        quality.Interval(0.01, -0.01, 0.03),
        quality.Interval(-0.02, -0.03, -0.01),
    ]
    (trace,) = quality.differences(LABELS, rows, "distilled", "alone").data
    assert [colour == style.CLEAR for colour in trace.marker.color] == [False, True, False]


def test_seeds_show_every_point_and_the_mean():
    chart = quality.seeds({"alone": [0.8, 0.82, 0.84]}, "AUROC")
    assert list(chart.data[0].x) == [0.8, 0.82, 0.84]
    assert chart.data[1].x[0] == pytest.approx(0.82)


def test_members_of_equal_cost_do_not_hide_each_other_and_hover_tells_the_true_cost():
    auroc = {m: quality.Interval(0.9, 0.88, 0.92) for m in MEMBERS}
    chart = cost.auroc_against_cost({"teacher": 2.8e9, "alone": 2.9e8, "distilled": 2.9e8}, auroc, "MACs", "AUROC")
    teacher, alone, distilled = chart.data
    assert teacher.x[0] == 2.8e9
    assert alone.x[0] != distilled.x[0]
    assert distilled.customdata[0][0] == 2.9e8


def test_latency_whiskers_never_point_backwards():
    timings = [cost.LatencyBar("teacher", "pytorch", 30.0, 45.0), cost.LatencyBar("distilled", "pytorch", 9.0, 8.0)]
    teacher, student = cost.latency(timings).data
    assert teacher.error_x.array[0] == 15.0
    assert student.error_x.array[0] == 0.0


def test_an_epoch_trained_again_after_a_resume_replaces_the_earlier_point():
    events = [
        {"kind": "epoch", "member": "alone", "seed": 0, "epoch": 1, "loss": 0.9},
        {"kind": "progress", "member": "alone", "seed": 0, "epoch": 2, "loss": 0.1},
        {"kind": "epoch", "member": "alone", "seed": 0, "epoch": 2, "loss": 0.8},
        {"kind": "epoch", "member": "alone", "seed": 0, "epoch": 2, "loss": 0.7},
        {"kind": "epoch", "member": "alone", "seed": 1, "epoch": 1, "loss": None},
    ]
    (line,) = training.epoch_curves(events, "loss", "Loss").data
    assert list(line.x) == [1, 2]
    assert list(line.y) == [0.9, 0.7]


def test_later_seeds_share_the_legend_entry_of_the_first():
    events = [{"kind": "epoch", "member": "alone", "seed": s, "epoch": 1, "loss": 0.5} for s in (0, 1, 2)]
    assert [t.showlegend for t in training.epoch_curves(events, "loss", "Loss").data] == [True, False, False]


def test_cooccurrence_is_conditional_on_the_row():
    targets = np.array([[1, 1, 0], [1, 0, np.nan], [1, 0, 0], [1, 0, 0]], dtype=float)
    z = dataset.cooccurrence(LABELS, targets).data[0].z
    assert z[0][1] == 0.25
    assert z[1][0] == 1.0
    assert np.isnan(np.diag(z)).all()
    assert np.isnan(z[2]).all()


def test_prevalence_counts_each_split_against_its_own_size():
    chart = dataset.prevalence(
        LABELS, {"train": np.array([10, 2, 0]), "test": np.array([1, 1, 0])}, {"train": 100, "test": 4}
    )
    train, test = chart.data
    assert list(train.x) == [0.1, 0.02, 0.0]
    assert list(test.x) == [0.25, 0.25, 0.0]


def test_film_panels_are_tied_and_carry_outlines_and_one_colour_bar():
    mask = np.zeros((8, 8), dtype=bool)
    mask[2:5, 3:6] = True
    panels = [Panel(name, grey_to_rgb(np.zeros((8, 8), np.uint8)), outlines(mask)) for name in ("a", "b", "c")]
    chart = films.films(panels, films.ColourBar([(0, "#000000"), (1, "#FFFFFF")], 0, 3, "logits"))
    assert [trace.type for trace in chart.data].count("image") == 3
    assert sum(bool(trace.marker.showscale) for trace in chart.data if trace.type == "scatter") == 1
    assert {axis.matches for axis in chart.select_xaxes()} == {"x"}


def test_film_strip_needs_a_panel():
    with pytest.raises(ValueError, match="at least one"):
        films.films([])


@pytest.mark.parametrize(
    "chart",
    [
        probabilities.probabilities(LABELS, PROBS, THRESHOLDS, skill=SKILL),
        quality.seeds({"alone": [0.8]}, "AUROC"),
        dataset.cooccurrence(LABELS, np.ones((2, 3))),
    ],
)
def test_paper_is_transparent_so_that_both_themes_show_through(chart):
    assert chart.layout.paper_bgcolor == chart.layout.plot_bgcolor == style.CLEAR


def test_the_probability_axis_starts_at_zero_and_holds_every_value():
    for probs in (PROBS, {"teacher": np.array([0.01, 0.02, 0.03])}):
        low, high = probabilities.probabilities(
            LABELS, probs, dict.fromkeys(probs, THRESHOLDS["teacher"]), skill=SKILL
        ).layout.xaxis.range
        assert low < 0 < max(v.max() for v in probs.values()) < high


def test_a_label_without_a_threshold_is_drawn_without_a_tick_and_hollow():
    chart = probabilities.probabilities(
        LABELS, {"teacher": PROBS["teacher"]}, {"teacher": np.array([np.nan] * 3)}, skill=SKILL
    )
    markers = next(t for t in traces(chart, "Teacher") if t.x[0] is not None)
    assert set(markers.marker.color) == {style.CLEAR}


def test_differences_line_up_with_the_forest_beside_them():
    row = [quality.Interval(0.8, 0.7, 0.9)] * 3
    left = quality.forest(LABELS, {"teacher": row, "alone": row})
    right = quality.differences(LABELS, row, "distilled", "alone", beside=2)
    assert left.layout.height == right.layout.height
    assert left.layout.margin.t == right.layout.margin.t
    assert left.layout.yaxis.range == right.layout.yaxis.range


UNDEFINED = quality.Interval(np.nan, np.nan, np.nan)
EMPTY = {
    "forest": (quality.forest(LABELS, {"teacher": [UNDEFINED] * 3}), "xaxis"),
    "macro": (quality.macro_forest({"teacher": [UNDEFINED]}, "AUROC"), "xaxis"),
    "seeds": (quality.seeds({"teacher": [np.nan]}, "AUROC"), "xaxis"),
    "cost": (cost.auroc_against_cost({"teacher": 1e6}, {"teacher": UNDEFINED}, "MACs", "AUROC"), "yaxis"),
    "training": (training.epoch_curves([], "val_auroc", "AUROC", style.auroc_span), "yaxis"),
}


@pytest.mark.parametrize("name", list(EMPTY))
def test_an_axis_of_aurocs_without_a_value_holds_aurocs_only_and_says_why_it_is_empty(name):
    chart, axis = EMPTY[name]
    low, high = chart.layout[axis].range
    assert 0 <= low < high <= 1
    assert [note.text for note in chart.layout.annotations if note.text]


def test_an_axis_of_differences_without_a_value_is_about_zero():
    low, high = quality.differences(LABELS, [UNDEFINED] * 3, "a", "b").layout.xaxis.range
    assert -0.5 < low < 0 < high < 0.5


def test_latency_without_an_engine_says_so():
    chart = cost.latency([])
    assert chart.layout.xaxis.range[0] == 0
    assert chart.layout.annotations


@pytest.mark.parametrize(
    "values", [[0.5], [1.0, 1.0], [0.0], [0.2, np.nan, 0.9], [0.8491, 0.8499], [np.nan, np.inf], []]
)
def test_the_range_of_an_auroc_axis_holds_every_value_and_nothing_that_cannot_be(values):
    low, high = style.auroc_span(values)
    assert -0.05 <= low < high <= 1.05
    assert all(low < value < high for value in values if np.isfinite(value))


def test_one_epoch_is_drawn_on_an_axis_of_aurocs():
    events = [{"kind": "epoch", "member": "teacher", "seed": 0, "epoch": 1, "val_auroc": 0.61}]
    low, high = training.epoch_curves(events, "val_auroc", "AUROC", style.auroc_span).layout.yaxis.range
    assert 0.5 < low < 0.61 < high < 0.7


@pytest.mark.parametrize("last", [0, 1, 2, 3, 7, 10, 11, 18, 25, 60, 100, 999])
def test_epochs_are_counted_in_whole_numbers_each_once(last):
    events = [{"kind": "epoch", "member": "alone", "seed": 0, "epoch": e, "loss": 0.5} for e in range(1, last + 1)]
    axis = training.epoch_curves(events, "loss", "Loss").layout.xaxis
    ticks = np.arange(axis.tick0, axis.range[1] + 1e-9, axis.dtick)
    assert axis.dtick == int(axis.dtick) >= 1
    assert 2 <= len(ticks) <= 12
    assert axis.range[1] >= last


def test_runs_beside_one_another_are_told_apart_by_colour_dash_and_symbol():
    def events(height):
        return [
            {"kind": "epoch", "member": who, "seed": seed, "epoch": epoch, "val_auroc": height + epoch / 100}
            for who in ("teacher", "distilled")
            for seed in (0, 1)
            for epoch in (1, 2)
        ]

    runs = {name: events(0.5 + place / 10) for place, name in enumerate("abc")} | {"none": []}
    chart = training.curves_of_runs(runs, "distilled", "val_auroc", "AUROC", style.auroc_span)
    assert [trace.name for trace in chart.data] == ["a", "a", "b", "b", "c", "c"]
    assert [trace.showlegend for trace in chart.data] == [True, False] * 3
    assert list(chart.data[2].y) == pytest.approx([0.61, 0.62])
    looks = {(t.line.color, t.line.dash, t.marker.symbol) for t in chart.data}
    assert len(looks) == 3
    assert len({color for color, _, _ in looks}) == 3


def test_an_epoch_without_a_number_is_no_point():
    events = [
        {"kind": "epoch", "member": "alone", "seed": 0, "epoch": e, "val_auroc": value}
        for e, value in ((1, None), (2, float("nan")), (3, 0.7))
    ]
    (line,) = training.epoch_curves(events, "val_auroc", "AUROC").data
    assert list(line.x) == [3]


def test_rare_findings_have_an_axis_of_shares_they_can_be_read_on():
    chart = dataset.prevalence(LABELS, {"train": np.array([1, 2, 0])}, {"train": 1000})
    low, high = chart.layout.xaxis.range
    assert low == 0
    assert 0.002 < high < 0.02
    assert chart.layout.xaxis.tickformat == style.PERCENT


CURVES = {"teacher": quality.Curve([0, 0.2, 1], [0, 0.8, 1], "0.800")}


def test_radiologists_stand_in_a_roc_filled_where_the_reference_is_not_theirs():
    marks = [
        quality.ReaderMark(0.1, 0.6, "<one>", independent=True),
        quality.ReaderMark(0.3, 0.9, "two", independent=True),
        quality.ReaderMark(0.0, 0.4, "three", independent=False),
    ]
    chart = quality.roc(CURVES, marks)
    (alone,), (inside,) = (traces(chart, f"Radiologist{rest}") for rest in (" (2)", ", part of the reference (1)"))
    assert (alone.x, alone.y, inside.x, inside.y) == ((0.1, 0.3), (0.6, 0.9), (0.0,), (0.4,))
    assert (alone.marker.color, inside.marker.color) == (style.READER, style.CLEAR)
    assert alone.marker.line.color == inside.marker.line.color == style.READER
    assert style.READER not in style.COLOURS.values()
    assert alone.text[0] == "&lt;one&gt;"


def test_a_roc_without_radiologists_is_as_it_was():
    assert quality.roc(CURVES) == quality.roc(CURVES, [])
    assert not [trace for trace in quality.roc(CURVES).data if "Radiologist" in trace.name]


def test_changes_under_stress_stand_row_by_row_with_a_line_at_what_is_tolerated():
    rows = {
        "distilled": [quality.Interval(-0.05, -0.08, -0.02), quality.Interval(0.001, -0.01, 0.012)],
        "teacher": [quality.Interval(-0.01, -0.02, 0.0), quality.Interval(np.nan, np.nan, np.nan)],
    }
    chart = stress.changes(["Blur", "JPEG, quality 50"], rows, 0.02)
    assert [trace.name for trace in chart.data] == ["Teacher", "Student distilled"]
    assert chart.data[1].x.tolist() == [-0.05, 0.001]
    assert chart.data[0].y[0] < chart.data[1].y[0] < 0.5
    assert list(chart.layout.yaxis.ticktext) == ["Blur", "JPEG, quality 50"]
    assert {shape.x0 for shape in chart.layout.shapes} == {0, -0.02}
    assert chart.layout.xaxis.range[0] < -0.08
    assert not [one for one in chart.layout.annotations if "not enough" in one.text]
    empty = stress.changes(["Blur"], {"teacher": rows["teacher"][1:]}, 0.02)
    assert [one.text for one in empty.layout.annotations if "not enough" in one.text]
