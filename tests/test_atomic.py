import os
import time

import pytest

from cxrkd.atomic import ABANDONED_S, PART, replacing, sweep


def test_the_old_file_stays_until_the_new_one_is_whole(tmp_path):
    path = tmp_path / "a" / "x.txt"
    with replacing(path) as part:
        part.write_text("old")
    with replacing(path) as part:
        part.write_text("new")
        assert path.read_text() == "old"
        assert part.name.startswith(PART)
        assert part.suffix == ".txt"
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o644
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("stop", [ValueError, KeyboardInterrupt])
def test_whatever_stops_the_writer_nothing_is_left(tmp_path, stop):
    def write():
        with replacing(tmp_path / "x") as part:
            part.write_text("half")
            raise stop

    with pytest.raises(stop):
        write()
    assert list(tmp_path.iterdir()) == []


def test_only_what_nobody_writes_any_more_is_swept(tmp_path):
    """A day after its writer was killed; of this kind of file, and never a whole one."""
    names = {f"{PART}old.zip", f"{PART}new.zip", f"{PART}old.onnx", "old.zip"}
    for name in names:
        (tmp_path / name).write_text("half")
        if "old" in name:
            os.utime(tmp_path / name, (time.time() - 1.1 * ABANDONED_S,) * 2)
    sweep(tmp_path, ".zip")
    assert {path.name for path in tmp_path.iterdir()} == names - {f"{PART}old.zip"}
