"""An audit of a run: made, done, stopped and gone on with, and figures that follow from its maps."""

import json

import numpy as np
import pytest
import torch
from scipy.special import expit

from cxrkd.data import load_cohort
from cxrkd.errors import RunError
from cxrkd.explain.body import body_mask, evidence_outside
from cxrkd.explain.cam import grad_cam
from cxrkd.explain.cohort_agreement import LINES, means_of_others
from cxrkd.explain.cohort_faithful import FIGURES, CohortCascade, CohortFaithful
from cxrkd.explain.explainer import Network
from cxrkd.explain.faithful import faithfulness, figure_of
from cxrkd.explain.lesion import lesion_hit
from cxrkd.explain.removal import blurred
from cxrkd.explain.steps import in_turn
from cxrkd.images.radiograph import unit
from cxrkd.jobs.execute import execute
from cxrkd.jobs.job import KINDS, open_job
from cxrkd.runs import list_runs
from cxrkd.runs.auditing import proving
from cxrkd.runs.auditing import stages as auditing
from cxrkd.runs.auditing.cells import cells_of
from cxrkd.runs.auditing.faithful import measure_cascade, measure_faithful
from cxrkd.runs.auditing.figures import EVERY, PRESENT, AuditFigures
from cxrkd.runs.auditing.job import NOISY, RANDOM, AuditConfig, AuditJob
from cxrkd.runs.auditing.wording import NOT_PROVED, cascade_sentence, faithful_sentence, verdicts
from cxrkd.runs.beside import asked_about, asked_before, create_beside, finished, newest
from cxrkd.runs.films_asked import FilmsToAsk
from tests import toys
from tests.runs.corruptions import corruptions, told

NAMES = ["teacher", "alone", "distilled", NOISY, RANDOM]


def made(run, **asked):
    return create_beside(AuditJob, run, asking(run, **asked))


def asking(run, **asked):
    """Few proofs, which take longest."""
    return AuditConfig(**asked_about(run), **({"proofs": 4} | asked))


@pytest.fixture
def run():
    return toys.finished_run(toys.tiny_config("small", patients=200))


@pytest.fixture
def done(run):
    job = made(run)
    execute(job)
    return job


@pytest.fixture
def test_films(run):
    cohort = load_cohort(run.config.data)
    return cohort, cohort.rows("test")


def stages(job):
    return [event["stage"] for event in job.events() if event["kind"] == "stage"]


def test_every_network_explains_every_film_as_one_alone_would(run, done, test_films):
    names = [f"maps-{name}" for name in NAMES]
    proved = [f"proof-{member}" for member in run.members()]
    assert (done.id, done.state.status) == ("small-audit", "done")
    assert stages(done) == ["films", *names, "places", *proved, "figures"]
    cohort, rows = test_films
    films = done.films()
    np.testing.assert_array_equal(films["ids"], cohort.ids[rows])
    np.testing.assert_array_equal(films["targets"], cohort.targets[rows])
    for member in run.members():
        maps, logits = done.maps(member)
        film = torch.from_numpy(unit(np.asarray(cohort.images[rows[5]])))[None, None]
        alone = grad_cam(run.load_model(member), film)
        np.testing.assert_allclose(maps[5], alone.cams, atol=1e-5)
        np.testing.assert_allclose(logits[5], alone.logits, atol=1e-4)
    assert not np.allclose(done.maps(NOISY)[0], done.maps("teacher")[0])
    assert np.abs(done.maps(NOISY)[1] - done.maps("teacher")[1]).max() < 2, "light noise"


def test_lesions_and_the_body_are_those_of_single_films(done, run, test_films):
    cohort, rows = test_films
    lesions, maps = done.lesions("distilled"), done.maps("distilled")[0]
    marked = [(n, k) for n, row in enumerate(rows) for k in np.flatnonzero(cohort.masks(row, 32).any((1, 2)))]
    assert list(zip(lesions.films, lesions.labels, strict=True)) == marked
    n, k = marked[3]
    hit = lesion_hit(maps[n, k], cohort.masks(rows[n], 32)[k])
    assert lesions.figures["own"]["energy"][3] == pytest.approx(hit.energy)
    share = evidence_outside(maps[n, k], body_mask(unit(np.asarray(cohort.images[rows[n]]))))
    assert done.outside("distilled")[n, k] == pytest.approx(share, nan_ok=True)


def test_figures_follow_from_the_maps_and_are_of_the_weights(run, done):
    found = done.figures()
    assert isinstance(found, AuditFigures)
    assert found.to_dict() == done.measure().to_dict()
    assert newest(AuditJob, run) == done
    assert found.students == ("alone", "distilled")
    of_all = found.agreement_of("distilled", EVERY)
    agreement = done.agreements()["distilled"]
    assert of_all.own.value == pytest.approx(np.nanmean(agreement.own))
    assert [line.name for line in of_all.lines] == list(LINES)
    for line in of_all.lines:
        assert line.above.value == pytest.approx(np.nanmean(agreement.own - agreement.lines[line.name]))
    present = done.films()["targets"] == 1
    assert found.agreement_of("distilled", PRESENT).own.value == pytest.approx(np.nanmean(agreement.own[present]))
    alone = done.agreements()["alone"]
    gain = next(row for row in found.gain if row.cells == EVERY)
    assert gain.difference.value == pytest.approx(np.nanmean(agreement.own - alone.own))
    run.weights_path("alone").write_bytes(run.weights_path("teacher").read_bytes())
    assert newest(AuditJob, run) is None, "figures of other weights"


def test_a_student_that_is_its_teacher_agrees_with_it_fully(run):
    for member in ("alone", "distilled"):
        run.weights_path(member).write_bytes(run.weights_path("teacher").read_bytes())
    job = made(run)
    execute(job)
    found = job.figures()
    assert found.agreement_of("distilled", EVERY).own.value == pytest.approx(1)
    assert found.agreement_of("distilled", EVERY).holds
    assert all(row.difference.value == 0 for row in found.gain)


def test_an_audit_is_no_run_and_is_listed_with_its_kind(run, done):
    assert done not in list_runs()
    assert isinstance(open_job(done.id), AuditJob)
    assert done.kind is KINDS["audit"]


def test_it_goes_on_with_the_network_it_was_stopped_in(run, monkeypatch):
    job, asked, explain = made(run), [], auditing.explained

    def stop(*args):
        asked.append(args)
        if len(asked) == 3:
            raise KeyboardInterrupt
        return explain(*args)

    monkeypatch.setattr(auditing, "explained", stop)
    with pytest.raises(KeyboardInterrupt):
        execute(job)
    assert (job.state.status, newest(AuditJob, run)) == ("interrupted", None)
    assert asked_before(AuditJob, asking(run)) == job
    first = job.maps_path("teacher").stat().st_mtime_ns
    monkeypatch.setattr(auditing, "explained", explain)
    execute(job)
    left = ["maps-distilled", "maps-teacher-noise", "maps-random", "places"]
    proved = [f"proof-{member}" for member in run.members()]
    assert stages(job)[4:] == ["films", *left, *proved, "figures"]
    assert job.maps_path("teacher").stat().st_mtime_ns == first
    assert finished(AuditJob, run) == [job]


def test_proofs_are_those_of_single_films_and_figures_follow_from_them(run, done, test_films):
    cohort, rows = test_films
    (maps, _), patients = done.maps("distilled"), done.films()["patients"]
    held, fallen = done.proofs()["distilled"]
    assert len(np.unique(held.films)) == 4
    assert (done.films()["targets"][held.films, held.labels] == 1).all()
    n, k = held.films[3], held.labels[3]
    pixels, means = unit(np.asarray(cohort.images[rows[n]])), means_of_others(maps, patients)
    network = {"n": Network(run.load_model("distilled"))}
    alone = faithfulness(
        network, pixels, {"n": maps[n]}, {"n": means[n]}, [k], blurred(pixels), in_turn, (), n_pairs=2, n_steps=5
    )["n"][k]
    for figure in FIGURES:
        assert held.figures["own"][figure][3] == pytest.approx(figure_of(alone.own, figure), abs=1e-4)
        for line in alone.held(figure).lines:
            assert held.figures[line.name][figure][3] == pytest.approx(line.mean, abs=1e-4)
    found = done.figures()
    row = found.faithful_of("distilled", "deletion")
    own, centre = held.figures["own"]["deletion"], held.figures["centre"]["deletion"]
    assert row.own.value == pytest.approx(np.nanmean(own))
    assert row.rivals[2].above.value == pytest.approx(np.nanmean(centre - own)), "low is good"
    cascade = next(one for one in found.cascade if one.member == "distilled")
    assert (cascade.n_films, cascade.shares[-1]) == (4, 1.0)
    assert cascade.left[-1].value == pytest.approx(np.nanmean(fallen.left[-1]))


def test_it_goes_on_with_the_proof_it_was_stopped_in(run, monkeypatch):
    job, asked, prove = made(run, proofs=3), [], proving.cohort_faithful

    def stop(*args):
        asked.append(args)
        if len(asked) == 2:
            raise KeyboardInterrupt
        return prove(*args)

    monkeypatch.setattr(proving, "cohort_faithful", stop)
    with pytest.raises(KeyboardInterrupt):
        execute(job)
    monkeypatch.setattr(proving, "cohort_faithful", prove)
    execute(job)
    assert stages(job)[-4:] == ["places", "proof-alone", "proof-distilled", "figures"]
    assert {len(np.unique(held.films)) for held, _ in job.proofs().values()} == {3}


def test_an_audit_of_before_proofs_can_be_read_and_says_so(run, done):
    few = made(run, films=7, proofs=0)
    execute(few)
    assert not any(stage.startswith("proof") for stage in stages(few))
    figures = few.figures()
    assert (figures.faithful, figures.cascade) == ((), ())
    assert NOT_PROVED in verdicts(figures)
    assert NOT_PROVED not in verdicts(done.figures())
    asked = json.loads((few.path / "audit.json").read_text())
    older = json.loads((few.path / "figures.json").read_text())
    del asked["proofs"], older["faithful"], older["cascade"]
    (few.path / "audit.json").write_text(json.dumps(asked))
    (few.path / "figures.json").write_text(json.dumps(older))
    assert open_job(few.id).figures() == figures
    assert open_job(few.id).measure().to_dict() == figures.to_dict()


def test_maps_that_say_what_is_used_and_those_that_do_not_are_told_apart():
    """Figures made by hand: one network above all rivals, one below the middle of the film."""
    drawn, n = np.random.default_rng(0), 40
    patients = np.arange(n).astype(str)

    def held(above):
        noise = {name: drawn.normal(0, 0.1, n) for name in ("own", "random_ranking", "label_mean", "centre")}
        gains = noise | {"own": noise["own"] + above}
        figures = {name: {"deletion": -gain, "insertion": gain, "gain": 2 * gain} for name, gain in gains.items()}
        return CohortFaithful(np.arange(n), np.zeros(n, int), figures)

    rows = {above: measure_faithful("alone", held(above), ("Mass",), patients) for above in (0.5, -0.5)}
    assert [row.figure for row in rows[0.5]] == ["deletion", "insertion", "gain"] * 2
    assert all(row.holds for row in rows[0.5])
    assert not any(row.holds for row in rows[-0.5])
    assert "its maps say what it uses" in faithful_sentence(rows[0.5][2])
    assert "not shown to say what it uses better than chance" in faithful_sentence(rows[-0.5][2])


def test_an_edge_detector_does_not_hang_on_weights():
    drawn, n = np.random.default_rng(0), 8
    others = drawn.normal(0.3, 0.05, (n, 3))
    rows = {}
    for name, end in (("edges", 1.0), ("cam", 0.0)):
        left = np.stack([np.full((n, 3), 1.0), np.full((n, 3), end)])
        held = CohortCascade(np.arange(n), np.array([0.1, 1.0]), left, others)
        rows[name] = measure_cascade("teacher", held, np.arange(n).astype(str))
    assert not rows["edges"].hangs_on_weights
    assert rows["cam"].hangs_on_weights
    assert "No proof that maps hang on the weights of teacher" in cascade_sentence([rows["edges"]])
    assert "So they hang on the weights" in cascade_sentence([rows["cam"]])


def test_some_films_are_drawn_the_same_each_time(run, done):
    few = made(run, films=7, method="layercam")
    execute(few)
    again = made(run, films=7)
    execute(again)
    np.testing.assert_array_equal(few.films()["ids"], again.films()["ids"])
    assert set(few.films()["ids"]) < set(done.films()["ids"])
    assert few.maps("teacher")[0].min() >= 0, "LayerCAM has no evidence against"
    assert few.figures().n == 7


def test_damage_is_a_sentence(run):
    done = made(run, films=10)
    execute(done)
    not_measured = {"figures.json", "environment.json", "events.jsonl", "log.txt"}
    for damage in (one for one in corruptions(done.path)[::11] if (done.path / one.file).is_file()):
        path = done.path / damage.file
        whole = path.read_bytes()
        damage.do(path)
        if damage.file not in not_measured:
            told(done.measure)
        told(done.figures)
        told(lambda: done.state)
        if path.is_dir() and not path.is_symlink():
            path.rmdir()
        path.unlink(missing_ok=True)
        path.write_bytes(whole)
    done.maps_path(RANDOM).unlink()
    with pytest.raises(RunError, match="random"):
        done.measure()


def test_masks_that_are_kept_are_those_of_the_films_drawn_once(test_films, monkeypatch):
    cohort, rows = test_films
    films = FilmsToAsk(cohort, rows, cohort.labels, cohort.targets[rows])
    drawn = [films.masks(n) for n in range(8)]
    calls, draw = [], FilmsToAsk.masks
    monkeypatch.setattr(FilmsToAsk, "masks", lambda self, n: (calls.append(n), draw(self, n))[1])
    masks = auditing.kept_masks(films)
    asked = [[masks(n) for n in range(8)] for _ in range(2)]
    for again in asked:
        np.testing.assert_array_equal(again, drawn)
    assert np.any(drawn)
    assert calls == list(range(8))


def test_the_four_fields_hold_every_cell_that_matters_once(run, done):
    cells = cells_of(done, "distilled")
    targets, cuts = done.films()["targets"], {m: run.thresholds(m) for m in ("teacher", "distilled")}
    probs = {member: expit(done.maps(member)[1]) for member in cuts}
    called = {member: probs[member] >= np.nan_to_num(cuts[member], nan=2) for member in cuts}
    expected = set(zip(*np.nonzero((targets == 1) | called["teacher"] | called["distilled"]), strict=True))
    assert set(zip(cells.films, cells.labels, strict=True)) == expected
    fields = [cells.field(same_answer=a, same_reason=r) for a in (True, False) for r in (True, False)]
    assert sorted(np.concatenate(fields)) == list(range(len(cells.films)))
    for field in fields:
        alike = cells.agreement[field][~np.isnan(cells.agreement[field])]
        steps = np.diff(alike if not cells.same_reason[field].any() else -alike)
        assert (steps >= 0).all()
    agreement = done.agreements()["distilled"]
    for m in range(0, len(cells.films), 7):
        n, k = cells.films[m], cells.labels[m]
        judged = not np.isnan([cuts[member][k] for member in cuts]).any()
        near = abs(probs["teacher"][n, k] - probs["distilled"][n, k]) <= 0.1
        assert cells.same_answer[m] == (called["teacher"][n, k] == called["distilled"][n, k] if judged else near)
        assert cells.same_reason[m] == (agreement.above_chance[n, k] == 1)
        assert cells.present[m] == (targets[n, k] == 1)
