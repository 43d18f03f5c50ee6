"""All stages in this process, on data that a toy network can learn."""

import dataclasses
import errno
import json
import os

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from cxrkd.config import OBJECTIVES, ObjectiveConfig, TrainConfig
from cxrkd.data.pixels import InMemory
from cxrkd.data.readers.phantom import PhantomConfig
from cxrkd.errors import ConfigError, DataError, RunError
from cxrkd.jobs.execute import execute
from cxrkd.jobs.process import start_mark
from cxrkd.jobs.queue import resume
from cxrkd.jobs.state import JobState, write_state
from cxrkd.labels import CHESTXRAY14
from cxrkd.models.network import NETWORKS
from cxrkd.models.pretrained import Source
from cxrkd.models.views import Views
from cxrkd.models.zoo import build
from cxrkd.runs import create, list_runs, open_run, stages
from cxrkd.runs.metrics import RunMetrics
from cxrkd.runs.predictions import kept_rows
from cxrkd.train.predict import predict_logits
from cxrkd.train.shares import predict_logits as ask

LEARNS = TrainConfig(epochs=5, warm_epochs=0, batch_size=16, learning_rate=0.03)


@pytest.fixture(scope="module")
def learned(config, blobs, furnish, tmp_path_factory):
    """A finished run with two seeds, for the tests that only read."""
    with pytest.MonkeyPatch.context() as patch:
        furnish(patch, tmp_path_factory.mktemp("learned"))
        patch.setattr(stages, "load_cohort", lambda config, progress: blobs)
        run = create(config(teacher_train=LEARNS, student_train=LEARNS, seeds=(3, 1)))
        execute(run)
        return run


@pytest.fixture
def trainings(monkeypatch):
    """Names of the work folders in which a training was called for."""
    started, fit = [], stages.fit

    def spy(*args, **options):
        started.append(options["work_dir"].name)
        return fit(*args, **options)

    monkeypatch.setattr(stages, "fit", spy)
    return started


def macro(targets, logits):
    scores = []
    for k in range(targets.shape[1]):
        known = ~np.isnan(targets[:, k])
        scores.append(roc_auc_score(targets[known, k], logits[known, k]))
    return np.mean(scores)


def test_a_run_leaves_everything_it_promises(learned, blobs):
    files = {str(p.relative_to(learned.path)) for p in learned.path.rglob("*") if p.is_file()}
    students = {f"predictions/{m}-seed{s}.npz" for m in ("alone", "distilled") for s in (3, 1)}
    assert files == students | {
        *("config.json", "state.json", "events.jsonl", "labels.json", "environment.json", "log.txt", "metrics.json"),
        *("models/teacher.safetensors", "models/alone.safetensors", "models/distilled.safetensors"),
        *("predictions/teacher-seed3.npz", "predictions/trivial-seed3.npz", "predictions/cases.csv"),
        *("reference.safetensors", "showcase.safetensors", "seen.npz", "SHA256SUMS"),
    }
    state = learned.state
    assert (state.status, state.progress, state.pid, state.eta_s) == ("done", 1.0, None, None)
    assert state.created <= state.started <= state.finished
    assert learned.labels == blobs.labels
    assert learned.members() == ["teacher", "alone", "distilled"]
    assert learned.events()[-1]["kind"] == "done"


def test_the_figures_are_those_of_the_stored_predictions(learned):
    metrics = learned.metrics()
    for member in learned.members():
        kept = learned.predictions(member)
        figures = metrics.of(member)
        each = [macro(kept.targets, logits) for logits in kept.logits]
        assert figures.seeds == kept.seeds
        assert figures.over_seeds.seed_macro_auroc == pytest.approx(each)
        assert figures.over_seeds.macro_auroc == pytest.approx(np.mean(each))
        assert figures.model.macro_auroc == pytest.approx(each[0])
    alone, distilled = (metrics.of(m).over_seeds.macro_auroc for m in ("alone", "distilled"))
    assert metrics.gain.macro_diff == pytest.approx(distilled - alone)
    assert metrics.gain.macro_low <= metrics.gain.macro_diff <= metrics.gain.macro_high
    assert metrics.gap.ratio == pytest.approx(distilled / metrics.of("teacher").model.macro_auroc)
    assert metrics.of("teacher").model.labels[0].auroc > 0.9


def test_the_figures_belong_to_the_shipped_weights(learned, blobs):
    """Rounded to float16 as they are, of the first seed in the config."""
    for member in learned.members():
        kept = learned.predictions(member)
        logits = predict_logits(learned.load_model(member), blobs.images[blobs.rows("test")])
        assert kept.seeds == ((3,) if member == "teacher" else (3, 1))
        assert np.allclose(kept.logits[0], logits, atol=1e-4)
        assert not any(np.allclose(other, logits, atol=1e-3) for other in kept.logits[1:])


def test_thresholds_come_from_val_and_split_it_best(learned):
    kept, cuts = learned.predictions("distilled", "val"), learned.thresholds("distilled")
    probs = 1 / (1 + np.exp(-kept.logits[0, :, 0].astype(float)))
    positive = kept.targets[:, 0] == 1

    def youden(cut):
        return np.mean(probs[positive] >= cut) - np.mean(probs[~positive] >= cut)

    assert cuts.shape == (14,)
    assert youden(cuts[0]) == pytest.approx(max(youden(cut) for cut in probs))


def test_nothing_private_is_written(learned):
    for path in learned.path.rglob("*"):
        if path.suffix in (".json", ".jsonl", ".csv", ".txt"):
            text = path.read_text()
            assert os.uname().nodename not in text.split('"')
            assert str(learned.path.parent) not in text
    assert {"python", "cpu", "cores", "seconds", "cxrkd", "packages", "commit"} <= set(learned.environment())
    assert set(learned.environment()["seconds"]) >= {"data", "teacher", "alone-3", "distilled-1", "metrics"}


def test_metrics_survive_the_file(learned):
    raw = json.loads((learned.path / "metrics.json").read_text())
    assert RunMetrics.from_dict(raw).to_dict() == raw
    with pytest.raises(ValueError, match="members is missing"):
        RunMetrics.from_dict({"labels": []})
    with pytest.raises(RunError, match="no member"):
        RunMetrics((), {}, None, None).of("alone")


def test_events_name_their_stage_member_and_seed(learned):
    epochs = [event for event in learned.events() if event["kind"] == "epoch"]
    assert len(epochs) == 5 * 5
    last = epochs[-1]
    assert (last["stage"], last["member"], last["seed"], last["epoch"]) == ("distilled-1", "distilled", 1, 5)
    assert last["distill"] > 0
    assert epochs[0]["distill"] == 0
    titles = [event["title"] for event in learned.events() if event["kind"] == "stage"]
    assert titles[0] == "Preparing the data"
    assert titles[-1] == "Measuring"


@pytest.fixture
def losses(monkeypatch):
    """Stage -> the loss that its training was given."""
    found, fit = {}, stages.fit

    def spy(model, cohort, train, loss, **options):
        found[options["work_dir"].name] = loss
        return fit(model, cohort, train, loss, **options)

    monkeypatch.setattr(stages, "fit", spy)
    return found


def test_each_network_is_trained_with_the_loss_that_is_its_own(config, blob_data, losses):
    """Teachers with plain cross-entropy, the control with the label term of the objective."""
    execute(create(config(objective=ObjectiveConfig.named("paper", alpha=0.3, gamma=1.5))))
    z_s, z_t = torch.randn(2, 8, 14, generator=torch.Generator().manual_seed(0))
    y = (z_t > 0.3).float()
    p = torch.sigmoid(z_s.double())
    right = torch.where(y == 1, p, 1 - p)
    plain, focal = (-((1 - right) ** gamma * right.log()).mean().item() for gamma in (0.0, 1.5))
    squared = 4 * ((torch.sigmoid(z_s / 2) - torch.sigmoid(z_t / 2)) ** 2).mean().item()
    totals = {stage: loss(Views(z_s), Views(z_t), y).total.item() for stage, loss in losses.items()}
    expected = {"teacher": plain, "alone-0": focal, "distilled-0": 0.3 * focal + 0.7 * squared}
    assert totals == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", list(OBJECTIVES))
def test_without_weight_on_the_teacher_both_students_are_the_same(config, blob_data, name):
    """Start, batches, schedule and loss: nothing but the teacher sets the students of a run apart."""
    staged = {"teacher_arch": "staged_toy", "student_arch": "staged_toy"}  # some look at feature maps
    run = create(config(objective=ObjectiveConfig.named(name, alpha=1.0), student_train=LEARNS, **staged))
    execute(run)
    alone, distilled = run.predictions("alone").logits, run.predictions("distilled").logits
    if OBJECTIVES[name].needs:  # what is looked at is summed up in another order
        np.testing.assert_allclose(alone, distilled, rtol=0, atol=0.02)
    else:
        assert np.array_equal(alone, distilled)


def test_unlabelled_films_under_a_borrowed_teacher(config, blobs, monkeypatch, blob_data):
    """A student learns without a single label of its own; one alone cannot, and says so."""
    source = create(config("Source", teacher_train=LEARNS))
    execute(source)
    targets = np.where((blobs.split == "train")[:, None], np.nan, blobs.targets)
    unlabelled = dataclasses.replace(blobs, targets=targets, pixels=InMemory(blobs.images, "unlabelled"))
    monkeypatch.setattr(stages, "load_cohort", lambda config, progress: unlabelled)
    run = create(config("Borrower", teacher_from=source.id, student_train=LEARNS, control=False))
    execute(run)
    assert run.metrics().of("distilled").model.labels[0].auroc > 0.9
    alone = create(config("Alone", teacher_from=source.id, student_train=LEARNS))
    with pytest.raises(DataError, match="none of the 96 training images has a known label"):
        execute(alone)
    assert alone.state.status == "failed"


def test_a_borrowed_teacher_answers_what_it_knows_of_other_labels(config, blobs, monkeypatch, blob_data):
    """A folder of one's own names its columns its own way, and has some that the teacher was never taught."""
    source = create(config("Source", teacher_train=LEARNS))
    execute(source)
    names = blobs.labels
    other = dataclasses.replace(blobs, labels=(names[0].upper(), "Something else", *names[2:]))
    monkeypatch.setattr(stages, "load_cohort", lambda config, progress: other)
    run = create(config("Borrower", teacher_from=source.id, student_train=LEARNS))
    execute(run)
    theirs, own = source.predictions("teacher").logits, run.predictions("teacher").logits
    known = [0, *range(2, len(names))]
    assert np.array_equal(own[..., known], theirs[..., known])
    assert np.isnan(own[..., 1]).all()
    assert np.isfinite(run.predictions("distilled").logits).all()
    judged = {row.label: row.evaluable for row in run.metrics().of("teacher").model.labels}
    assert judged[names[0].upper()]
    assert not judged["Something else"]


def asked_before_it_was_refused(run):
    """Put into a run's file that the cached teacher's student sees changed images."""
    path = run.path / "config.json"
    values = json.loads(path.read_text())
    values["student_train"] |= {"augment": True, "mixup": 0.2}
    values["objective"]["view"] = "cached"
    path.write_text(json.dumps(values))
    return open_run(run.id)


def test_a_finished_run_of_what_is_refused_today_stays_readable_and_lends_its_teacher(config, blob_data):
    source = create(config("Old"))
    execute(source)
    old = asked_before_it_was_refused(source)
    assert old.config.student_train.changes == ("augment", "mixup")
    assert old.config.objective.view == "cached"
    assert old.id in [run.id for run in list_runs()]
    assert old.metrics().of("distilled").over_seeds.macro_auroc > 0
    borrower = create(config("Borrower", teacher_from=old.id, student_from=old.id, control=False))
    execute(borrower)
    assert borrower.state.status == "done"


def test_an_unfinished_run_of_what_is_refused_today_does_not_go_on(config, blob_data, trainings):
    run = asked_before_it_was_refused(create(config("Old")))
    sentence = r"old cannot go on as it was asked: augment and mixup make .*: set the view to same, in a new run\."
    with pytest.raises(RunError, match=sentence):
        resume(run)
    assert run.state.status == "interrupted"
    with pytest.raises(RunError, match=sentence):
        execute(run)
    assert (run.state.status, trainings) == ("failed", [])


def test_a_run_without_control_has_no_gain(config, blob_data):
    run = create(config(control=False))
    execute(run)
    assert run.members() == ["teacher", "distilled"]
    assert run.metrics().gain is None
    assert run.metrics().gap is not None


def test_a_teacher_of_two_networks(config, blob_data, blobs, trainings):
    run = create(config(teacher_arch="toy+toy", seeds=(4,), control=False))
    execute(run)
    assert trainings == ["teacher-1", "teacher-2", "distilled-4"]
    epochs = [event for event in run.events() if event["kind"] == "epoch" and event["member"] == "teacher"]
    assert [event["seed"] for event in epochs] == [4, 5]
    teacher, images = run.load_model("teacher"), blobs.images[kept_rows(blobs)]
    assert teacher.arch == "toy+toy"
    each = [predict_logits(part, images) for part in teacher.backbone.parts]
    assert not np.allclose(each[0], each[1])
    kept = np.concatenate([run.predictions("teacher", split).logits[0] for split in ("val", "test")])
    assert np.allclose(kept, np.mean(each, 0), atol=1e-4)
    assert run.state.progress == 1.0


def test_networks_of_a_teacher_that_are_trained_are_not_trained_again(config, blob_data, trainings, monkeypatch):
    run = create(config(teacher_arch="toy+toy", control=False))
    fit = stages.fit

    def stop_at_the_second(*args, **options):
        if options["work_dir"].name == "teacher-2":
            raise KeyboardInterrupt
        return fit(*args, **options)

    monkeypatch.setattr(stages, "fit", stop_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        execute(run)
    monkeypatch.setattr(stages, "fit", fit)
    trainings.clear()
    execute(run)
    assert trainings == ["teacher-2", "distilled-0"]


def test_a_run_that_borrows_several_networks_goes_on_where_it_was(config, blob_data, monkeypatch):
    source = create(config("Source", teacher_arch="toy+toy", control=False))
    execute(source)
    run = create(config("Borrower", teacher_from=source.id, control=False))
    assert run.config.teacher_arch == "toy+toy"
    asked = stages.ask_teacher
    monkeypatch.setattr(stages, "ask_teacher", interrupted)
    with pytest.raises(KeyboardInterrupt):
        execute(run)
    monkeypatch.setattr(stages, "ask_teacher", asked)
    execute(run)
    assert run.state.status == "done"


def interrupted(*_):
    raise KeyboardInterrupt


def test_students_go_on_from_another_run(config, blob_data, monkeypatch):
    source = create(config("Source"))
    execute(source)
    starts, fit = [], stages.fit

    def spy(model, *args, **options):
        starts.append({name: tensor.clone() for name, tensor in model.state_dict().items()})
        return fit(model, *args, **options)

    monkeypatch.setattr(stages, "fit", spy)
    execute(create(config("Next", student_from=source.id, teacher_from=source.id)))
    expected = source.load_model("distilled").state_dict()
    for start in starts:
        assert all(torch.equal(start[name], tensor) for name, tensor in expected.items())
    assert len(starts) == 2


def test_students_go_on_from_what_fits_and_has_not_seen_the_test_patients(config, blob_data):
    with pytest.raises(RunError, match="expected the id"):
        create(config(student_from="nothing"))
    source = create(config("Source"))
    with pytest.raises(RunError, match="only go on from a finished run"):
        create(config(student_from=source.id))
    execute(source)
    with pytest.raises(ConfigError, match=r"students of source are toy, these are eeea_net_c1"):
        create(config(student_from=source.id, student_arch="eeea_net_c1"))
    with pytest.raises(ConfigError, match="the student of source was trained on 20 patients of the same seed"):
        create(config(student_from=source.id, data=PhantomConfig(n_patients=40, image_size=32)))


def test_a_borrowed_teacher_is_neither_trained_nor_asked_again(config, blob_data, trainings, monkeypatch):
    source = create(config("Source"))
    execute(source)
    trainings.clear()
    asked = []
    monkeypatch.setattr("cxrkd.train.shares.predict_logits", lambda *a, **o: asked.append(1) or ask(*a, **o))
    run = create(config("Borrower", teacher_from=source.id, student_arch="eeea_net_c1", control=False))
    execute(run)
    assert trainings == ["distilled-0"]
    assert asked == []
    assert run.weights_path("teacher").read_bytes() == source.weights_path("teacher").read_bytes()
    assert np.array_equal(run.predictions("teacher").logits, source.predictions("teacher").logits)


@pytest.mark.parametrize("broken_in", ["teacher", "distilled-0", "metrics"])
def test_a_stopped_run_goes_on_where_it_was(config, blob_data, trainings, monkeypatch, broken_in):
    whole = create(config("Whole", student_train=LEARNS))
    execute(whole)
    run = create(config("Cut", student_train=LEARNS))
    with monkeypatch.context() as patch:
        fit, measure = stages.fit, stages.measure

        def breaking(*args, on_event, work_dir, **options):
            def tell(event):
                if work_dir.name == broken_in and event["kind"] == "epoch" and event["epoch"] == event["epochs"]:
                    raise KeyboardInterrupt
                on_event(event)

            return fit(*args, on_event=tell, work_dir=work_dir, **options)

        def interrupted(*_):
            raise KeyboardInterrupt

        patch.setattr(stages, "fit", breaking)
        patch.setattr(stages, "measure", interrupted if broken_in == "metrics" else measure)
        with pytest.raises((KeyboardInterrupt, SystemExit)):
            execute(run)
    assert run.state.status == "interrupted"
    trainings.clear()
    execute(run)
    left = {"teacher": ["teacher", "alone-0", "distilled-0"], "distilled-0": ["distilled-0"], "metrics": []}
    assert trainings == left[broken_in]
    assert run.state.status == "done"
    for member in run.members():
        assert np.array_equal(run.predictions(member).logits, whole.predictions(member).logits), member


def test_an_error_for_the_user_is_kept_as_it_is(config, monkeypatch):
    def missing(config, progress):
        raise DataError("the folder of films is gone; mount it again")

    monkeypatch.setattr(stages, "load_cohort", missing)
    run = create(config())
    with pytest.raises(DataError, match="mount it again"):
        execute(run)
    assert run.state.status == "failed"
    assert run.state.message == "the folder of films is gone; mount it again"
    assert run.events()[-1] == {**run.events()[-1], "kind": "error", "message": run.state.message}


def test_a_defect_is_a_sentence_with_its_trace_in_the_log_only(config, monkeypatch):
    monkeypatch.setattr(stages, "load_cohort", lambda config, progress: {}["nothing"])
    run = create(config())
    with pytest.raises(RunError, match="KeyError"):
        execute(run)
    assert "Traceback" not in run.state.message
    assert "Traceback" in (run.path / "log.txt").read_text()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG], ids=errno.errorcode.get)
def test_a_full_disk_is_said_plainly(config, blob_data, monkeypatch, number):
    def full(*_, **__):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(stages, "save_weights", full)
    run = create(config())
    with pytest.raises(RunError, match=rf"{os.strerror(number)}.*Free some space"):
        execute(run)
    assert run.state.status == "failed"
    monkeypatch.undo()


def test_a_run_is_executed_by_one_process_and_once(config, blob_data):
    run = create(config())
    write_state(run.path, JobState("running", pid=os.getppid(), pid_started=start_mark(os.getppid())))
    with pytest.raises(RunError, match="running already"):
        execute(run)
    write_state(run.path, JobState("done"))
    with pytest.raises(RunError, match="done"):
        execute(run)


def test_state_moves_forward_while_it_runs(config, blob_data, monkeypatch):
    run, seen = create(config(student_train=LEARNS)), []
    monkeypatch.setattr("cxrkd.jobs.progress.WRITE_EVERY_S", 0.0)
    monkeypatch.setattr("cxrkd.train.callbacks.PROGRESS_EVERY_S", 0.0)
    emit = stages.Reporter.emit

    def watched(self, event):
        emit(self, event)
        seen.append(open_run(run.id).state)

    monkeypatch.setattr(stages.Reporter, "emit", watched)
    execute(run)
    shares = [state.progress for state in seen]
    assert shares == sorted(shares)
    assert len(set(shares)) > 10
    assert {state.status for state in seen} == {"running"}
    assert all(state.eta_s is None or state.eta_s >= 0 for state in seen)
    assert any(state.eta_s for state in seen)
    assert {"Training the student alone, seed 0", "Distilling the student, seed 0"} <= {s.stage for s in seen}


class Published(Source):
    """Weights of the toy that know every label but the second."""

    def is_here(self):
        return True

    def fetch(self, progress=None):
        if progress is not None:
            progress(1, 2)

    def state(self, labels):
        torch.manual_seed(7)
        state = build("toy", labels, 32).backbone.state_dict()
        state["head.2.weight"][1], state["head.2.bias"][1] = 0, float("nan")
        return state


@pytest.fixture
def taught_toy(home):
    """A toy with chest weights for 32 pixels; `home` forgets it afterwards."""
    weights = Published("toys", "none", (CHESTXRAY14[0], "", *CHESTXRAY14[2:]), 32)
    toy = NETWORKS["toy"]

    def known(n_labels, size, state):
        net = toy.make(n_labels, size, None)
        if state is not None:
            net.load_state_dict(state)
        return net

    taught = dataclasses.replace(
        toy, name="taught_toy", role="teacher", make=known, weights=lambda: {"chest-nih": weights}
    )
    NETWORKS.register(taught)
    return weights


def test_a_teacher_taken_as_it_is(config, blob_data, trainings, taught_toy):
    run = create(config(teacher_arch="taught_toy", teacher_weights="chest-nih", teacher_trained=False))
    execute(run)
    assert trainings == ["alone-0", "distilled-0"]
    logits = run.predictions("teacher").logits
    assert np.isnan(logits[..., 1]).all()
    assert np.isfinite(np.delete(logits, 1, axis=-1)).all()
    metrics = open_run(run.id).metrics()
    assert not metrics.of("teacher").model.labels[1].evaluable
    assert np.isfinite(metrics.of("teacher").model.macro_auroc)
    assert np.isnan(metrics.gap.labels[1].diff)
    assert np.isfinite(run.predictions("distilled").logits).all()


def test_a_teacher_that_starts_from_chest_weights_learns_the_label_it_lacks(config, blob_data, trainings, taught_toy):
    run = create(config(teacher_arch="taught_toy", teacher_weights="chest-nih", control=False))
    execute(run)
    assert trainings == ["teacher", "distilled-0"]
    assert np.isfinite(run.predictions("teacher").logits).all()


def test_a_borrowed_teacher_brings_its_weights_into_the_config(config, blob_data, taught_toy):
    source = create(config("As is", teacher_arch="taught_toy", teacher_weights="chest-nih", teacher_trained=False))
    execute(source)
    borrower = create(config("Borrower", teacher_from=source.id)).config
    assert (borrower.teacher_weights, borrower.teacher_trained) == ("chest-nih", False)


def test_weights_that_cannot_be_had_are_refused_before_anything_is_made(config, home, taught_toy):
    for changes, sentence in (
        ({"student_arch": "toy", "student_weights": "imagenet"}, "expected one of none"),
        ({"teacher_arch": "xrv_resnet50", "teacher_weights": "chest-all"}, "nothing is downloaded unasked"),
        (
            {
                "teacher_arch": "taught_toy",
                "teacher_weights": "chest-nih",
                "teacher_trained": False,
                "data": PhantomConfig(n_patients=20, image_size=64),
            },
            "learnt from images of 32 pixels, this run has 64",
        ),
    ):
        with pytest.raises(ConfigError, match=sentence):
            create(config(**changes))
    assert not (home / "runs").exists() or not list((home / "runs").glob("tiny*"))
