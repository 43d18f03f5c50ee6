import json
import threading

import pytest

from cxrkd.errors import RunError
from cxrkd.jobs.events import append_event, read_events


def test_written_and_read_in_order_with_times(tmp_path):
    path = tmp_path / "events.jsonl"
    append_event(path, {"kind": "stage", "stage": "data"})
    append_event(path, {"kind": "done"})
    events = read_events(path)
    assert [event["kind"] for event in events] == ["stage", "done"]
    assert 0 <= events[1]["t"] - events[0]["t"] < 60


def test_no_file_is_no_event(tmp_path):
    assert read_events(tmp_path / "events.jsonl") == []


@pytest.mark.parametrize("tear", ['{"kind": "epoch", "lo', '{"kind": "epoch"', "\x00\x00\xff", '"text"\n', "[1]\n"])
def test_a_torn_last_line_costs_itself_only(tmp_path, tear):
    path = tmp_path / "events.jsonl"
    append_event(path, {"kind": "one"})
    with path.open("a") as file:
        file.write(tear)
    assert [event["kind"] for event in read_events(path)] == ["one"]
    append_event(path, {"kind": "two"})
    assert [event["kind"] for event in read_events(path)] == ["one", "two"]


def test_numbers_that_json_has_not_become_null(tmp_path):
    path = tmp_path / "events.jsonl"
    append_event(path, {"kind": "epoch", "val_auroc": float("nan"), "loss": float("inf")})
    assert json.loads(path.read_text())["val_auroc"] is None
    assert read_events(path)[0]["loss"] is None


def test_lines_of_many_writers_do_not_mix(tmp_path):
    path = tmp_path / "events.jsonl"

    def write(writer):
        for i in range(50):
            append_event(path, {"kind": "x", "writer": writer, "i": i, "pad": "-" * 500})

    threads = [threading.Thread(target=write, args=(w,)) for w in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(read_events(path)) == 200


def test_a_folder_that_is_gone_is_said(tmp_path):
    with pytest.raises(RunError, match="cannot write"):
        append_event(tmp_path / "gone" / "events.jsonl", {"kind": "done"})
