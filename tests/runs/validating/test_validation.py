"""A run on films of another hospital, and on its own test films with other labels; against scikit-learn."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit
from sklearn.metrics import roc_auc_score

from cxrkd.data import load_cohort, load_to_ask
from cxrkd.errors import DataError, RunError
from cxrkd.evaluate.trivial import features, fitted_logits
from cxrkd.jobs.execute import execute
from cxrkd.jobs.job import KINDS, open_job
from cxrkd.runs import create
from cxrkd.runs.seen import FILE as SEEN
from cxrkd.runs.validating import stages
from cxrkd.runs.validating.comparison import compare_with_own
from cxrkd.runs.validating.making import create_validation, validation_config
from cxrkd.runs.validating.validation import Validation, validations_of
from tests.runs.validating.conftest import logits_of


def test_networks_answer_films_of_another_hospital(run, second, ask):
    validation = ask(second.write())
    facts, metrics, test = validation.facts(), validation.metrics(), validation.test()
    assert (facts.answered_by, facts.n_films, facts.n_patients) == ("networks", 40, 40)
    assert (facts.findings, facts.unknown, facts.left_out_findings) == (("Effusion", "Mass"), (), ("Abnormal",))
    assert (facts.overlap_checked, facts.left_out_films) == (True, 0)
    effusion = [row["Effusion"] for row in second.rows]
    for member in ("teacher", "alone", "distilled"):
        expected = logits_of(run, member, second.folder, second.rows)
        np.testing.assert_allclose(test[member].logits[0], expected, atol=1e-4)
        figures = metrics.of(member)
        assert figures.seeds == (4,)
        assert figures.over_seeds.labels[0].auroc == pytest.approx(
            roc_auc_score(effusion, test[member].logits[0, :, 0])
        )


def test_thresholds_are_those_of_the_run(run, second, ask):
    metrics, own = ask(second.write()).metrics(), run.metrics()
    row, cut = metrics.of("distilled").model.labels[0], own.of("distilled").thresholds[0]
    assert metrics.of("distilled").thresholds == own.of("distilled").thresholds
    positive = np.array([one["Effusion"] == 1 for one in second.rows])
    called = expit(logits_of(run, "distilled", second.folder, second.rows)[:, 0]) >= cut
    assert row.sensitivity == pytest.approx(called[positive].mean())
    assert row.specificity == pytest.approx((~called)[~positive].mean())


def test_the_model_without_anatomy_is_fitted_to_the_training_films(second, ask):
    validation = ask(second.write())
    assert validation.metrics().trivial is not None
    own, asked = load_cohort(validation.run().config.data), load_to_ask(validation.config.data)
    fit = own.rows("train")
    expected = fitted_logits(features(own.images, fit), own.targets[fit], features(asked.images, np.arange(40)))
    np.testing.assert_allclose(validation.test()["trivial"].logits[0], expected, atol=1e-5)


def expert(first, change=lambda row, i: row):
    """The test films of the first hospital with labels of somebody else, in another order."""
    rows = [row for row in first.rows if row["split"] == "test"]
    rows = [change({**row, "Effusion": (i // 3) % 2, "Abnormal": 1}, i) for i, row in enumerate(rows)]
    order = np.random.default_rng(0).permutation(len(rows))
    return [rows[i] for i in order]


def test_own_test_films_with_other_labels_are_answered_by_what_is_kept(run, first, ask, no_network):
    rows = expert(first, lambda row, i: {**row, "image": row["image"].replace(".png", ".PNG")})
    validation = ask(first.write("expert.csv", rows))
    facts, metrics, test = validation.facts(), validation.metrics(), validation.test()
    assert facts.answered_by == "kept"
    kept = run.predictions("distilled")
    at = [kept.ids.tolist().index(row["image"].replace("/", "-").removesuffix(".PNG")) for row in rows]
    np.testing.assert_array_equal(test["distilled"].logits, kept.logits[:, at])
    assert metrics.of("distilled").seeds == (4, 2, 3)
    truth = [row["Effusion"] for row in rows]
    expected = [roc_auc_score(truth, logits[:, 0]) for logits in kept.logits[:, at]]
    assert metrics.of("distilled").over_seeds.labels[0].auroc == pytest.approx(np.mean(expected))
    assert metrics.gain.n_seeds == 3
    assert metrics.trivial is not None


def test_a_file_of_the_same_name_with_another_picture_is_no_own_film(run, first, second, ask):
    rows = expert(first)
    shutil.copytree(first.folder, second.folder, dirs_exist_ok=True)
    shutil.copyfile(second.folder / second.rows[0]["image"], second.folder / rows[0]["image"])
    assert ask(second.write("expert.csv", rows)).facts().answered_by == "networks"


def test_where_the_model_without_anatomy_was_never_asked_it_is_fitted(run, first, ask, no_network):
    (run.path / "predictions" / "trivial-seed4.npz").unlink()
    validation = ask(first.write("expert.csv", expert(first)))
    assert validation.facts().answered_by == "kept"
    assert validation.metrics().trivial is not None


def test_a_copy_elsewhere_under_another_folder_is_an_own_film(first, tmp_path, ask, no_network):
    """The file's own name decides, and the picture."""
    rows = expert(first)
    for row in rows:
        (tmp_path / "copy").mkdir(exist_ok=True)
        name = row["image"].rpartition("/")[2]
        shutil.copyfile(first.folder / row["image"], tmp_path / "copy" / name)
        row["image"] = name
    copied = type(first)(tmp_path / "copy", rows)
    assert ask(copied.write()).facts().answered_by == "kept"


def test_figures_stand_beside_those_on_the_own_test_films(run, first, ask):
    validation = ask(first.write("expert.csv", expert(first)))
    one = compare_with_own(validation).members["distilled"]
    own = run.metrics().of("distilled").over_seeds
    assert one.seeds == (4, 2, 3)
    assert [row.own.auroc for row in one.findings] == pytest.approx([row.auroc for row in own.labels])
    assert one.both == ("Effusion", "Mass")
    assert one.mean_own.auroc == pytest.approx(own.macro_auroc)
    assert one.mean_here.auroc == pytest.approx(np.mean([row.here.auroc for row in one.findings]))


def test_networks_of_one_seed_are_held_against_one_seed(run, second, ask):
    one = compare_with_own(ask(second.write())).members["distilled"]
    assert one.seeds == (4,)
    assert one.mean_own.auroc == pytest.approx(run.metrics().of("distilled").model.macro_auroc)


def test_means_are_over_findings_that_count_on_both(second, ask):
    """Mass is unknown, then of a single class, then absent: Effusion alone is left."""
    for name, change in {"empty": "", "single": 1}.items():
        rows = [{**row, "mass": change} for row in second.rows]
        validation = ask(second.write(f"{name}.csv", rows))
        assert validation.metrics().of("alone").model.labels[1].evaluable is False
        assert compare_with_own(validation).members["alone"].both == ("Effusion",)
    rows = [{key: value for key, value in row.items() if key != "mass"} for row in second.rows]
    validation = ask(second.write("absent.csv", rows))
    assert validation.facts().unknown == ("Mass",)
    assert np.isnan(validation.test()["alone"].targets[:, 1]).all()


def test_a_table_without_split_is_measured_whole_and_one_with_parts_on_its_test_films(second, ask):
    rows = [{key: value for key, value in row.items() if key != "split"} for row in second.rows]
    assert ask(second.write("none.csv", rows)).facts().n_films == 40
    rows = [{**row, "split": "train" if i < 10 else "val"} for i, row in enumerate(second.rows)]
    with pytest.raises(DataError, match="no test film"):
        ask(second.write("parts.csv", rows))
    rows = [{**row, "split": "train" if i < 10 else "test"} for i, row in enumerate(second.rows)]
    assert ask(second.write("some.csv", rows)).facts().n_films == 30
    rows = [{**row, "split": "val"} for row in second.rows]
    assert ask(second.write("val.csv", rows)).facts().n_films == 40


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            lambda rows: [{"image": r["image"], "patient": r["patient"], "Fracture": 1} for r in rows],
            "no finding in common",
        ),
        (lambda rows: [*rows, rows[0]], "comes twice"),
        (lambda rows: [{**rows[0], "image": "none.png"}], "not there"),
        (lambda rows: [{**rows[0], "Effusion": 0.4}], "Effusion"),
    ],
)
def test_what_cannot_be_measured_on_is_refused_in_a_sentence(run, second, ask, change, sentence):
    with pytest.raises(DataError, match=sentence):
        ask(second.write("bad.csv", change(second.rows)))


def test_an_empty_table_is_refused(second, ask):
    config = second.write()
    config.folder.joinpath("empty.csv").write_text("image,patient,Effusion\n")
    with pytest.raises(DataError):
        ask(config.model_copy(update={"table": Path("empty.csv")}))


def test_a_run_that_kept_no_list_is_measured_with_a_note(run, first, second, ask, monkeypatch):
    (run.path / SEEN).unlink()
    assert ask(second.write()).facts().overlap_checked is True, "its data set is here"
    monkeypatch.setattr("cxrkd.runs.seen.is_here", lambda data: False)
    monkeypatch.setattr("cxrkd.runs.validating.answers.is_here", lambda data: False)
    validation = ask(second.write())
    facts = validation.facts()
    assert facts.overlap_checked is False
    assert any("could not be checked" in note for note in facts.notes)
    assert any("no figures without anatomy" in note for note in facts.notes)
    assert validation.metrics().trivial is None


def test_it_goes_on_where_it_was_killed_and_from_the_start_where_films_changed(run, second, ask, monkeypatch):
    asked, real = [], stages.network_answers

    def stopping(run, member, *others):
        asked.append(member)
        if asked == ["teacher", "alone"]:
            raise KeyboardInterrupt
        return real(run, member, *others)

    monkeypatch.setattr(stages, "network_answers", stopping)
    validation = create_validation(validation_config(run, second.write()))
    with pytest.raises(KeyboardInterrupt):
        execute(validation)
    assert validation.state.status == "interrupted"
    with pytest.raises(RunError):
        validation.metrics()
    execute(validation)
    assert asked == ["teacher", "alone", "alone", "distilled"]
    asked.clear()
    other = create_validation(validation_config(run, second.write()))
    with pytest.raises(KeyboardInterrupt):
        execute(other)
    second.rows[0]["Effusion"] = 1 - second.rows[0]["Effusion"]
    second.write()
    execute(other)
    assert asked == ["teacher", "alone", "teacher", "alone", "distilled"]
    assert other.metrics().of("alone").model.labels[0].n_pos in (19, 21)


def test_only_a_finished_run_is_measured(config, second, home):
    with pytest.raises(RunError, match="only a finished run"):
        validation_config(create(config("Begun")), second.write())


def test_it_is_a_job_of_its_own_kind_found_by_its_run(run, second, ask):
    validation = ask(second.write(), name="Second hospital")
    assert validation.id == "second-hospital"
    assert open_job("second-hospital") == validation
    assert isinstance(open_job("second-hospital"), Validation)
    assert validation.kind == KINDS["validation"]
    assert validations_of(run) == [validation]
    assert list(validation.environment()["seconds"]) == [
        *("data", "answers-teacher", "answers-alone", "answers-distilled", "answers-trivial", "metrics")
    ]
