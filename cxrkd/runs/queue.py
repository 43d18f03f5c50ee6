"""Making, queueing, stopping and deleting runs. One worker process at a time executes what is queued."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from cxrkd import private
from cxrkd.config import DATA_KINDS, DataConfig, PhantomConfig, RunConfig, data_summary, home
from cxrkd.errors import ConfigError, RunError
from cxrkd.places import CHECKOUT
from cxrkd.runs.files import cannot_write, write_json
from cxrkd.runs.locks import deciding, worker_lives
from cxrkd.runs.process import is_alive, kill_group, start_mark
from cxrkd.runs.run import CONFIG, SHIPPED, Run, list_own_runs, open_run, own_runs, require_current
from cxrkd.runs.state import RunState, write_state

WORKER_LOG = ".worker.log"
_started: list[subprocess.Popen[bytes]] = []  # kept to be reaped: an unread child stays as a zombie
# ChestMNIST is made of the films of ChestX-ray14, under another split.
_ORIGIN = {"chestmnist": "chestxray14", **{kind: kind for kind in DATA_KINDS if kind != "chestmnist"}}


def create(config: RunConfig, folder: Path | None = None) -> Run:
    """Make the folder of a run that nothing executes yet; `submit` queues it, `execute` runs it here.

    Args:
        config: what to do. With `teacher_from`, the teacher's architecture and training are taken over from there.
        folder: exactly where; default a new folder, named after the run, among this machine's runs.

    Raises:
        RunError: the folder exists or cannot be written, or the teacher's run is not finished.
        ConfigError: the teacher saw patients that this run would test on, or pretrained weights do not exist, do not
            fit the data, or are not here and may not be downloaded.
    """
    config = _with_teacher(config)
    _refuse_weights(config)
    _refuse_student_start(config)
    try:
        path = _new_folder(config.name) if folder is None else _make(folder)
    except OSError as error:
        raise cannot_write(own_runs() if folder is None else folder.parent, error) from error
    write_json(path / CONFIG, config.model_dump(mode="json"))
    write_state(path, RunState("interrupted", stage="Not started", created=time.time()))
    return Run(path.resolve())


def find(config: RunConfig) -> Run | None:
    """The newest run of this machine that was told exactly this, finished or not; None where there is none.

    Raises:
        RunError: the teacher is to be borrowed from a run that is not there or not finished.
        ConfigError: the teacher saw patients that this run would test on.
    """
    wanted = _with_teacher(config)
    return next((run for run in list_own_runs() if _told(run) == wanted), None)


def _told(run: Run) -> RunConfig | None:
    """The config of a run; None where another version wrote it."""
    try:
        return run.config
    except RunError:
        return None


def submit(config: RunConfig) -> Run:
    """Make a run, queue it, and see to it that a worker lives.

    Raises:
        RunError: the folder cannot be written, or the teacher's run is not finished.
        ConfigError: the teacher saw patients that this run would test on.
    """
    return resume(create(config))


def resume(run: Run) -> Run:
    """Queue a run that was interrupted, failed or was cancelled; it goes on after its last epoch.

    Raises:
        RunError: it is shipped or done, its settings are refused today, or the folder cannot be written.
    """
    _refuse_shipped(run, "resumed")
    with deciding(own_runs()):
        state = run.state
        if state.status == "done":
            raise RunError(f"{run.id} is done; there is nothing to resume")
        require_current(run)
        if not state.active:
            waiting = replace(state, status="queued", stage="Waiting", message="", eta_s=None, finished=None)
            write_state(run.path, replace(waiting, pid=None, pid_started=None))
    ensure_worker()
    return run


def cancel(run: Run, grace_s: float = 5.0) -> None:
    """Stop a run. A queued one at once; a running one by ending its process group, after which the queue goes on.

    Raises:
        RunError: it is shipped, or neither waiting, running nor interrupted.
    """
    _refuse_shipped(run, "cancelled")
    with deciding(own_runs()):
        state = run.state
        if state.status not in ("queued", "running", "interrupted"):
            raise RunError(f"{run.id} is {state.status}; there is nothing to cancel")
        if state.status == "running" and state.pid is not None and state.pid_started is not None:
            kill_group(state.pid, state.pid_started, grace_s)
        state = run.state
        if state.status != "done":  # it may have finished while we waited
            stopped = replace(state, status="cancelled", eta_s=None, finished=time.time())
            write_state(run.path, replace(stopped, pid=None, pid_started=None))
    keep_going()


def keep_going() -> None:
    """Start a worker where runs wait and none lives: after a cancelled run, a reboot or a killed worker.

    Raises:
        RunError: the folder of runs cannot be written.
    """
    if oldest_queued() is not None:
        ensure_worker()


def delete(run: Run) -> None:
    """Remove a run's folder.

    Raises:
        RunError: it is shipped, waiting or running, or cannot be removed.
    """
    _refuse_shipped(run, "deleted")
    with deciding(own_runs()):
        if run.state.active:
            raise RunError(f"{run.id} is {run.state.status}; cancel it before deleting it")
        doomed = run.path.with_name(f".deleted-{run.id}-{time.time_ns()}")
        try:
            run.path.rename(doomed)
        except OSError as error:
            raise cannot_write(run.path, error) from error
    shutil.rmtree(doomed, ignore_errors=True)


def oldest_queued() -> Run | None:
    """The run whose turn it is."""
    folder = own_runs()
    runs = [Run(p.resolve()) for p in folder.iterdir() if is_run(p)] if folder.is_dir() else []
    queued = [(run.state.created, run.id, run) for run in runs if run.state.status == "queued"]
    return min(queued)[2] if queued else None


def is_run(path: Path) -> bool:
    """Whether a folder holds a run that can be read."""
    try:
        return not path.name.startswith(".") and Run(path).state is not None
    except RunError:
        return False


def claim(run: Run) -> None:
    """Mark a run as executed by this process. Call it while `deciding`.

    Raises:
        RunError: it is done, or another process executes it.
    """
    state = run.state
    if state.status == "done":
        raise RunError(f"{run.id} is done; make a new run to do it again")
    mine = state.pid == os.getpid()
    if state.status == "running" and not mine and is_alive(state.pid, state.pid_started):
        raise RunError(f"{run.id} is running already, in process {state.pid}; wait for it or cancel it")
    started = state.started or time.time()
    running = replace(state, status="running", message="", started=started, finished=None)
    write_state(run.path, replace(running, pid=os.getpid(), pid_started=start_mark(os.getpid())))


def ensure_worker() -> None:
    """Start the worker unless one lives. Harmless to call often.

    Raises:
        RunError: the folder of runs cannot be written.
    """
    folder = own_runs()
    _started[:] = [child for child in _started if child.poll() is None]
    with deciding(folder):
        if worker_lives(folder):
            return
        with open(folder / WORKER_LOG, "ab", opener=private.opener) as log:
            _started.append(_spawn(folder, log.fileno()))


def _spawn(folder: Path, log: int) -> subprocess.Popen[bytes]:
    """The worker in a session of its own: it outlives the page, the tab and the server."""
    # Its working directory is the folder of runs, where an uninstalled package would not be found. site-packages of an
    # installed one is left out: on this path it would come before the standard library.
    python_path = os.pathsep.join(filter(None, [str(CHECKOUT or ""), os.environ.get("PYTHONPATH", "")]))
    return subprocess.Popen(
        [sys.executable, "-m", "cxrkd.runs.worker"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": python_path, "CXRKD_HOME": str(home().resolve())},
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )


def _refuse_shipped(run: Run, verb: str) -> None:
    if run.shipped:
        raise RunError(f"{run.id} came with the program and cannot be {verb}; make a run of your own")


def _new_folder(name: str) -> Path:
    """A folder named after the run, with a number where the name is taken."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40].strip("-") or "run"
    for number in range(1, 10_000):
        identity = slug if number == 1 else f"{slug}-{number}"
        if (SHIPPED / identity).exists():
            continue
        try:
            return _make(own_runs() / identity)
        except RunError:
            continue
    raise RunError(f"there are too many runs called {name!r}; choose another name")


def _make(folder: Path) -> Path:
    """Create `folder`, which must not exist: whoever creates it owns the name."""
    private.folder(folder.parent)
    try:
        folder.mkdir(private.FOLDER)
    except FileExistsError as error:
        raise RunError(f"{folder} exists already; choose another folder, or resume the run in it") from error
    return folder


def _with_teacher(config: RunConfig) -> RunConfig:
    """The config with the borrowed teacher's architecture and training, so that the file says what is used."""
    if config.teacher_from is None:
        return config
    source = open_run(config.teacher_from)
    if source.state.status != "done":
        raise RunError(f"{source.id} is {source.state.status}; only the teacher of a finished run can be reused")
    _refuse_leak(config.data, source.config.data, f"teacher of {source.id}")
    _refuse_other_size(config.data, source.config.data, source.id)
    theirs = source.config
    names = ("teacher_arch", "teacher_weights", "teacher_trained", "teacher_train")
    taken = {name: getattr(theirs, name) for name in names}
    return config.model_copy(update=taken)


def _refuse_weights(config: RunConfig) -> None:
    """Say now what would stop the run later; a borrowed teacher needs no weights but its own."""
    asked: list[tuple[str, str]] = [(config.student_arch, config.student_weights)]
    asked += [(config.teacher_arch, config.teacher_weights)] if config.teacher_from is None else []
    if all(weights == "none" for _, weights in asked):
        return
    from cxrkd.models.ensemble import parts_of  # seconds of imports
    from cxrkd.models.zoo import check_weights, source

    for arch, weights in asked:
        check_weights(arch, weights, config.download)
    as_is = config.teacher_from is None and not config.teacher_trained
    for part in parts_of(config.teacher_arch) if as_is else ():
        native = source(part, config.teacher_weights).size
        if config.data.image_size != native:
            raise ConfigError(
                f"{config.teacher_weights} of {part} learnt from images of {native} pixels, this run "
                f"has {config.data.image_size}. Use {native} pixels, or train the teacher on this data."
            )


def _refuse_student_start(config: RunConfig) -> None:
    """Students go on from a finished one of their kind that saw no patient of the test split."""
    if config.student_from is None:
        return
    source = open_run(config.student_from)
    if source.state.status != "done":
        raise RunError(f"{source.id} is {source.state.status}; students can only go on from a finished run")
    if source.config.student_arch != config.student_arch:
        raise ConfigError(
            f"the students of {source.id} are {source.config.student_arch}, these are {config.student_arch}. Choose "
            "that network, or start from another run."
        )
    _refuse_leak(config.data, source.config.data, f"student of {source.id}")


def _refuse_leak(mine: DataConfig, theirs: DataConfig, source: str) -> None:
    """What a run starts from must not have seen the patients that it tests on."""
    if isinstance(mine, PhantomConfig) and isinstance(theirs, PhantomConfig):
        return _refuse_same_phantoms(mine, theirs, source)
    if _ORIGIN[mine.kind] == _ORIGIN[theirs.kind] and _split_of(mine) != _split_of(theirs):
        raise ConfigError(
            f"the {source} was trained on another split of the same patients ({data_summary(theirs)}), some of whom "
            f"this run would test on. Use the same data settings, or do without it."
        )


def _split_of(config: DataConfig) -> dict[str, Any]:
    """What decides which patient is in which split: everything but the pixels."""
    return config.model_dump(exclude={"image_size", "size", "download"})


def _refuse_same_phantoms(mine: PhantomConfig, theirs: PhantomConfig, source: str) -> None:
    """Same seed and another number of patients means the same patients in other splits."""
    if mine.seed == theirs.seed and mine.n_patients != theirs.n_patients:
        raise ConfigError(
            f"the {source} was trained on {theirs.n_patients} patients of the same seed, some of whom this run would "
            f"test on. Use {theirs.n_patients} patients, another seed of the data, or do without it."
        )


def _refuse_other_size(mine: DataConfig, theirs: DataConfig, source: str) -> None:
    """Teacher and student of a run answer the same pixels."""
    if mine.image_size != theirs.image_size:
        raise ConfigError(
            f"the teacher of {source} takes images of {theirs.image_size} pixels, this run has {mine.image_size}. "
            f"Use {theirs.image_size} pixels, or train a new teacher."
        )
