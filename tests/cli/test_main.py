import errno
import os
import signal
import subprocess
import sys

import pytest

from cxrkd.cli import main as entry
from cxrkd.errors import RunError

VERBS = ["app", "models", "classify", "explain", "evaluate", "export", "distill", "runs", "bench", "data", "gate"]


def shell(*words):
    return subprocess.run([sys.executable, "-m", "cxrkd", *words], capture_output=True, text=True, check=False)


def test_help_names_every_verb_and_imports_nothing_heavy():
    code = "import sys; sys.argv[0] = 'x'\nfrom cxrkd.cli import main\n"
    code += "try: main(['--help'])\nexcept SystemExit as stop: assert stop.code == 0\n"
    code += "heavy = {'numpy', 'torch', 'pydantic', 'pandas', 'streamlit', 'PIL'} & set(sys.modules)\n"
    code += "sys.exit(str(heavy or 0))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert found.stderr.strip() == "0", found.stderr
    assert all(verb in found.stdout for verb in VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(cli, verb):
    found = cli(verb, "--help")
    assert found.code == 0
    assert verb in found.out


@pytest.mark.parametrize(
    "words", [[], ["nonsense"], ["reference"], ["explain", "a.png", "--method", "eigen"], ["runs"]]
)
def test_wrong_usage_is_two_and_leaves_stdout_empty(cli, words):
    found = cli(*words)
    assert (found.code, found.out) == (2, "")
    assert "usage" in found.err


def test_an_error_of_ours_is_one_sentence(cli):
    found = cli("runs", "show", "no-such-run", "--json")
    assert (found.code, found.out) == (2, "")
    assert found.err.startswith("cxrkd: expected the id or the folder of a run")
    assert found.err.count("\n") == 1


def failing(error):
    def call(args):
        raise error

    return call


def main_with(monkeypatch, call, *words):
    from cxrkd.cli import models

    monkeypatch.setattr(models, "call", call)
    return entry(["models", *words])


def test_an_unforeseen_error_is_a_sentence_and_debug_shows_where(monkeypatch, capsys):
    assert main_with(monkeypatch, failing(KeyError("lost"))) == 2
    quiet = capsys.readouterr().err
    assert "Traceback" not in quiet
    assert "KeyError" in quiet
    assert "--debug" in quiet
    assert main_with(monkeypatch, failing(KeyError("lost")), "--debug") == 2
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.EROFS, os.strerror(errno.EROFS), "/films/cache"),
        OSError(errno.EACCES, os.strerror(errno.EACCES), "/films/cache"),
        RuntimeError(f"write failed: {os.strerror(errno.ENOSPC)}"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_disk_that_cannot_be_written_is_no_surprise(monkeypatch, capsys, error):
    assert main_with(monkeypatch, failing(error)) == 2
    said = capsys.readouterr().err
    assert said.startswith("cxrkd: cannot write to ")
    assert "unexpected" not in said
    assert ("/films/cache" in said) == isinstance(error, OSError)


def test_debug_shows_the_traceback_of_our_own_errors_too(monkeypatch, capsys):
    assert main_with(monkeypatch, failing(RunError("gone")), "--debug") == 2
    assert "Traceback" in capsys.readouterr().err


def test_ctrl_c_is_130(monkeypatch, capsys):
    assert main_with(monkeypatch, failing(KeyboardInterrupt())) == 130
    assert "Interrupted" in capsys.readouterr().err


def test_what_libraries_print_does_not_reach_stdout():
    code = "import os, sys\nfrom cxrkd.cli import main, models\nfrom cxrkd.cli.output import Report\n"
    code += "def call(args):\n    print('python noise')\n    os.system('echo system noise')\n"
    code += "    return Report({'a': 1}, [])\n"
    code += "models.call = call\nsys.exit(main(['models', '--json']))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert found.returncode == 0
    assert found.stdout == '{\n  "a": 1\n}\n'
    assert "python noise" in found.stderr
    assert "system noise" in found.stderr


def test_a_closed_pipe_is_silent():
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "cxrkd", "runs", "list"]
    found = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, check=False)
    os.close(write)
    assert found.returncode == 141
    assert found.stderr == b""


def test_interrupted_from_outside():
    code = "import sys, time\nfrom cxrkd.cli import main, models\n"
    code += "models.call = lambda args: (print('on'), time.sleep(60))\nsys.exit(main(['models']))"

    def heed():
        """Whoever starts the tests in the background of a script has them, and so their children, ignore the signal."""
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    child = subprocess.Popen([sys.executable, "-u", "-c", code], stderr=subprocess.PIPE, preexec_fn=heed)
    assert child.stderr.readline() == b"on\n"
    child.send_signal(signal.SIGINT)
    assert child.wait(20) == 130
    assert b"Traceback" not in child.stderr.read()


def test_the_module_runs():
    found = shell("--version")
    assert found.returncode == 0
    assert found.stdout.startswith("cxrkd ")
