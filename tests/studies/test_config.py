"""What a study is told: names and settings over a base, and a sentence for every fault."""

import json

import pytest

from cxrkd.errors import ConfigError, RunError
from cxrkd.studies.config import StudyConfig
from cxrkd.studies.example import EXAMPLE
from cxrkd.studies.grid import grid
from cxrkd.studies.reading import parse_study, read_study, study_of
from cxrkd.studies.refusing import settle_cells
from cxrkd.studies.study import VERSION, Study, create_study
from tests import toys
from tests.studies.conftest import DATA, TRAIN, asked, settings

YAML = b"""
name: which teacher
base:
  data: {kind: phantom, n_patients: 40, image_size: 64}
  student_train: {epochs: 2}
teachers: [densenet121, {teacher_arch: resnet18, teacher_train: {epochs: 8}}]
students: [eeea_net_c2]
objectives: [paper, {name: bkd, temperature: 4}]
seeds: [0, 1]
"""


def test_every_cell_is_a_run_of_the_base_with_its_entries():
    cells = grid(parse_study(YAML, "study.yaml"))
    assert [(cell.teacher, cell.student, cell.objective) for cell in cells] == [
        ("densenet121", "eeea_net_c2", "paper"),
        ("densenet121", "eeea_net_c2", "bkd, temperature 4"),
        ("resnet18, train epochs 8", "eeea_net_c2", "paper"),
        ("resnet18, train epochs 8", "eeea_net_c2", "bkd, temperature 4"),
    ]
    last = cells[3].config
    assert (last.teacher_arch, last.teacher_train.epochs, last.student_train.epochs) == ("resnet18", 8, 2)
    assert (last.objective.name, last.objective.temperature, last.seeds) == ("bkd", 4, (0, 1))
    assert (last.data.n_patients, last.teacher_train.learning_rate) == (40, cells[0].config.teacher_train.learning_rate)
    assert cells[0].config.name == "paper, densenet121, eeea_net_c2: which teacher"


def test_an_entry_is_laid_over_the_base_key_by_key():
    base = {"data": DATA, "student_train": {"epochs": 3, "batch_size": 8}, "teacher_from": "some"}
    study = asked(base=base, students=[{"student_arch": "toy", "student_train": {"epochs": 5}}])
    config = grid(study)[0].config
    assert (config.student_train.epochs, config.student_train.batch_size) == (5, 8)
    assert config.teacher_from is None  # a teacher that is named is trained


def test_another_objective_takes_the_labels_side_of_the_base_and_not_its_term():
    base = {"data": DATA, "objective": {"name": "paper", "alpha": 0.3, "view": "same", "weight": 7, "temperature": 9}}
    paper, bkd = (
        cell.config.objective for cell in grid(asked(base=base, teachers=["toy"], objectives=["paper", "bkd"]))
    )
    assert (paper.alpha, paper.view, paper.weight, paper.temperature) == (0.3, "same", 7, 9)
    assert (bkd.alpha, bkd.view, bkd.weight, bkd.temperature) == (0.3, "same", 1, 2)


def test_a_study_can_be_based_on_a_run(tmp_path, monkeypatch):
    monkeypatch.setenv("CXRKD_HOME", str(tmp_path))
    from cxrkd.runs import create

    run = create(toys.tiny_config("lender", arch="mobilenetv3_small_100", seeds=(5,)))
    cells = grid(study_of(settings(base=run.id, teachers=["resnet18"], objectives=["bkd"])))
    assert cells[0].config.data == run.config.data
    assert cells[0].config.seeds == (0, 1, 2)
    with pytest.raises(RunError, match="nobody"):
        study_of(settings(base="nobody"))


def test_it_is_kept_as_it_was_asked(tmp_path, monkeypatch):
    monkeypatch.setenv("CXRKD_HOME", str(tmp_path))
    study = create_study(asked())
    assert Study(study.path).config == asked()
    kept = json.loads((study.path / "study.json").read_text())
    assert StudyConfig.recorded({k: v for k, v in kept.items() if k != "version"}) == asked()
    assert kept["version"] == VERSION


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"techers": ["toy"]}, "techers: there is no such setting"),
        ({"name": ""}, "name: nothing was given"),
        ({"teachers": []}, "teachers: nothing was given"),
        ({"objectives": "bkd"}, "objectives: expected a list, got 'bkd'"),
        ({"students": [3]}, "students: expected names, or objects with settings, got 3"),
        ({"students": [{}]}, "an entry without settings says nothing"),
        (
            {"teachers": [{"student_arch": "toy"}]},
            "teachers: entry 1 has no setting 'student_arch'; expected teacher_arch",
        ),
        ({"objectives": ["bkd", {"temperature": 4}]}, "objectives: entry 2 does not say which: expected its name"),
        ({"base": {"seeds": [1]}}, "base: seeds is the study's own: write it beside base"),
        ({"base": {"epochs": 3}}, "base: a run has no setting 'epochs'; expected some of data"),
        ({"seeds": [1, 1]}, "Seeds must differ, got 1, 1"),
        ({"seeds": []}, "seeds: nothing was given"),
        ({"seeds": ["x"]}, "expected a whole number, got 'x'"),
        ({"films": 1}, "films: expected 0 for none, or 2 films or more, got 1"),
        ({"films": -1}, "films: expected at least 0, got -1"),
        ({"films": 10**30}, "films: expected a number of fewer than 18 digits, got"),
        ({"seeds": [0, -1]}, "Seeds are whole numbers from 0, got -1"),
        ({"base": None}, "base: expected an object with settings, got None"),
    ],
)
def test_what_no_study_is_told_is_a_sentence(changes, sentence):
    with pytest.raises(ConfigError) as refused:
        study_of(settings(**changes))
    assert sentence in str(refused.value)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"objectives": ["bkdd"]}, "toy → toy, bkdd: "),
        ({"objectives": [{"name": "bkd", "temperatur": 4}]}, "there is no such setting of bkd"),
        ({"base": {"data": DATA, "student_train": {"epochs": 0}}}, "student_train.epochs: expected at least 1, got 0"),
        ({"base": {"data": DATA, "student_train": TRAIN | {"mixup": 1}}}, "set objective.view to same"),
        ({"students": ["toy+toy"]}, "toy → toy+toy, bkd: A student is one network"),
        (
            {"objectives": ["bkd", {"name": "bkd", "temperature": 2.0}]},
            "toy → toy, bkd and toy → toy, bkd, temperature 2.0 are",
        ),
        ({"teachers": [{"teacher_arch": 5}]}, "5 → toy, bkd: teacher_arch: expected text, got 5"),
        (
            {"objectives": [{"name": "bkd", "also": ["cam"]}]},
            "objective.also.0: expected an object with settings, got 'cam'",
        ),
        (
            {"teachers": [{"teacher_arch": "toy", "teacher_trust": n} for n in range(1001)], "objectives": ["bkd"]},
            "1001 teachers x 1 students x 1 objectives are 1,001 cells; expected at most 1,000",
        ),
        ({"teachers": ["toy", "toy"]}, "Two cells called toy → toy, bkd are the same run: take one of them out"),
    ],
)
def test_what_no_run_is_told_names_the_cell(changes, sentence):
    with pytest.raises(ConfigError) as refused:
        grid(study_of(settings(**changes)))
    assert sentence in str(refused.value)


def test_a_list_of_which_no_value_can_be_taken_is_not_called_empty():
    with pytest.raises(ConfigError) as refused:
        study_of(settings(seeds=[1.5]))
    assert str(refused.value) == "seeds.0: expected a whole number, got 1.5."


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"name: [", "is neither YAML nor JSON"),
        (b"[1, 2]", "holds [1, 2]; expected an object with name, teachers"),
        (b"name: 2020-01-01", "is neither YAML nor JSON of numbers, texts"),
        (b"!!python/object/apply:os.system ['true']", "is neither YAML nor JSON"),
        (b"version: 2\nname: x", "study.yaml is of version 2, this cxrkd reads up to 1"),
        (b"\xff\xfe\x00", "is neither YAML nor JSON"),
    ],
)
def test_what_is_no_file_of_a_study_is_a_sentence(content, sentence):
    with pytest.raises(ConfigError) as refused:
        parse_study(content, "study.yaml")
    assert sentence in str(refused.value)


def test_a_file_that_is_not_there_is_a_sentence(tmp_path):
    with pytest.raises(ConfigError, match="Cannot read"):
        read_study(tmp_path / "none.yaml")


def test_the_example_that_people_are_shown_can_be_asked_for():
    """Names of networks are looked up, too: one that is not offered would be refused."""
    cells = grid(parse_study(EXAMPLE.encode(), "example"))
    assert len(settle_cells(cells)) == 4
