import shutil

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from cxrkd.jobs.files import read_json, write_json
from cxrkd.runs import Run, open_run
from cxrkd.runs.predictions import write_logits
from cxrkd.runs.run import METRICS
from tests import toys

SKILL = {"teacher": 3.0, "alone": 1.0, "distilled": 2.0}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A run whose predictions know the truth up to noise, the distilled student better than the one alone."""
    config = toys.tiny_config("skilled", patients=300, arch="mobilenetv3_small_100", seeds=(0, 1, 2))
    return toys.finished_run(config, skill=SKILL, folder=tmp_path_factory.mktemp("made") / "skilled")


@pytest.fixture
def skilled(made, tmp_path):
    """A copy that a test may spoil."""
    return Run(shutil.copytree(made.path, tmp_path / made.id))


def test_the_figures_follow_from_the_predictions(cli, skilled):
    found = cli("evaluate", skilled.path, "--json").document
    said = skilled.predictions("distilled")
    label = found["members"]["distilled"]["over_seeds"]["labels"][3]
    expected = [roc_auc_score(said.targets[:, 3], logits[:, 3]) for logits in said.logits]
    assert label["auroc"] == pytest.approx(np.mean(expected))
    assert found["equals_stored"] is True
    assert found["synthetic"] is True
    assert found["gain"]["macro_low"] > 0


def test_people_read_intervals_gain_and_verdict(cli, skilled):
    found = cli("evaluate", skilled.path)
    assert found.code == 0
    assert "phantom images" in found.out
    assert "distillation helped." in found.out
    assert "These are the figures stored with the run." in found.out
    assert all(word in found.out for word in ("Hernia", "mean over", " to ", "distilled - alone", "of its skill"))


def test_within_groups_of_a_table(cli, skilled, tmp_path):
    """Against scikit-learn on the images of the group; a group is named after the cell."""
    said = skilled.predictions("alone")
    source = np.where(np.arange(len(said.ids)) % 5, "a", "b")
    rows = [f"{i}.png,x,{s}" for i, s in zip(said.ids, source, strict=True)]
    (tmp_path / "table.csv").write_text("\n".join(["image,other,source", *rows]))
    found = cli("evaluate", skilled.path, "--json", "--by", "source", "--table", tmp_path / "table.csv").document
    assert list(found["groups"]) == ["a", "b"]
    here = source == "a"
    k = int(said.targets[here].sum(0).argmax())
    label = found["groups"]["a"]["members"]["alone"]["over_seeds"]["labels"][k]
    expected = [roc_auc_score(said.targets[here, k], logits[here, k]) for logits in said.logits]
    assert label["auroc"] == pytest.approx(np.mean(expected))
    assert label["n_pos"] == said.targets[here, k].sum()
    assert found["groups"]["a"]["members"]["alone"]["thresholds"] == found["members"]["alone"]["thresholds"]
    text = cli("evaluate", skilled.path, "--by", "source", "--table", tmp_path / "table.csv").out
    assert "within each source" in text


def test_means_over_some_labels(cli, skilled):
    every = cli("evaluate", skilled.path, "--json").document["members"]["alone"]
    some = cli("evaluate", skilled.path, "--json", "--labels", "effusion,Atelectasis,Effusion", "--curves").document
    labels = {label["label"]: label for label in every["over_seeds"]["labels"]}
    found = some["members"]["alone"]
    assert [label["auroc"] for label in found["over_seeds"]["labels"]] == [
        labels["Effusion"]["auroc"],
        labels["Atelectasis"]["auroc"],
    ]
    assert found["over_seeds"]["macro_auroc"] == pytest.approx(
        np.mean([labels["Effusion"]["auroc"], labels["Atelectasis"]["auroc"]])
    )
    assert found["thresholds"] == [every["thresholds"][2], every["thresholds"][0]]
    assert some["equals_stored"] is True
    assert some["curves"]["alone"]["Effusion"] == _curve_of(cli, skilled, "Effusion")
    assert "Expected a label among Atelectasis" in cli("evaluate", skilled.path, "--labels", "Flu").err


def _curve_of(cli, run, label):
    return cli("evaluate", run.path, "--json", "--curves").document["curves"]["alone"][label]


def test_within_views(cli, skilled):
    groups = cli("evaluate", skilled.path, "--json", "--by", "view").document["groups"]
    views = skilled.predictions("teacher").views
    counts = {name: found["members"]["teacher"]["model"]["n"] for name, found in groups.items()}
    assert counts == {view: int((views == view).sum()) for view in np.unique(views)}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--by", "source"], "knows the groups of 'view' only"),
        (["--table", "table.csv"], "with --by COLUMN"),
        (["--by", "source", "--table", "none.csv"], "There is no file"),
        (["--by", "sauce", "--table", "table.csv"], "has no column 'sauce'"),
        (["--by", "source", "--table", "table.csv"], "none of the"),
    ],
)
def test_groups_that_cannot_be_formed(cli, skilled, tmp_path, monkeypatch, words, sentence):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "table.csv").write_text("image,source\nelse,a\n")
    found = cli("evaluate", skilled.path, *words)
    assert found.code == 2
    assert sentence in found.err


def test_stored_figures_that_do_not_follow_are_told(cli, skilled):
    stored = read_json(skilled.path / METRICS)
    stored["members"]["alone"]["model"]["macro_auroc"] += 0.01
    write_json(skilled.path / METRICS, stored)
    assert cli("evaluate", skilled.path, "--json").document["equals_stored"] is False
    assert "stores other figures" in cli("evaluate", skilled.path).out


def test_figures_of_an_older_version_are_measured_again_and_can_be_stored(cli, skilled):
    """A file as versions before this one wrote it: no version, and labels without their patients."""
    current = read_json(skilled.path / METRICS)
    old = {key: value for key, value in read_json(skilled.path / METRICS).items() if key != "version"}
    for row in old["members"]["alone"]["model"]["labels"]:
        del row["n_pos_patients"]
    write_json(skilled.path / METRICS, old)
    assert skilled.metrics().to_dict() == skilled.measure().to_dict()
    assert "stores no figures of this version" in cli("evaluate", skilled.path).out
    assert read_json(skilled.path / METRICS) == old, "reading writes nothing"
    found = cli("evaluate", skilled.path, "--write", "--labels", "Effusion", "--json").document
    assert found["labels"] == ["Effusion"]
    assert found["equals_stored"] is True
    assert read_json(skilled.path / METRICS) == current


def test_headlines_name_their_findings_and_shares_have_intervals(cli, skilled):
    found = cli("evaluate", skilled.path, "--labels", "Effusion,Mass")
    gap = cli("evaluate", skilled.path, "--labels", "Effusion,Mass", "--json").document["gap"]
    n = sum(label["evaluable"] for label in gap["labels"])
    assert n > 0
    assert f"mean over {n} finding" in found.out
    assert f"of its skill, (AUROC - 0.5) / (teacher - 0.5): {100 * gap['skill']:.1f} % (" in found.out
    assert f"kept of the teacher's AUROC: {100 * gap['ratio']:.1f} % (" in found.out


def test_no_gain_is_claimed_where_seeds_scatter_or_are_few(cli, skilled):
    """The same mean gain, once from seeds that differ as much as it, once from one seed."""
    k = skilled.labels.index("Effusion")
    cases = skilled.predictions("alone", "val").targets[:, k].size
    for seed, shift in zip((0, 1, 2), (-2.0, 0.0, 2.0), strict=True):
        path = skilled.path / "predictions" / f"distilled-seed{seed}.npz"
        with np.load(path) as file:
            logits = file["logits"]
        logits[cases:] += shift * skilled.predictions("alone").targets
        write_logits(skilled.path, "distilled", seed, logits)
    told = cli("evaluate", skilled.path).out
    assert "The interval of the gain, over patients and seeds, holds zero: no difference is shown." in told
    assert "distillation helped" not in told
    for member in ("alone", "distilled"):
        for seed in (1, 2):
            (skilled.path / "predictions" / f"{member}-seed{seed}.npz").unlink()
    told = cli("evaluate", skilled.path).out
    assert "From one training, whose scatter is not known; a gain is claimed from 3 on." in told
    assert "distillation helped" not in told


def test_thresholds_stand_with_their_interval_or_are_not_judged(cli):
    run = open_run("phantom")
    val = run.predictions("teacher", "val")
    positive = [np.unique(val.patients[val.targets[:, k] == 1]) for k in range(len(run.labels))]
    few = [label for label, patients in zip(run.labels, positive, strict=True) if len(patients) < 15]
    assert 0 < len(few) < len(run.labels)
    told = next(line for line in cli("evaluate", "phantom").out.splitlines() if line.startswith("Not judged"))
    assert told.split(": ")[1].split(", ") == few
    member = run.metrics().of("teacher")
    for label, cut, *ends in zip(
        run.labels, member.thresholds, member.thresholds_low, member.thresholds_high, strict=True
    ):
        assert np.isnan([cut, *ends]).tolist() == [label in few] * 3
        assert label in few or 0 < ends[0] <= ends[1] < 1


def test_missing_figures_are_not_an_error(cli, skilled):
    (skilled.path / METRICS).unlink()
    assert cli("evaluate", skilled.path, "--json").document["equals_stored"] is None


def test_curves_come_on_request(cli, skilled):
    assert "curves" not in cli("evaluate", skilled.path, "--json").document
    curves = cli("evaluate", skilled.path, "--json", "--curves").document["curves"]
    roc = curves["teacher"]["Effusion"]["roc"]
    assert (roc["fpr"][0], roc["tpr"][-1]) == (0, 1)
    assert {"roc", "pr", "reliability"} == set(curves["alone"]["Hernia"])


def test_too_few_cases_are_said_and_not_computed(cli, tiny_run):
    found = cli("evaluate", tiny_run.id)
    assert found.code == 0
    assert "not enough cases" in found.out
    assert "nan" not in found.out
    assert cli("evaluate", tiny_run.id, "--json").document["gain"]["macro_diff"] is None
