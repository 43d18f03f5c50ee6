"""The form of a run: presets are valid, bounds are pydantic's, an untouched form is its preset."""

import re

import pytest
from streamlit.testing.v1 import AppTest

from cxrkd.config import DATA_CONFIGS, OBJECTIVES, ObjectiveConfig, PhantomConfig, RunConfig, TrainConfig
from cxrkd.dashboard.distill import fields, forms
from cxrkd.errors import ConfigError
from cxrkd.runs import open_run


def form_script(name, kind="phantom"):
    import streamlit as st

    from cxrkd.dashboard.distill import forms

    config = forms.run_config(forms.PRESETS[name], kind, [], suggested_name="untouched")
    if config is not None:
        st.session_state["config"] = config


@pytest.mark.parametrize("name", list(forms.PRESETS))
def test_an_untouched_form_is_its_preset(name):
    page = AppTest.from_function(form_script, args=(name,), default_timeout=60).run()
    assert "config" not in page.session_state
    page.button[0].click().run()
    assert not page.exception
    assert page.session_state["config"] == forms.PRESETS[name].config("untouched")


def test_every_refused_value_is_named_at_once_and_none_by_its_key():
    values = RunConfig(name="x").model_dump() | {"seeds": "0", "name": "", "teacher_weights": "gold"}
    values |= {"data": {"kind": "chexpert", "image_size": 3}, "objective": {"alpha": 2.0}}
    with pytest.raises(ConfigError) as caught:
        forms.validated(values)
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
        forms.validated(values)


@pytest.mark.parametrize("model", [RunConfig, TrainConfig, ObjectiveConfig, *DATA_CONFIGS.values()])
def test_every_setting_has_a_title(model):
    parts = ("data", "teacher_train", "student_train", "objective", "kind")
    assert [n for n, field in model.model_fields.items() if not field.title and n not in parts] == []


def test_several_teachers_answer_together():
    page = AppTest.from_function(form_script, args=("Quick look",), default_timeout=60).run()
    page.multiselect[0].select("resnet50")
    page.button[0].click().run()
    assert page.session_state["config"].teacher_arch == "densenet121+resnet50"


def test_no_teacher_is_one_sentence():
    values = RunConfig(name="x").model_dump() | {"seeds": "0", "teacher_arch": ""}
    with pytest.raises(ConfigError, match=r"^Teacher: nothing was given\. Change it and press Distil again\.$"):
        forms.validated(values)


def test_the_full_preset_is_what_the_shipped_run_did():
    shipped = open_run("phantom").config
    assert forms.PRESETS["Full"].config(shipped.name) == shipped


@pytest.mark.parametrize("kind", [kind for kind in DATA_CONFIGS if kind != "phantom"])
def test_an_untouched_form_for_real_data_asks_for_the_folder_only(kind, tmp_path, monkeypatch):
    monkeypatch.setenv("CXRKD_DATA", str(tmp_path))
    page = AppTest.from_function(form_script, args=("Quick look", kind), default_timeout=60).run()
    page.text_input(key=f"new_120_{kind}_folder").input(str(tmp_path))
    page.button[0].click().run()
    assert not page.exception
    expected = DATA_CONFIGS[kind](folder=tmp_path, image_size=forms.PRESETS["Quick look"].image_size)
    assert page.session_state["config"].data == expected


def test_real_data_without_a_folder_is_one_sentence():
    values = RunConfig(name="x").model_dump() | {"seeds": "0", "data": {"kind": "chexpert"}}
    with pytest.raises(ConfigError, match=r"^Folder: nothing was given\. Change it and press Distil again\.$"):
        forms.validated(values)


@pytest.mark.parametrize(
    ("model", "name", "taken", "refused"),
    [
        (PhantomConfig, "n_patients", (20, 200_000), (19, 200_001, -1)),
        (TrainConfig, "learning_rate", (1e-9, 1.0), (0.0, 1.1)),
        (OBJECTIVES["paper"].config, "gamma", (0.0, 10.0), (-0.1, 10.1)),
    ],
)
def test_what_a_field_takes_is_what_its_config_takes(model, name, taken, refused):
    assert [fields.complaint(model, name, value) for value in taken] == [None] * len(taken)
    assert all(str(fields.complaint(model, name, value)).startswith("Expected") for value in refused)


@pytest.mark.parametrize(("text", "seeds"), [("0", (0,)), ("0, 1,2", (0, 1, 2)), (" 7  9 ", (7, 9))])
def test_seeds_are_read_with_commas_or_spaces(text, seeds):
    assert forms.parse_seeds(text) == seeds


@pytest.mark.parametrize("text", ["", "one", "1.5", "-3", ",", "9" * 5000, "0, " + "x" * 10**6], ids=len)
def test_what_is_no_list_of_seeds_is_explained(text):
    with pytest.raises(ConfigError, match="whole numbers") as raised:
        forms.parse_seeds(text)
    assert len(str(raised.value)) < 200


def test_a_value_out_of_range_is_one_sentence_that_names_the_setting():
    values = RunConfig(name="x").model_dump() | {"seeds": "0", "student_train": {"learning_rate": 0.0}}
    with pytest.raises(
        ConfigError, match=r"^Training of the students, Learning rate: expected more than 0, got 0\.0\."
    ):
        forms.validated(values)


def test_repeated_seeds_are_refused():
    with pytest.raises(ConfigError, match="Seeds must differ"):
        forms.validated({"name": "x", "seeds": "1, 1"})


@pytest.mark.parametrize("name", list(forms.PRESETS))
def test_augmentation_asks_for_the_view_in_the_words_of_the_form(name):
    """No preset augments; who does is told which field to set, and it is there."""
    prefix = f"new_{forms.PRESETS[name].patients}"
    page = AppTest.from_function(asking_script, args=(name,), default_timeout=60).run()
    page.checkbox(key=f"{prefix}_student_augment").check()
    page.button[0].click().run()
    (error,) = page.error
    assert "cached teacher was never asked about: set Objective, View that the teacher answers to same" in error.value
    view = page.selectbox(key=f"{prefix}_objective_view")
    assert view.label == "View that the teacher answers"
    view.select("same")
    page.button[0].click().run()
    assert not page.error
    config = page.session_state["config"]
    assert (config.student_train.augment, config.objective.view) == (True, "same")


def asking_script(name):
    import streamlit as st

    from cxrkd.dashboard.distill import forms
    from cxrkd.errors import ConfigError

    try:
        config = forms.run_config(forms.PRESETS[name], "phantom", [], suggested_name="augmented")
    except ConfigError as error:
        st.error(str(error))
    else:
        if config is not None:
            st.session_state["config"] = config


def test_pretrained_weights_are_part_of_the_form():
    page = AppTest.from_function(form_script, args=("Quick look",), default_timeout=60).run()
    page.selectbox(key="new_120_teacher_weights").select("chest-nih")
    page.checkbox(key="new_120_teacher_trained").uncheck()
    page.checkbox(key="new_120_download").check()
    page.button[0].click().run()
    assert not page.exception
    config = page.session_state["config"]
    assert (config.teacher_weights, config.teacher_trained, config.download) == ("chest-nih", False, True)
