"""The form of a run: presets are valid, bounds are pydantic's, an untouched form is its preset."""

import pytest
from streamlit.testing.v1 import AppTest

from cxrkd.config import DATA_CONFIGS, ObjectiveConfig, PhantomConfig, RunConfig, TrainConfig
from cxrkd.dashboard import fields, forms
from cxrkd.errors import ConfigError
from cxrkd.runs import open_run


def form_script(name, kind="phantom"):
    import streamlit as st

    from cxrkd.dashboard import forms

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


def test_several_teachers_answer_together():
    page = AppTest.from_function(form_script, args=("Quick look",), default_timeout=60).run()
    page.multiselect[0].select("resnet50")
    page.button[0].click().run()
    assert page.session_state["config"].teacher_arch == "densenet121+resnet50"


def test_no_teacher_is_one_sentence():
    values = RunConfig(name="x").model_dump() | {"seeds": "0", "teacher_arch": ""}
    with pytest.raises(ConfigError, match=r"^teacher_arch: Nothing was entered\. Change it and press Distil again\.$"):
        forms.validated(values)


def test_the_full_preset_is_what_the_shipped_run_did():
    shipped = open_run("phantom").config
    assert forms.PRESETS["Full"].config(shipped.name) == shipped


@pytest.mark.parametrize("kind", [kind for kind in DATA_CONFIGS if kind != "phantom"])
def test_an_untouched_form_for_real_data_asks_for_the_folder_only(kind, tmp_path):
    page = AppTest.from_function(form_script, args=("Quick look", kind), default_timeout=60).run()
    page.text_input(key=f"new_120_{kind}_folder").input(str(tmp_path))
    page.button[0].click().run()
    assert not page.exception
    expected = DATA_CONFIGS[kind](folder=tmp_path, image_size=forms.PRESETS["Quick look"].image_size)
    assert page.session_state["config"].data == expected


def test_real_data_without_a_folder_is_one_sentence():
    values = RunConfig(name="x").model_dump() | {"seeds": "0", "data": {"kind": "chexpert"}}
    with pytest.raises(ConfigError, match=r"^data\.folder: Nothing was entered\. Change it and press Distil again\.$"):
        forms.validated(values)


def test_bounds_are_those_of_the_fields():
    assert fields.bounds(PhantomConfig, "n_patients") == (20, 200_000)
    assert fields.bounds(TrainConfig, "learning_rate") == (None, 1)
    assert fields.bounds(ObjectiveConfig, "gamma") == (0, 10)


@pytest.mark.parametrize(("text", "seeds"), [("0", (0,)), ("0, 1,2", (0, 1, 2)), (" 7  9 ", (7, 9))])
def test_seeds_are_read_with_commas_or_spaces(text, seeds):
    assert forms.parse_seeds(text) == seeds


@pytest.mark.parametrize("text", ["", "one", "1.5", "-3", ","])
def test_what_is_no_list_of_seeds_is_explained(text):
    with pytest.raises(ConfigError, match="whole numbers"):
        forms.parse_seeds(text)


def test_a_value_out_of_range_is_one_sentence_that_names_the_setting():
    values = RunConfig(name="x").model_dump() | {"seeds": "0", "student_train": {"learning_rate": 0.0}}
    with pytest.raises(ConfigError, match=r"student_train\.learning_rate: Input should be greater than 0"):
        forms.validated(values)


def test_repeated_seeds_are_refused():
    with pytest.raises(ConfigError, match="seeds must differ"):
        forms.validated({"name": "x", "seeds": "1, 1"})


@pytest.mark.parametrize("name", list(forms.PRESETS))
def test_augmentation_asks_for_the_view_in_the_words_of_the_form(name):
    """No preset augments; who does is told which field to set, and it is there."""
    prefix = f"new_{forms.PRESETS[name].patients}"
    page = AppTest.from_function(asking_script, args=(name,), default_timeout=60).run()
    page.checkbox(key=f"{prefix}_student_augment").check()
    page.button[0].click().run()
    (error,) = page.error
    assert "augment makes images that a cached teacher was never asked about: set the view to same" in error.value
    view = page.selectbox(key=f"{prefix}_objective_view")
    assert view.label == "View that the teacher answers"
    view.select("same")
    page.button[0].click().run()
    assert not page.error
    config = page.session_state["config"]
    assert (config.student_train.augment, config.objective.view) == (True, "same")


def asking_script(name):
    import streamlit as st

    from cxrkd.dashboard import forms
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
