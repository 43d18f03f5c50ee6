"""The form of a run: presets are valid, bounds are pydantic's, an untouched form is its preset."""

import re
from typing import Literal

import pytest
from pydantic import Field
from streamlit.testing.v1 import AppTest

from cxrkd.config import READERS, ObjectiveConfig, RunConfig, trainable
from cxrkd.config.hints import hints
from cxrkd.config.settings import VARIANTS, Variants, settings
from cxrkd.dashboard.distill import form
from cxrkd.dashboard.distill.presets import PRESETS
from cxrkd.dashboard.distill.widgets import complaint, has_widget, parse_seeds
from cxrkd.errors import ConfigError
from cxrkd.registry import Entry
from cxrkd.runs import open_run

QUICK = PRESETS["Quick look"]


def form_script(name, kind="phantom"):
    import streamlit as st

    from cxrkd.dashboard.distill import form
    from cxrkd.dashboard.distill.presets import PRESETS

    chosen = form.variants(PRESETS[name]) | {"data": kind}
    entered = form.ask(PRESETS[name], chosen, ["nih", "phantom"], suggested_name="untouched")
    if entered.submitted:
        st.session_state["config"] = entered.config()


@pytest.mark.parametrize("name", list(PRESETS))
def test_an_untouched_form_is_its_preset(name):
    page = AppTest.from_function(form_script, args=(name,), default_timeout=60).run()
    assert "config" not in page.session_state
    page.button[0].click().run()
    assert not page.exception
    assert page.session_state["config"] == PRESETS[name].config("untouched")


def test_a_teacher_of_drawn_films_is_not_kept_for_real_ones():
    def script():
        import streamlit as st

        from cxrkd.dashboard.distill import form
        from cxrkd.dashboard.distill.presets import PRESETS

        chosen = form.variants(PRESETS["Quick look"]) | {"data": st.session_state.get("kind", "phantom")}
        entered = form.ask(PRESETS["Quick look"], chosen, ["nih", "phantom"], suggested_name="x")
        st.session_state["teacher"] = entered.values["teacher_from"], entered.values["teacher_arch"]

    page = AppTest.from_function(script, default_timeout=60).run()
    assert page.session_state["teacher"] == ("phantom", open_run("phantom").config.teacher_arch)
    page.session_state["kind"] = "chestxray14"
    page.run()
    assert page.session_state["teacher"] == ("nih", open_run("nih").config.teacher_arch)


def test_every_refused_value_is_named_at_once_and_none_by_its_key():
    values = RunConfig(name="x").model_dump() | {"seeds": "0", "name": "", "teacher_weights": "gold"}
    values |= {"data": {"kind": "chexpert", "image_size": 3}, "objective": {"alpha": 2.0}}
    with pytest.raises(ConfigError) as caught:
        form.validated(values)
    said = str(caught.value)
    for title in (
        "Name: ",
        "Folder: ",
        "Image size, pixels: ",
        "Objective, Weight of the labels: ",
        "Teacher starts from: ",
    ):
        assert title in said
    assert not re.search(r"\b[a-z]+[._][a-z_]+\b", said.replace("chest-", ""))


def test_a_contradiction_names_the_settings_by_their_titles():
    values = RunConfig(name="x").model_dump() | {"seeds": "0", "student_train": {"mixup": 0.2}}
    with pytest.raises(ConfigError, match="set Objective, View that the teacher answers to same"):
        form.validated(values)


def test_every_setting_has_a_title_and_a_widget():
    assert [setting.key for setting in settings() if not setting.field.title] == []
    assert [setting.key for setting in settings() if not setting.entries and not has_widget(setting)] == []


@pytest.mark.parametrize("kind", list(trainable()))
def test_every_setting_of_a_run_is_in_the_form(kind):
    page = AppTest.from_function(form_script, args=("Quick look", kind), default_timeout=60).run()
    kinds = ("text_input", "number_input", "selectbox", "multiselect", "checkbox")
    labels = [one.label for name in kinds for one in page.get(name)]
    wanted = [setting.title for setting in settings({"data": kind, "objective": QUICK.objective.name})]
    assert sorted(labels) == sorted(wanted)


def test_the_help_of_a_choice_says_what_each_is():
    page = AppTest.from_function(form_script, args=("Quick look",), default_timeout=60).run()
    (student,) = (box for box in page.selectbox if box.label == "Student")
    assert student.options[0] == "EEEA-Net-C2"
    assert "- **EEEA-Net-C2**: Inverted residuals" in student.help
    (objective,) = (box for box in page.selectbox if box.label == "Objective")
    assert "- **Binary KL per label**: " in objective.help


def test_several_teachers_answer_together():
    page = AppTest.from_function(form_script, args=("Quick look",), default_timeout=60).run()
    page.multiselect[0].select("resnet50")
    page.button[0].click().run()
    assert page.session_state["config"].teacher_arch == "densenet161+resnet50"


def test_no_teacher_is_one_sentence():
    values = RunConfig(name="x").model_dump() | {"seeds": "0", "teacher_arch": ""}
    with pytest.raises(ConfigError, match=r"^Teacher: nothing was given\. Change it and press Distil again\.$"):
        form.validated(values)


def test_the_full_preset_is_what_the_shipped_run_did():
    shipped = open_run("phantom").config
    assert PRESETS["Full"].config(shipped.name) == shipped


@pytest.mark.parametrize("kind", [kind for kind in trainable() if kind != "phantom"])
def test_an_untouched_form_for_real_data_asks_for_the_folder_only(kind, tmp_path, monkeypatch):
    monkeypatch.setenv("CXRKD_DATA", str(tmp_path))
    page = AppTest.from_function(form_script, args=("Quick look", kind), default_timeout=60).run()
    page.text_input(key=f"new_{QUICK.key}_{kind}_folder").input(str(tmp_path))
    page.button[0].click().run()
    assert not page.exception
    expected = READERS[kind].config(folder=tmp_path, image_size=QUICK.image_size)
    assert page.session_state["config"].data == expected
    assert page.session_state["config"].teacher_from == "nih"  # films are no phantoms


def test_real_data_without_a_folder_is_one_sentence():
    values = RunConfig(name="x").model_dump() | {"seeds": "0", "data": {"kind": "chexpert"}}
    with pytest.raises(ConfigError, match=r"^Folder: nothing was given\. Change it and press Distil again\.$"):
        form.validated(values)


@pytest.mark.parametrize(
    ("key", "accepted", "refused"),
    [
        ("data.n_patients", (20, 200_000), (19, 200_001, -1)),
        ("student_train.learning_rate", (1e-9, 1.0), (0.0, 1.1)),
        ("objective.gamma", (0.0, 10.0), (-0.1, 10.1)),
    ],
)
def test_what_a_widget_takes_is_what_its_config_takes(key, accepted, refused):
    setting = next(setting for setting in settings() if setting.key == key)
    assert [complaint(setting, value) for value in accepted] == [None] * len(accepted)
    assert all(str(complaint(setting, value)).startswith("Expected") for value in refused)


@pytest.mark.parametrize(("text", "seeds"), [("0", (0,)), ("0, 1,2", (0, 1, 2)), (" 7  9 ", (7, 9))])
def test_seeds_are_read_with_commas_or_spaces(text, seeds):
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize("text", ["", "one", "1.5", "-3", ",", "9" * 5000, "0, " + "x" * 10**6], ids=len)
def test_what_is_no_list_of_seeds_is_explained(text):
    with pytest.raises(ConfigError, match="whole numbers") as raised:
        parse_seeds(text)
    assert len(str(raised.value)) < 200


def test_a_value_out_of_range_is_one_sentence_that_names_the_setting():
    values = RunConfig(name="x").model_dump() | {"seeds": "0", "student_train": {"learning_rate": 0.0}}
    with pytest.raises(
        ConfigError, match=r"^Training of the students, Learning rate: expected more than 0, got 0\.0\."
    ):
        form.validated(values)


def test_repeated_seeds_are_refused():
    with pytest.raises(ConfigError, match="Seeds must differ"):
        form.validated({"name": "x", "seeds": "1, 1"})


@pytest.mark.parametrize("name", list(PRESETS))
def test_augmentation_asks_for_the_view_in_the_words_of_the_form(name):
    """No preset augments; who does is told which field to set, and it is there."""
    prefix = f"new_{PRESETS[name].patients}"
    page = AppTest.from_function(asking_script, args=(name,), default_timeout=60).run()
    page.checkbox(key=f"{prefix}_student_train_augment").check()
    page.button[0].click().run()
    (error,) = page.error
    assert "cached teacher was never asked about: set Objective, View that the teacher answers to same" in error.value
    view = page.selectbox(key=f"{prefix}_{PRESETS[name].objective.name}_view")
    assert view.label == "View that the teacher answers"
    view.select("same")
    page.button[0].click().run()
    assert not page.error
    config = page.session_state["config"]
    assert (config.student_train.augment, config.objective.view) == (True, "same")


def asking_script(name):
    import streamlit as st

    from cxrkd.dashboard.distill import form
    from cxrkd.dashboard.distill.presets import PRESETS
    from cxrkd.errors import ConfigError

    entered = form.ask(PRESETS[name], form.variants(PRESETS[name]), ["phantom"], suggested_name="augmented")
    try:
        if entered.submitted:
            st.session_state["config"] = entered.config()
    except ConfigError as error:
        st.error(str(error))


def test_pretrained_weights_are_part_of_the_form():
    page = AppTest.from_function(form_script, args=("Small",), default_timeout=60).run()
    page.selectbox(key=f"new_{PRESETS['Small'].key}_teacher_weights").select("chest-nih")
    page.checkbox(key=f"new_{PRESETS['Small'].key}_teacher_trained").uncheck()
    page.checkbox(key=f"new_{PRESETS['Small'].key}_download").check()
    page.button[0].click().run()
    assert not page.exception
    config = page.session_state["config"]
    assert (config.teacher_weights, config.teacher_trained, config.download) == ("chest-nih", False, True)


class Sharp(ObjectiveConfig):
    """An objective with a setting of its own, another default and company."""

    sharpness: float = Field(3.0, title="Sharpness")
    view: Literal["cached", "same"] = Field("same", title="View that the teacher answers")
    also: tuple[ObjectiveConfig, ...] = Field((), title="Together with", json_schema_extra=hints(names="variants"))


def test_the_settings_of_a_new_variant_are_in_the_form_once_it_is_chosen(monkeypatch):
    entry = Entry(name="sharp", title="Sharp", sentence="Sharper.", config=Sharp)
    known = dict(VARIANTS["objective"].entries())
    monkeypatch.setitem(VARIANTS, "objective", Variants("name", lambda: known | {"sharp": entry}))
    page = AppTest.from_function(form_script, args=("Full",), default_timeout=60).run()
    assert "Sharpness" not in [box.label for box in page.number_input]
    next(box for box in page.selectbox if box.label == "Objective").select("sharp").run()
    assert not page.exception
    assert page.number_input(key="new_2000_sharp_sharpness").value == 3.0
    assert page.number_input(key="new_2000_sharp_alpha").value == 0.3, "the preset's"
    assert page.selectbox(key="new_2000_sharp_view").value == "same"
    assert page.multiselect(key="new_2000_sharp_also").options == [one.title for one in [*known.values(), entry]]
