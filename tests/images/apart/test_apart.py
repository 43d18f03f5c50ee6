"""What is read in a process of its own is what is read here; what goes wrong there is one sentence here."""

import io
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cxrkd.errors import ImageError
from cxrkd.images.apart import Limits, ReadingPool, ReadingProcess, process, wire
from cxrkd.images.files import film_of
from cxrkd.images.film import Film
from cxrkd.images.gate import judge
from cxrkd.images.radiograph import crop_note, to_input, to_tones
from cxrkd.images.read import read
from cxrkd.places import CHECKOUT

CASES = Path(__file__).parents[1] / "cases"
# Too long for any machine to take it for the file: what is tested is that somebody ends it.
LONG = Limits(seconds=300, wall_seconds=300)


def png(pixels):
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


FILM = png(np.random.default_rng(0).integers(0, 256, (90, 70), dtype=np.uint8))


@pytest.fixture(scope="module")
def misbehaving(tmp_path_factory):
    """A process that does what the name of a file says; the others it reads."""
    hook = tmp_path_factory.mktemp("hook") / "hook.py"
    hook.write_text(
        "import os, signal, sys, time\n"
        "if NAME == 'hang': time.sleep(3600)\n"
        "if NAME == 'spin':\n    while True: pass\n"
        "if NAME == 'crash': os.kill(os.getpid(), signal.SIGSEGV)\n"
        "if NAME == 'raise': raise RuntimeError('a defect of ours')\n"
        "if NAME == 'swell': bytearray(1 << 40)\n"
        "if NAME == 'print': os.write(1, b'libpng warning: odd\\n'); print('odd', flush=True)\n"
    )
    reader = ReadingProcess(LONG, hook)
    yield reader
    reader.close()


def refused(reader, name, data=FILM):
    with pytest.raises(ImageError) as caught:
        reader.read(data, name, 32)
    assert str(caught.value).startswith(name)
    return str(caught.value)


@pytest.mark.parametrize("path", sorted(CASES.glob("*.*")), ids=lambda path: path.name)
def test_a_film_is_the_same_bit_by_bit(path):
    data, size = path.read_bytes(), 48
    if path.name == "jpegls_12bit.dcm":
        pytest.importorskip("gdcm", reason="needs python-gdcm, the decoder of JPEG-LS")
    r = read(data, path.name)
    for apart in (True, False):
        film = film_of(data, path.name, size, apart=apart)
        np.testing.assert_array_equal(film.tones, to_tones(r, size))
        np.testing.assert_array_equal(film.pixels, to_input(r, size))
        assert film.pixels.dtype == to_input(r, size).dtype
        assert (film.name, film.sha256, film.real) == (r.name, r.sha256, True)
        assert film.notes == (*r.notes, *filter(None, [crop_note(r)]))
        assert film.gate == judge(r)
        np.testing.assert_array_equal(film.read(), r.pixels)
        assert film.read().dtype == r.pixels.dtype


@pytest.mark.parametrize("size", [32, 64, 224, 500])
@pytest.mark.parametrize("shape", [(64, 64), (224, 224), (700, 900), (1500, 500)])
def test_every_size_is_what_the_full_film_gives(shape, size):
    noise = np.random.default_rng(1).integers(0, 4096, shape, dtype=np.uint16)
    r = read(png(noise), "noise.png")
    film = film_of(png(noise), "noise.png", size, apart=True)
    np.testing.assert_array_equal(film.pixels, to_input(r, size))
    assert film.gate == judge(r)
    assert film.tones.nbytes == size**2
    assert not film.tones.flags.writeable


def test_a_refusal_has_the_same_words():
    for data, name in ((b"text", "a\n1.png"), (b"", "leer.png"), (FILM[:60], "cut \udcff.png"), (b"%PDF-", "ü.pdf")):
        with pytest.raises(ImageError) as here:
            read(data, name)
        with pytest.raises(ImageError) as there:
            film_of(data, name, 32, apart=True)
        assert str(there.value) == str(here.value)


@pytest.mark.parametrize("name", ["crash", "raise"])
def test_a_crash_is_a_sentence_and_the_next_file_is_read(misbehaving, name):
    assert "crashed" in refused(misbehaving, name)
    assert misbehaving.read(FILM, "fine.png", 32).name == "fine.png"


def test_what_hangs_is_ended(misbehaving):
    misbehaving.read(FILM, "fine.png", 32)
    first = misbehaving.pid
    misbehaving.limits = Limits(wall_seconds=0.2)
    assert "takes more than" in refused(misbehaving, "hang")
    misbehaving.limits = LONG
    misbehaving.read(FILM, "fine.png", 32)
    assert misbehaving.pid != first


@pytest.mark.skipif(sys.platform == "win32", reason="needs limits of the system")
def test_what_hangs_ends_without_its_parent_too(misbehaving):
    """Where the server was killed while it waited."""
    command = process._command(Limits(300, 0), misbehaving._hook)
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=process._environment())
    wire.receive(child.stdout)
    wire.send(child.stdin, {"name": "hang", "size": 32}, FILM)
    child.stdin.close()
    assert child.wait(timeout=120) == -signal.SIGALRM
    child.stdout.close()


@pytest.mark.skipif(sys.platform == "win32", reason="needs limits of the system")
def test_time_of_the_processor_is_told_from_a_crash(misbehaving):
    with ReadingProcessOf(misbehaving, Limits(1, 300)) as reader:
        assert "takes more than 1 s" in refused(reader, "spin")


class ReadingProcessOf:
    """Another process with the same hook and other limits."""

    def __init__(self, reader, limits):
        self.reader = ReadingProcess(limits, reader._hook)

    def __enter__(self):
        return self.reader

    def __exit__(self, *_):
        self.reader.close()


def test_too_much_memory_is_a_sentence_of_its_own(misbehaving):
    assert "needs more memory" in refused(misbehaving, "swell")
    assert misbehaving.read(FILM, "fine.png", 32)


def test_the_system_bounds_the_memory_of_a_decoder(misbehaving):
    """A film of 36 megapixels where 100 MB are left after the libraries."""
    misbehaving.read(FILM, "fine.png", 32)
    if not misbehaving.limited:
        pytest.skip("this system does not bound the memory of a process")
    status = Path(f"/proc/{misbehaving.pid}/status")
    if not status.exists():
        pytest.skip("needs /proc to know what the libraries take")
    taken = int(status.read_text().split("VmSize:")[1].split()[0]) * 1024
    film = np.tile(np.arange(6000, dtype=np.uint16) * 10, (6000, 1))
    with ReadingProcessOf(misbehaving, Limits(300, 300, taken + 100_000_000)) as reader:
        assert "needs more memory" in refused(reader, "large.png", png(film))
        assert reader.read(FILM, "fine.png", 32)


def test_what_a_library_prints_is_no_answer(misbehaving):
    assert misbehaving.read(FILM, "print", 32).name == "print"


def test_it_ends_when_its_parent_does():
    """The error stream is the child's too, so that reading it to its end waits for both."""
    code = (
        "import os, sys\n"
        "from cxrkd.images.apart import ReadingProcess\n"
        "ReadingProcess().read(sys.stdin.buffer.read(), 'a.png', 32)\n"
        "os._exit(9)\n"
    )
    env = os.environ | {"PYTHONPATH": str(CHECKOUT)}
    ended = subprocess.run([sys.executable, "-c", code], input=FILM, stderr=subprocess.PIPE, env=env, timeout=120)
    assert ended.returncode == 9, ended.stderr.decode()


def test_a_module_of_the_working_directory_is_not_its_own(tmp_path, monkeypatch):
    (tmp_path / "numpy.py").write_text("raise SystemExit('shadowed')")
    (tmp_path / "cxrkd").mkdir()
    (tmp_path / "cxrkd" / "__init__.py").write_text("raise SystemExit('shadowed')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    reader = ReadingProcess()
    try:
        assert reader.read(FILM, "fine.png", 32)
    finally:
        reader.close()


def test_it_loads_nothing_that_is_large():
    code = (
        "import sys, cxrkd.images.apart.child; print([m for m in ('torch', 'streamlit', 'pandas') if m in sys.modules])"
    )
    env = os.environ | {"PYTHONPATH": str(CHECKOUT)}
    assert subprocess.check_output([sys.executable, "-c", code], env=env).strip() == b"[]"


def test_a_process_that_does_not_start_is_a_sentence(monkeypatch):
    monkeypatch.setattr(process, "_command", lambda *_: [sys.executable, "-c", "raise SystemExit(1)"])
    assert "does not start" in refused(ReadingProcess(), "film.png")
    monkeypatch.setattr(process, "_command", lambda *_: [str(CASES / "no such program")])
    assert "does not start" in refused(ReadingProcess(), "film.png")


class Slow:
    """A reader that waits to be told, and how many are at work at once."""

    at_work, most, lock, go = 0, 0, threading.Lock(), threading.Event()

    def read(self, data, name, size):
        with Slow.lock:
            Slow.at_work += 1
            Slow.most = max(Slow.most, Slow.at_work)
        Slow.go.wait(60)
        with Slow.lock:
            Slow.at_work -= 1
        return Film(name, np.zeros((size, size), np.uint8), lambda: None)


def test_only_so_many_are_at_work_at_once():
    readers, answers = ReadingPool(2, Slow), []
    threads = [
        threading.Thread(target=lambda n=n: answers.append(readers.read(FILM, str(n), 32).name)) for n in range(8)
    ]
    for thread in threads:
        thread.start()
    Slow.go.set()
    for thread in threads:
        thread.join(60)
    assert sorted(answers) == [str(n) for n in range(8)]
    assert 1 <= Slow.most <= 2


def test_a_reader_comes_back_after_a_refusal():
    class Refusing:
        def read(self, *_):
            raise ImageError("no")

        whole = read

    readers = ReadingPool(1, Refusing)
    for _ in range(3):
        with pytest.raises(ImageError, match="no"):
            readers.read(FILM, "a.png", 32)
        with pytest.raises(ImageError, match="no"):
            readers.whole(FILM, "a.png")


def test_half_an_answer_is_none():
    with pytest.raises(EOFError):
        wire.receive(io.BytesIO(json.dumps({"sizes": [10]}).encode() + b"\n12345"))
    with pytest.raises(EOFError):
        wire.receive(io.BytesIO(b'{"sizes": []'))
