"""What finished runs tell of the pace of the next one: from invented events by hand, and from a run that was made."""

from statistics import median

import numpy as np
import pytest

from cxrkd.config import ObjectiveConfig, TrainConfig
from cxrkd.images.likeness import BYTES
from cxrkd.jobs.environment import describe
from cxrkd.jobs.events import EVENTS, append_event
from cxrkd.jobs.execute import execute
from cxrkd.jobs.files import write_json
from cxrkd.jobs.job import ENVIRONMENT
from cxrkd.jobs.state import read_state, write_state
from cxrkd.runs import create, estimate
from cxrkd.runs.estimate import PREPARED_S, Pace, basis
from cxrkd.runs.paces import Known, Training, asked, known_pasts, trained
from cxrkd.runs.seen import Seen, write_seen
from cxrkd.train.device import hardware
from tests import toys

STUDENT = Training("student", "toy", "32-true", hardware(), 1)


@pytest.fixture
def past(home):
    """Makes a finished run without training, with epochs: (member, side, images a second)."""

    def make(name, *epochs, machine=None, **changes):
        run = create(toys.tiny_config(name, **changes))
        for member, side, speed, *where in epochs:
            event = {"kind": "epoch", "member": member, "stage": f"{member}-0", "seed": 0, "size": side}
            append_event(run.path / EVENTS, event | {"images_per_s": speed} | dict(*where))
        made_on = describe() | {"started": 1.0, "finished": 2.0, "seconds": {}} | (machine or {})
        write_json(run.path / ENVIRONMENT, {"version": 1, **made_on})
        write_state(run.path, read_state(run.path).at_rest("done"))
        return run

    return make


def test_the_median_epoch_of_each_of_the_newest_runs_counts(past):
    """A machine that slept in one epoch, or was busy in one run, says nothing."""
    past("first", ("alone", 32, 1.0))
    past("slept", ("alone", 32, 50.0), ("alone", 32, 0.4), ("alone", 32, 50.0))
    past("busy", ("alone", 32, 10.0))
    past("last", ("alone", 32, 40.0), ("alone", 32, 40.0))
    known = trained(known_pasts(), STUDENT)
    assert known == Known({32: 1 / 40}, 3), "the median of 1/50, 1/10 and 1/40; the oldest of four is not asked"


def test_other_networks_roles_precisions_and_machines_do_not_count(past):
    past("elsewhere", ("alone", 32, 1.0), machine={"cpu": "another"})
    past("more cores", ("alone", 32, 1.0), machine={"cores": 999})
    past("other", ("alone", 32, 1.0), student_arch="plain_toy")
    past("half", ("alone", 32, 1.0), student_train=TrainConfig(epochs=1, warm_epochs=0, precision="bf16-mixed"))
    past("taught", ("teacher", 32, 1.0))
    past("on a GPU", ("alone", 32, 1.0, {"device": "another", "devices": 1}))
    past("on four", ("alone", 32, 1.0, {"device": hardware(), "devices": 4}))
    past("older", ("alone", 32, None), ("alone", None, 7.0))
    assert trained(known_pasts(), STUDENT) is None
    past("like it", ("alone", 32, 20.0, {"device": hardware(), "devices": 1}))
    assert trained(known_pasts(), STUDENT) == Known({32: 1 / 20}, 1)


def test_a_run_that_is_not_finished_does_not_count(past):
    run = past("half", ("alone", 32, 20.0))
    write_state(run.path, read_state(run.path).at_rest("cancelled"))
    assert known_pasts() == []


@pytest.mark.parametrize(
    ("changes", "counts"),
    [
        ({"view": "cached"}, True),
        ({"view": "same"}, False),  # the first one asks for all of them
        ({"view": "same", "seeds": (1, 0)}, True),
        ({"view": "same", "seeds": (1, 0), "mixup": 0.2}, False),
    ],
)
def test_a_distilled_student_counts_where_no_teacher_was_asked_meanwhile(past, changes, counts):
    train = TrainConfig(epochs=1, warm_epochs=0, mixup=changes.get("mixup", 0.0))
    objective = ObjectiveConfig.named("bkd", view=changes["view"])
    past("x", ("distilled", 32, 5.0), objective=objective, student_train=train, seeds=changes.get("seeds", (0,)))
    assert (trained(known_pasts(), STUDENT) is not None) == counts


def test_two_sides_make_a_line_and_one_is_scaled_by_pixels():
    fixed, a_pixel = 0.003, 5e-7
    line = Known({side: fixed + a_pixel * side**2 for side in (64, 96, 128)}, 1)
    np.testing.assert_allclose(line.at(224), (fixed + a_pixel * 224**2, fixed))
    assert line.at(96) == (line.sides[96], pytest.approx(fixed))
    assert line.scaled_from(224) is None
    alone = Known({64: 0.004}, 1)
    assert alone.at(128) == (pytest.approx(0.016), 0.0)
    assert (alone.scaled_from(128), alone.scaled_from(64)) == (64, None)
    noise = Known({64: 0.004, 128: 0.003}, 1)  # the smaller one was slower: a busy machine
    assert noise.at(256) == (pytest.approx(0.012), 0.0)


def test_asking_a_teacher_is_timed_from_its_first_batch_in_the_attempt_that_asked(past):
    run = past("asked", ("teacher", 32, 9.0))
    hashes = np.zeros((40, BYTES), np.uint8)
    names = np.array([f"i{i}" for i in range(40)])
    write_seen(run, Seen(names, names, names, np.array(["train"] * 20 + ["val"] * 10 + ["test"] * 10), hashes))
    for t, kind, fraction in [(1, "stage", 0), (2, "progress", 0.25), (8, "progress", 1), (99, "stage", 0)]:
        append_event(
            run.path / EVENTS, {"t": t, "kind": kind, "stage": "teacher-logits", "title": "", "fraction": fraction}
        )
    assert asked(known_pasts(), "toy") == Known({32: pytest.approx(6 / 30)}, 1)
    assert asked(known_pasts(), "plain_toy") is None


def test_a_growing_epoch_pays_what_does_not_shrink(config):
    """4 images, an epoch at 32 and two at 64 px: 4 x ((1 + 1) + 2 x (1 + 4))."""
    train = TrainConfig(epochs=2, warm_epochs=1, warm_size=32)
    told = config(size=64, student_train=train)
    seconds = estimate.stage_seconds(told, ["alone-0"], (4, 4), Pace(1, 1), Pace(5.0, 1.0, fixed_s=1.0))
    assert seconds["alone-0"] == pytest.approx(4 * (2 + 2 * 5))


def test_a_run_is_what_the_next_one_like_it_is_estimated_by(config, blob_data, monkeypatch):
    """The estimate is, by hand, images times the median epoch; another network is still a guess."""
    monkeypatch.setattr(estimate, "_glance", lambda arch, size: Pace(100.0, 10.0))
    told = config(seeds=(0,), student_train=TrainConfig(epochs=3, warm_epochs=0, batch_size=16))
    assert estimate.estimate(told, ["alone-0"], (240, 96)).basis == "a guess from one pass"
    run = create(told)
    execute(run)
    speeds = {
        role: median(1 / e["images_per_s"] for e in run.events() if e["kind"] == "epoch" and e["member"] in members)
        for role, members in {"teacher": ["teacher"], "student": ["alone", "distilled"]}.items()
    }
    again = estimate.estimate(told, ["alone-0"], (240, 96))
    assert again.basis == "from 1 finished run"
    assert again.stages["teacher"] == pytest.approx(96 * speeds["teacher"])
    assert again.stages["alone-0"] == pytest.approx(3 * 96 * speeds["student"])
    assert again.stages["data"] == PREPARED_S
    assert again.seconds == pytest.approx(sum(again.stages.values()))
    other = told.model_copy(update={"student_arch": "plain_toy"})
    mixed = estimate.estimate(other, ["alone-0"], (240, 96))
    assert mixed.basis == "from 1 finished run; the student by a guess from one pass"
    assert mixed.stages["alone-0"] == pytest.approx(3 * 96 * 100.0)


def test_a_teacher_that_is_asked_once_about_each_film_is_not_what_an_estimate_is_based_on(past, config, monkeypatch):
    monkeypatch.setattr(estimate, "_glance", lambda arch, size: Pace(100.0, 10.0))
    past("x", ("alone", 32, 20.0))
    borrowed = config(teacher_from="x", teacher_arch="plain_toy")
    assert estimate.estimate(borrowed, ["alone-0"], (4, 4)).basis == "from 1 finished run"
    same = borrowed.model_copy(update={"objective": ObjectiveConfig.named("bkd", view="same")})
    assert "the teacher by a guess" in estimate.estimate(same, ["alone-0"], (4, 4)).basis


def test_a_scaled_estimate_says_so():
    assert basis(Pace(1, 1, runs=2), Pace(1, 1, runs=3, scaled_from=64)) == (
        "from 2 finished runs, scaled from 64 px, which may be off by a factor of two"
    )


def test_a_glance_is_the_least_of_several_and_forgotten_after_a_while(monkeypatch):
    times = iter([8.0, 4.0, 6.0, 20.0, 20.0, 20.0])
    clock = iter([0.0, 1.0, estimate.GLANCE_LASTS_S + 1])
    monkeypatch.setattr(estimate, "milliseconds", lambda call: next(times))
    monkeypatch.setattr(estimate.time, "monotonic", lambda: next(clock))
    estimate._glanced.cache_clear()
    paces = [estimate._glance("toy", 32).predict_s for _ in range(3)]
    assert paces == pytest.approx([0.001, 0.001, 0.005])
