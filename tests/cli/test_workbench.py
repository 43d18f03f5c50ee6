"""Runs side by side, one like another, names and notes: what the pages do, from the command line."""

import pytest

from cxrkd import runs
from cxrkd.models.zoo import build
from tests import toys


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    """Two runs that differ in a student's epochs and in seeds, and one without a student that learned alone."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("workbench")
        patch.setenv("CXRKD_HOME", str(folder / "home"))
        toys.everywhere(patch, folder / "site")
        config = toys.tiny_config("first", patients=400)
        longer = config.student_train.model_copy(update={"epochs": 3})
        second = config.model_copy(update={"name": "second", "student_train": longer, "seeds": (0, 1)})
        third = config.model_copy(update={"name": "third", "control": False})
        made = [toys.finished_run(one) for one in (config, second)]
        made.append(toys.finished_run(third, skill={"teacher": 2.6, "distilled": 2.1}))
        yield made


def test_runs_side_by_side(cli, three):
    first = three[0]
    document = cli("runs", "compare", *(run.id for run in three), "--json").document
    assert document["settings"] == {
        "student_train.epochs": {"first": 1, "second": 3, "third": 1},
        "control": {"first": True, "second": True, "third": False},
        "seeds": {"first": [0], "second": [0, 1], "third": [0]},
    }
    rows = {(row["run"], row["member"]): row for row in document["members"]}
    assert set(rows) == {(r.id, m) for r in three for m in r.members()}
    network = build("toy", first.labels, toys.SIZE)
    assert rows["first", "alone"]["params"] == sum(p.numel() for p in network.parameters())
    for (name, member), row in rows.items():
        model = runs.open_run(name).metrics().members[member].over_seeds
        assert (row["auroc"], row["n_labels"]) == (pytest.approx(model.macro_auroc), model.n_labels)
        for figures in model.labels if member == "distilled" else ():
            assert document["labels"][figures.label][name] == (
                pytest.approx(figures.auroc) if figures.evaluable else None
            )
    apart = {(row["minus"], row["member"]): row for row in document["differences"]}
    assert set(apart) == {("second", m) for m in first.members()} | {("third", "teacher"), ("third", "distilled")}
    for (other, member), row in apart.items():
        means = [runs.open_run(name).metrics().of(member).over_seeds.macro_auroc for name in ("first", other)]
        assert row["macro_diff"] == pytest.approx(means[0] - means[1])
    curve = next(c for c in document["runs"]["second"]["curves"] if (c["member"], c["seed"]) == ("distilled", 1))
    assert curve["val_auroc"] == {"1": pytest.approx(0.68), "2": pytest.approx(0.76), "3": pytest.approx(0.84)}


def test_people_read_a_comparison(cli, three):
    text = cli("runs", "compare", "first", "second", "--member", "alone").out
    assert "student_train.epochs" in text
    assert "AUROC of each finding, alone" in text
    assert "first - second" in text
    assert "control" not in text, "it is alike in both"


def test_one_run_is_no_comparison(cli, three):
    refused = cli("runs", "compare", "first", "first")
    assert refused.code == 2
    assert "two different runs" in refused.err


def test_a_run_like_another_with_changes(cli, three):
    second = three[1].config
    asked = cli("distill", "--like", "second", "--name", "fourth", "--alpha", 0.2, "--dry-run", "--json").document
    objective = second.objective.model_copy(update={"alpha": 0.2})
    expected = second.model_copy(update={"name": "fourth", "objective": objective})
    assert asked == expected.model_dump(mode="json")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--like", "second"), "Give the run a name"),
        (("--like", "nobody", "--name", "x"), "nobody"),
        (("--like", "second", "--config", "c.json", "--name", "x"), "not allowed with argument"),
        (("--like", "second", "--name", "x", "--alpha", 2), "--alpha"),
    ],
)
def test_a_run_like_another_that_cannot_be(cli, three, words, sentence):
    refused = cli("distill", *words, "--dry-run")
    assert refused.code == 2
    assert sentence in refused.err


def test_names_and_notes(cli, three):
    assert cli("runs", "note", "first").out == "first has no note.\n"
    assert cli("runs", "note", "first", "baseline of May", "--json").document["note"] == "baseline of May"
    assert cli("runs", "rename", "first", "baseline", "--json").document == {"run": "first", "name": "baseline"}
    shown = cli("runs", "show", "first")
    assert "first (baseline)" in shown.out
    assert "baseline of May" in shown.out
    listed = {one["run"]: one["name"] for one in cli("runs", "list", "--json").document["runs"]}
    assert listed["first"] == "baseline"
    assert cli("runs", "note", "first", "").code == 0
    refused = cli("runs", "rename", "nih", "mine")
    assert refused.code == 2
    assert "came with the program" in refused.err
