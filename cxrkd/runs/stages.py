"""The stages of a run, in order. Each leaves files behind, so that a resumed run skips what is done."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from cxrkd.access.confine import roots_now
from cxrkd.atomic import replacing
from cxrkd.checksums import seal
from cxrkd.config import Member, RunConfig, StudentWeights, Weights
from cxrkd.data import load_cohort
from cxrkd.data.cohort import Cohort
from cxrkd.jobs.files import write_json
from cxrkd.jobs.reporter import Reporter
from cxrkd.models.classifier import Classifier
from cxrkd.models.head import take_over
from cxrkd.models.network import parts_of
from cxrkd.models.relabelled import relabelled
from cxrkd.models.weights import load_weights, save_weights
from cxrkd.models.zoo import build, taught
from cxrkd.places import home
from cxrkd.progress import OnEvent, counting
from cxrkd.runs.estimate import stage_weights
from cxrkd.runs.facts import facts_of
from cxrkd.runs.joining import joined
from cxrkd.runs.leaking import refuse_leak
from cxrkd.runs.metrics import RunMetrics
from cxrkd.runs.predictions import kept_rows, write_cases, write_logits
from cxrkd.runs.reference import keep_reference
from cxrkd.runs.run import LABELS, METRICS, Run, open_run
from cxrkd.runs.seen import Seen, write_seen
from cxrkd.runs.showcase import film_in, write_showcase
from cxrkd.runs.spreading import refuse_uneven, spread_here
from cxrkd.train.apart import fit_apart
from cxrkd.train.beginning import begun_part, teacher_parts
from cxrkd.train.device import device
from cxrkd.train.fit import fit
from cxrkd.train.predict import predict_logits
from cxrkd.train.prior import start_at_prevalence
from cxrkd.train.task import OWNED, Task, keep_objective
from cxrkd.train.teacher_cache import teacher_logits


@dataclass(frozen=True)
class Teacher:
    """One network of the teacher to train."""

    arch: str
    seed: int
    stage: str

    @property
    def title(self) -> str:
        """What people read while it trains."""
        return f"Training the teacher ({self.arch})"


@dataclass(frozen=True)
class Student:
    """One student to train."""

    member: Member
    seed: int

    @property
    def stage(self) -> str:
        """Name of the stage, and of its folder in `work/`."""
        return f"{self.member}-{self.seed}"

    @property
    def title(self) -> str:
        """What people read while it trains."""
        verb = "Training the student alone" if self.member == "alone" else "Distilling the student"
        return f"{verb}, seed {self.seed}"


def teachers(config: RunConfig) -> list[Teacher]:
    """The networks of the teacher to train, each with a seed of its own; none where it is taken as it is."""
    if config.teacher_from is not None or not config.teacher_trained:
        return []
    parts = teacher_parts(config)
    if len(parts) == 1:
        return [Teacher(*parts[0], "teacher")]
    return [Teacher(arch, seed, f"teacher-{index + 1}") for index, (arch, seed) in enumerate(parts)]


def students(config: RunConfig) -> list[Student]:
    """The students of a run: for each seed the control first, then the distilled one."""
    members: tuple[Member, ...] = ("alone", "distilled") if config.control else ("distilled",)
    return [Student(member, seed) for seed in config.seeds for member in members]


def distil(run: Run, report: Reporter) -> None:
    """Do all that a run was told, going on where it was stopped."""
    refuse_uneven(run.config, teacher=bool(teachers(run.config)))
    report.plan(stage_weights(run.config, [student.stage for student in students(run.config)], run.counted()))
    run_stages(run, report)


def run_stages(run: Run, report: Reporter) -> None:
    """Data, teacher, its logits, for each seed a student alone and one distilled, maps, metrics; skips what is done."""
    cohort = prepare_data(run, report)
    get_teacher(run, report, cohort)
    logits_t = ask_teacher(run, report, cohort)
    for student in students(run.config):
        if report.is_done(student.stage):
            report.skip(student.stage)
        else:
            train_student(run, report, cohort, student, logits_t)
    ask_others(run, report, cohort)
    measure(run, report, cohort)


def prepare_data(run: Run, report: Reporter) -> Cohort:
    """Load the cohort, prepare its images on first use, and write down labels, held-out cases and all films."""
    with report.stage("data", "Preparing the data") as on_event:
        cohort = load_cohort(run.config.data, counting(on_event))
        cohort.prepare(counting(on_event))
        write_json(run.path / LABELS, list(cohort.labels))
        write_cases(run.path, cohort)
        seen = Seen.of(cohort)
        refuse_leak(run.config, seen)
        write_seen(run, seen)
    return cohort


def get_teacher(run: Run, report: Reporter, cohort: Cohort) -> None:
    """Train the teacher, take one as others trained it, or copy that of the run it is borrowed from."""
    config, path = run.config, run.weights_path("teacher")
    if report.is_done("teacher") and path.exists():
        for stage in {"teacher", *(part.stage for part in teachers(config))}:
            report.skip(stage)
        return None
    if config.teacher_from is not None:
        with report.stage("teacher", f"Taking the teacher of {config.teacher_from}", member="teacher"):
            return _copy_teacher(open_run(config.teacher_from), path, cohort)
    if not config.teacher_trained:
        title = f"Taking the teacher as it is ({config.teacher_arch}, {config.teacher_weights})"
        with report.stage("teacher", title, member="teacher") as on_event:
            archs = parts_of(config.teacher_arch)
            known = [_build(arch, config.teacher_weights, cohort, config, on_event) for arch in archs]
            return save_weights(joined(known, cohort, config.teacher_trust), path)
    parts = teachers(config)
    if len(parts) == 1:
        return train_teacher(run, report, cohort, parts[0], path)
    files = [run.path / "work" / f"{part.stage}.safetensors" for part in parts]
    for part, file in zip(parts, files, strict=True):
        if report.is_done(part.stage) and file.exists():
            report.skip(part.stage)
        else:
            train_teacher(run, report, cohort, part, file)
    with report.stage("teacher", "Joining the networks of the teacher", member="teacher"):
        return save_weights(joined([load_weights(file) for file in files], cohort, config.teacher_trust), path)


def train_teacher(run: Run, report: Reporter, cohort: Cohort, part: Teacher, path: Path) -> None:
    """Train the teacher, or one network of it, on the labels, and leave its weights in `path`.

    By plain cross-entropy whatever the objective: one teacher can then serve runs of every objective.
    """
    config, work = run.config, run.path / "work" / part.stage
    with report.stage(part.stage, part.title, member="teacher", seed=part.seed) as on_event:
        model = begun_part(config, cohort, part.arch, part.seed, counting(on_event))
        fit_member(_task(run, model, cohort, "teacher", part.seed), model, cohort, None, work, on_event)
        save_weights(model, path)
    shutil.rmtree(work)  # only now that the stage is recorded as done


def ask_teacher(run: Run, report: Reporter, cohort: Cohort) -> np.ndarray | None:
    """The teacher's logits (N, K) on the whole cohort, from its saved weights; kept for val and test.

    A teacher that answers the students' own views is asked about val and test alone, and nothing is returned.
    """
    kept, cache = kept_rows(cohort), home() / "cache" / "teacher_logits"
    with report.stage("teacher-logits", "Asking the teacher", member="teacher") as on_event:
        model = run.load_model("teacher").to(device())
        in_the_loop = run.config.objective.view == "same"
        logits = teacher_logits(model, cohort, cache, counting(on_event), kept if in_the_loop else None)
        write_logits(run.path, "teacher", run.config.seeds[0], logits if in_the_loop else logits[kept])
    return None if in_the_loop else logits


def train_student(run: Run, report: Reporter, cohort: Cohort, student: Student, logits_t: np.ndarray | None) -> None:
    """Train one student, keep its predictions, and its weights if it is the first of its kind.

    The student alone has the label term of the same objective, so that the two differ by the teacher only.
    Predictions come from the saved weights, rounded to float16 as they are: the figures belong to the file. What an
    objective owns, such as a projection, is kept beside the weights of the student that it was learned with.

    Args:
        run: to go on with.
        report: for its stages.
        cohort: images and labels.
        student: which one.
        logits_t: the teacher's answers (N, K); None where it is asked about every view.
    """
    config, alone = run.config, student.member == "alone"
    work = run.path / "work" / student.stage
    weights = work / "weights.safetensors"
    with report.stage(student.stage, student.title, member=student.member, seed=student.seed) as on_event:
        model = fresh_student(config, cohort, student.seed, on_event)
        teacher = run.load_model("teacher") if logits_t is None and not alone else None
        answers = None if alone else teacher or logits_t
        fit_member(_task(run, model, cohort, student.member, student.seed), model, cohort, answers, work, on_event)
        save_weights(model, weights)
        logits = predict_logits(load_weights(weights).to(device()), cohort.images[kept_rows(cohort)])
        write_logits(run.path, student.member, student.seed, logits)
        if student.seed == config.seeds[0]:
            run.weights_path(student.member).parent.mkdir(exist_ok=True)
            os.replace(weights, run.weights_path(student.member))
            if (work / OWNED).exists():
                os.replace(work / OWNED, run.weights_path(student.member).with_name(OWNED))
    shutil.rmtree(work)  # only now that the stage is recorded as done


def ask_others(run: Run, report: Reporter, cohort: Cohort) -> None:
    """What figures and maps are held against."""
    if report.is_done("reference"):
        return report.skip("reference")
    with report.stage("reference", "Asking a model without anatomy, keeping maps of validation films") as on_event:
        keep_reference(run, cohort, counting(on_event))


def measure(run: Run, report: Reporter, cohort: Cohort) -> RunMetrics:
    """Every figure of the run, from the kept predictions alone; and what the first look at it shows."""
    with report.stage("metrics", "Measuring"):
        metrics = run.measure()
        write_json(run.path / METRICS, metrics.to_dict())
        write_showcase(run, film_in(cohort))
    return metrics


def fresh_student(config: RunConfig, cohort: Cohort, seed: int, on_event: OnEvent) -> Classifier:
    """A student to train; one seed gives the control and the distilled student the same start."""
    torch.manual_seed(seed)
    model = _build(config.student_arch, config.student_weights, cohort, config, on_event, config.student_size or None)
    known = taught(config.student_arch, config.student_weights, cohort.labels)
    if config.student_from is not None:
        known = take_over(model, open_run(config.student_from).load_model("distilled"))
    start_at_prevalence(model, cohort.targets[cohort.rows("train")], ~np.isin(cohort.labels, known))
    return model


def _build(
    arch: str,
    weights: Weights | StudentWeights,
    cohort: Cohort,
    config: RunConfig,
    on_event: OnEvent,
    shrinks_to: int | None = None,
) -> Classifier:
    """A network with its pretrained weights, which are downloaded if the run may."""
    size, progress = cohort.images.shape[1], counting(on_event)
    return build(arch, cohort.labels, size, weights, shrinks_to=shrinks_to, download=config.download, progress=progress)


def _task(run: Run, model: Classifier, cohort: Cohort, member: Member, seed: int) -> Task:
    """One training, in words that another process can read."""
    task = Task(
        config=run.config,
        member=member,
        arch=model.arch,
        labels=model.labels,
        input_size=model.input_size,
        shrinks_to=model.shrinks_to,
        seed=seed,
        facts=facts_of(run, cohort, member),
        teacher=run.weights_path("teacher") if member == "distilled" else None,
        roots=roots_now(),
    )
    return spread_here(task, run, len(cohort.rows("train")))


def fit_member(
    task: Task,
    model: Classifier,
    cohort: Cohort,
    teacher: np.ndarray | Classifier | None,
    work: Path,
    on_event: OnEvent,
) -> None:
    """Train in this process; on several devices or nodes in processes of their own."""
    if task.processes > 1:
        fit_apart(model, task, work, on_event)
        return
    asked = teacher if isinstance(teacher, Classifier) else None
    loss = task.loss(model, task.learned_from(asked, cohort))
    answers = {"teacher": asked} if asked else {"teacher_logits": teacher}
    fit(
        model,
        cohort,
        task.train,
        loss,
        **answers,
        seed=task.seed,
        look=task.look,
        work_dir=work,
        answers_dir=home() / "cache" / "teacher_logits",
        on_event=on_event,
    )
    keep_objective(loss, work / OWNED)


def _copy_teacher(source: Run, path: Path, cohort: Cohort) -> None:
    """The teacher of another run as it is; where labels differ, it answers those that it was taught."""
    model = source.load_model("teacher")
    if model.labels != cohort.labels:
        return save_weights(relabelled(model, cohort.labels), path)
    with replacing(path) as part:
        shutil.copyfile(source.weights_path("teacher"), part)
        seal(part)  # a file that is listed where it came from has no checksum of its own
