"""Every way to damage a run's folder that we could think of, and what must hold whatever was damaged.

`python -m tests.runs.corruptions` tries them all, a minute or two; CI takes a sample of the same list.
"""

import contextlib
import io
import json
import os
import random
import shutil
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from cxrkd.cli import main
from cxrkd.errors import CxrkdError
from cxrkd.jobs import job as job_module
from cxrkd.jobs import queue
from cxrkd.jobs.events import EVENTS
from cxrkd.jobs.health import health
from cxrkd.jobs.job import ENVIRONMENT, LOG
from cxrkd.jobs.queue import delete
from cxrkd.jobs.state import STATE
from cxrkd.runs import find, list_runs, open_run
from cxrkd.runs.checking.check import check_job
from cxrkd.runs.choosing import answering, finished_runs

LEAST = 855
DEEP = "[" * 100_000 + "]" * 100_000
VALUES = {
    "null": "null",
    "text": '"text"',
    "a number as text": '"1"',
    "a list": "[]",
    "a list of lists": "[[1], [2]]",
    "an object": "{}",
    "true": "true",
    "negative": "-1",
    "huge": "1" + "0" * 400,
    "large": "1e300",
    "NaN": "NaN",
    "infinite": "Infinity",
    "too large": "1e999",
    "deep": DEEP,
}


@dataclass(frozen=True)
class Corruption:
    """What is done to one file of a run."""

    file: str
    what: str
    do: object

    def __str__(self):
        return f"{self.file}: {self.what}"


def corruptions(run):
    """All of them, for the files that are in a run's folder, in a fixed order."""
    found = []
    for path in sorted(p for p in run.rglob("*") if p.is_file()):
        file = path.relative_to(run).as_posix()
        found += [Corruption(file, what, do) for what, do in _of_bytes(path.read_bytes()).items()]
        found += [Corruption(file, what, do) for what, do in _of_kind().items()]
        if path.suffix == ".json":
            texts = _of_json(json.loads(path.read_text()))
            found += [Corruption(file, what, _writing(text.encode())) for what, text in texts.items()]
    for name in ("models", "predictions"):
        found += [Corruption(name, what, do) for what, do in _of_kind().items() if what != "a pipe"]
    return found


def _of_bytes(data):
    rng = random.Random(len(data))
    cut = {f"cut at {at}": data[:at] for at in {1, len(data) // 2, len(data) - 10, len(data) - 1}}
    flipped = {f"bits at {at}": _flipped(data, at, rng) for at in sorted(rng.sample(range(len(data)), 5))}
    whole = {
        "emptied": b"",
        "zeros": bytes(len(data)),
        "noise": rng.randbytes(max(len(data), 64)),
        "twice": data + data,
        "a tail": data + b"\x00\xff tail",
        "not UTF-8": b"\xff\xfe" + data,
        "deep": DEEP.encode(),
        "a pickle": b"\x80\x04\x95.",
    }
    return {what: _writing(changed) for what, changed in (cut | flipped | whole).items()}


def _flipped(data, at, rng):
    return data[:at] + bytes([data[at] ^ rng.randrange(1, 256)]) + data[at + 1 :]


def _writing(data):
    return lambda path: path.write_bytes(data)


def _of_kind():
    def instead(make):
        def do(path):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
            make(path)

        return do

    return {
        "removed": instead(lambda path: None),
        "a folder": instead(lambda path: path.mkdir()),
        "a link to nothing": instead(lambda path: path.symlink_to("nothing")),
        "a link to itself": instead(lambda path: path.symlink_to(path.name)),
        "a link to a device": instead(lambda path: path.symlink_to("/dev/zero")),
        "a pipe": instead(os.mkfifo),
        "no rights": lambda path: path.chmod(0),
    }


def _of_json(value):
    """Each key away or of another type, keys added, twice, and versions that nobody knows."""
    texts = {f"all {name}": text for name, text in VALUES.items()}
    text = json.dumps(value)
    if isinstance(value, dict):
        for version in ("99", '"new"', "-1", "true", "null"):
            texts[f"version {version}"] = json.dumps({**value, "version": "@"}).replace('"@"', version)
        texts["an unknown key"] = json.dumps({**value, "colour": "blue"})
        texts["a key twice"] = text[:-1] + f", {text[1:]}"
    for keys in _places(value):
        name = ".".join(map(str, keys))
        texts[f"{name} removed"] = json.dumps(_without(value, keys))
        for what, changed in VALUES.items():
            if len(keys) < 2 or what in ("null", "text", "a list", "huge"):
                texts[f"{name} {what}"] = json.dumps(_with(value, keys, "@")).replace('"@"', changed)
    return texts


def _places(value, before=(), most=30):
    """Keys of the value, outer ones first, one of each kind of inner ones."""
    inner = value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    found = [(*before, key) for key, _ in inner]
    for key, item in list(value.items() if isinstance(value, dict) else enumerate(value[:1])) if found else ():
        if isinstance(item, dict | list) and len(before) < 4:
            found += _places(item, (*before, key))
    return found[:most]


def _with(value, keys, new):
    copy = json.loads(json.dumps(value))
    inner = copy
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = new
    return copy


def _without(value, keys):
    copy = _with(value, keys, None)
    inner = copy
    for key in keys[:-1]:
        inner = inner[key]
    del inner[keys[-1]]
    return copy


class Trial:
    """A home with a run that is damaged again and again, and another that must not suffer."""

    def __init__(self, run, other):
        self.path, self.id, self.config, self.other = run.path, run.id, run.config, other.id
        self.kept = Path(tempfile.mkdtemp(dir=run.path.parents[1])) / "kept"
        shutil.copytree(run.path, self.kept)

    def __call__(self, corruption):
        """Do the damage, ask everything of the run, repair and delete it.

        Returns:
            Whether the run read as unreadable.
        """
        if self.path.exists():
            delete(open_run(self.path))
        shutil.copytree(self.kept, self.path)
        corruption.do(self.path / corruption.file)
        unreadable = self._lists()
        self._verbs(unreadable, corruption.file)
        self._asked()
        self._repaired()
        delete(open_run(self.id))
        assert [run.id for run in list_runs() if not run.shipped] == [self.other]
        return unreadable

    def _lists(self):
        states = {run.id: run.state for run in list_runs()}
        assert {self.id, self.other} <= set(states)
        assert states[self.other].status == "done"
        assert states[self.id].status in ("done", "unreadable"), states[self.id]
        unreadable = states[self.id].status == "unreadable"
        assert self.other in [run.id for run in finished_runs()]
        assert unreadable == (self.id in health().unreadable)
        return unreadable

    def _verbs(self, unreadable, file):
        assert said("runs", "list", "--json")[0] == 0
        code, out, err = said("runs", "show", self.id)
        assert (code == 0) != unreadable, err
        assert not unreadable or self.id in out + err
        log, evaluate = ["runs", "log", self.id], ["evaluate", self.id, "--json"]
        for words in [log] if file in (LOG, EVENTS, ENVIRONMENT, STATE) else [evaluate]:
            code, _, err = said(*words)
            assert code == 0 or err.startswith("cxrkd: "), err

    def _asked(self):
        run = open_run(self.id)
        for ask in (run.metrics, run.events, run.environment, lambda: run.log_tail(), lambda: run.labels):
            told(ask)
        for member in ("teacher", "distilled"):
            told(lambda member=member: run.load_model(member))
        told(lambda: answering(finished_runs()[-1], finished_runs()))
        assert find(self.config) is None or find(self.config).id in (self.id, self.other)
        assert queue.oldest_queued() is None

    def _repaired(self):
        code, _, err = said("runs", "check", self.id, "--repair")
        assert code in (0, 1), err
        if code == 0:
            assert check_job(open_run(self.id)) == []
            assert open_run(self.id).state.status == "done"
            assert open_run(self.id).metrics().labels


def told(ask):
    """The answer, or None where a sentence says why there is none; anything else is a defect."""
    try:
        return ask()
    except CxrkdError as error:
        sentence = str(error)
    assert 20 < len(sentence) < 700, sentence
    return None


def said(*words):
    """Exit code, stdout and stderr of a command, in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main([str(word) for word in words])
    assert "unexpected" not in err.getvalue(), err.getvalue()
    assert "Traceback" not in err.getvalue(), err.getvalue()
    return code, out.getvalue(), err.getvalue()


def try_all():
    """Run every corruption in a home of its own and print what failed."""
    from tests import toys

    toys.register()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["CXRKD_HOME"], job_module.SHIPPED = folder, Path(folder) / "none"
        run, other = toys.small_run("damaged"), toys.small_run("whole")
        trial, every = Trial(run, other), corruptions(run.path)
        counts = Counter()
        for corruption in every:
            try:
                counts["unreadable" if trial(corruption) else "listed as it is"] += 1
            except Exception as error:
                counts["FAILED"] += 1
                print(f"{corruption}: {type(error).__name__}: {str(error)[:400]}", flush=True)
    print(f"{len(every)} corruptions: {dict(counts)}")
    return counts["FAILED"]


if __name__ == "__main__":
    sys.exit(bool(try_all()))
