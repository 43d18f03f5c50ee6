"""Bytes are counted before they enter the memory: of one visitor, of all, announced or not, on their way or there."""

import asyncio
from types import SimpleNamespace
from weakref import WeakValueDictionary

import pytest
from starlette.applications import Starlette
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec
from streamlit.web.server.starlette import starlette_routes

from cxrkd.dashboard import session
from cxrkd.dashboard.serving import upload_door, uploads
from cxrkd.dashboard.serving.upload_door import FORM, UploadDoor
from cxrkd.dashboard.session import Session

MB = 1_000_000
EDGE = b"----edge"


def form(size, name="film.png"):
    head = b'--%b\r\nContent-Disposition: form-data; name="file"; filename="%b"\r\n\r\n' % (EDGE, name.encode())
    return head + bytes(size) + b"\r\n--%b--\r\n" % EDGE


class Request:
    """One request to an ASGI app, which may be held up after its first piece."""

    def __init__(self, method, path, body=b"", *, announced=True, pieces=1, held_up=False):
        headers = [(b"content-type", b"multipart/form-data; boundary=" + EDGE)]
        headers += [(b"content-length", str(len(body)).encode())] * announced
        self.scope = {"type": "http", "method": method, "path": path, "raw_path": path.encode(), "root_path": ""}
        self.scope |= {"headers": headers, "query_string": b"", "http_version": "1.1", "scheme": "http"}
        self.scope |= {"server": ("127.0.0.1", 80), "client": ("127.0.0.1", 1), "asgi": {"version": "3.0"}}
        step = -(-len(body) // pieces) or 1
        self.pieces = [body[at : at + step] for at in range(0, len(body), step)] or [b""]
        self.taken, self.status, self.said = 0, None, b""
        self.waiting, self.go = asyncio.Event(), asyncio.Event()
        if not held_up:
            self.go.set()

    async def receive(self):
        if self.taken == 1:
            self.waiting.set()
            await self.go.wait()
        if self.taken >= len(self.pieces):
            await asyncio.Event().wait()  # a client that stays
        self.taken += 1
        return {
            "type": "http.request",
            "body": self.pieces[self.taken - 1],
            "more_body": self.taken < len(self.pieces),
        }

    async def send(self, message):
        self.status = message.get("status", self.status)
        self.said += message.get("body", b"")

    async def to(self, app):
        await app(self.scope, self.receive, self.send)
        return self


@pytest.fixture
def store():
    return MemoryUploadedFileManager("/_stcore/upload_file")


@pytest.fixture
def door(store, monkeypatch):
    """Streamlit's own upload routes behind the door, with the sessions "a", "b", ..."""
    monkeypatch.setattr(starlette_routes, "is_xsrf_enabled", lambda: False)
    monkeypatch.setattr(uploads, "exists", lambda: True)
    monkeypatch.setattr(uploads, "get_instance", lambda: SimpleNamespace(uploaded_file_mgr=store))
    monkeypatch.setattr(session, "_EVERYONE", WeakValueDictionary())  # those of other tests may not have ended yet
    runtime = SimpleNamespace(is_active_session=lambda visitor: len(visitor) == 1)
    return UploadDoor(Starlette(routes=starlette_routes.create_upload_routes(runtime, store, "")))


def put(visitor, file, size=MB, **how):
    return Request("PUT", f"/_stcore/upload_file/{visitor}/{file}", form(size), **how)


def sizes(store, visitor="a"):
    return [len(file.data) for file in store.file_storage.get(visitor, {}).values()]


def run(work):
    return asyncio.run(work())


def test_what_there_is_room_for_is_taken(door, store):
    assert run(lambda: put("a", 1).to(door)).status == 204
    assert sizes(store) == [MB]
    assert not door.coming


@pytest.mark.parametrize("how", [{}, {"announced": False, "pieces": 7}], ids=["announced", "not announced"])
def test_one_visitor_holds_only_so_many_bytes(door, store, monkeypatch, how):
    monkeypatch.setattr(uploads, "MAX_BYTES", 3 * MB)

    async def work():
        return [await put("a", n, **how).to(door) for n in range(5)]

    found = run(work)
    assert [one.status for one in found] == [204, 204, 204, 413, 413]
    assert found[3].said.decode().startswith("A file was not taken: with it you would hold 4 files and 4 MB here")
    assert sizes(store) == [MB] * 3
    assert run(lambda: put("b", 1).to(door)).status == 204, "another visitor has room"
    assert not door.coming


def test_a_file_that_is_announced_too_large_is_not_read_at_all(door, monkeypatch):
    monkeypatch.setattr(uploads, "MAX_BYTES", MB)
    found = run(lambda: put("a", 1, 2 * MB, pieces=4).to(door))
    assert (found.status, found.taken) == (413, 0)


def test_a_file_that_says_too_little_is_read_only_so_far(door, store, monkeypatch):
    monkeypatch.setattr(uploads, "MAX_BYTES", MB)
    request = put("a", 1, 10 * MB, pieces=20)
    request.scope["headers"] = [(k, b"10" if k == b"content-length" else v) for k, v in request.scope["headers"]]
    run(lambda: request.to(door))
    assert (request.status, sizes(store)) == (413, [])
    assert request.taken <= 3


@pytest.mark.parametrize("length", [b"", b"many", b"-5", "\u0665".encode()])
def test_a_length_that_is_none_is_left_to_streamlit(door, length):
    request = put("a", 1)
    request.scope["headers"] = [(k, length if k == b"content-length" else v) for k, v in request.scope["headers"]]
    assert run(lambda: request.to(door)).status in (204, 400)
    assert not door.coming


def test_one_visitor_holds_only_so_many_files(door, store):
    async def work():
        return [(await put("a", n, 10).to(door)).status for n in range(uploads.MAX_FILES + 2)]

    assert run(work) == [204] * uploads.MAX_FILES + [413] * 2


def test_all_visitors_together_hold_only_so_many_bytes(door, store, monkeypatch):
    monkeypatch.setattr(uploads, "MAX_BYTES_IN_ALL", 3 * MB)

    async def work():
        return [await put(visitor, 1).to(door) for visitor in "abcd"]

    found = run(work)
    assert [one.status for one in found] == [204, 204, 204, 413]
    assert "the uploads of all visitors" in found[3].said.decode()


def test_what_is_deleted_makes_room(door, store, monkeypatch):
    monkeypatch.setattr(uploads, "MAX_BYTES", MB)

    async def work():
        first = await put("a", 1).to(door)
        full = await put("a", 2).to(door)
        gone = await Request("DELETE", "/_stcore/upload_file/a/1").to(door)
        return first.status, full.status, gone.status, (await put("a", 3).to(door)).status

    assert run(work) == (204, 413, 204, 204)


def test_a_visitor_who_leaves_makes_room(door, store, monkeypatch):
    monkeypatch.setattr(uploads, "MAX_BYTES_IN_ALL", MB)
    assert run(lambda: put("a", 1).to(door)).status == 204
    assert run(lambda: put("b", 1).to(door)).status == 413
    store.remove_session_files("a")
    assert run(lambda: put("b", 1).to(door)).status == 204


def test_files_on_their_way_count(door, store, monkeypatch):
    monkeypatch.setattr(uploads, "MAX_BYTES", 2 * MB)

    async def work():
        slow = [put("a", n, pieces=3, held_up=True) for n in range(2)]
        tasks = [asyncio.create_task(one.to(door)) for one in slow]
        for one in slow:
            await one.waiting.wait()
        full = await put("a", 3).to(door)
        for one in slow:
            one.go.set()
        await asyncio.gather(*tasks)
        return full.status, [one.status for one in slow]

    assert run(work) == (413, [204, 204])
    assert sizes(store) == [MB, MB]
    assert not door.coming


def test_a_client_that_goes_away_leaves_nothing_behind(door):
    async def work():
        request = put("a", 1, pieces=3, held_up=True)
        task = asyncio.create_task(request.to(door))
        await request.waiting.wait()
        assert len(door.coming) == 1
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    run(work)
    assert not door.coming


def test_a_session_that_is_none_is_left_to_streamlit(door):
    assert run(lambda: put("unknown", 1).to(door)).status == 400
    assert not door.coming


@pytest.mark.parametrize("path", ["/_stcore/health", "/_stcore/upload_file/a", "/classify"])
def test_all_else_goes_through(path):
    seen = []

    async def app(scope, receive, send):
        seen.append((scope["path"], receive, send))

    request = Request("PUT", path)
    run(lambda: request.to(UploadDoor(app, lambda: {"a": dict.fromkeys(range(99), MB)})))
    assert [path_ for path_, *_ in seen] == [path]
    run(lambda: UploadDoor(app)({"type": "lifespan", "path": path}, None, None))
    assert len(seen) == 2


def test_a_base_path_changes_nothing():
    async def app(*_):
        raise AssertionError("let through")

    request = Request("PUT", "/films/_stcore/upload_file/a/1", form(10))
    run(lambda: request.to(UploadDoor(app, lambda: {"a": dict.fromkeys(range(99), MB)})))
    assert request.status == 413


def test_the_page_learns_why_a_file_was_not_taken(door, monkeypatch):
    chosen = Session()
    monkeypatch.setitem(session._EVERYONE, "a", chosen)
    monkeypatch.setattr(uploads, "MAX_FILES", 0)
    run(lambda: put("a", 1).to(door))
    assert chosen.not_taken.startswith("A file was not taken")


def test_a_file_of_a_box_and_of_a_session_counts_once(door, store, monkeypatch):
    data = bytes(MB)
    store.add_file("a", UploadedFileRec("1", "film.png", "", data))
    chosen = Session(uploads=(("film.png", data), ("remembered.png", bytes(2 * MB))))
    monkeypatch.setitem(session._EVERYONE, "a", chosen)
    assert sorted(uploads.held()["a"].values()) == [MB, 2 * MB]
    monkeypatch.delitem(session._EVERYONE, "a")
    assert list(uploads.held()["a"].values()) == [MB]


def test_a_session_that_has_ended_is_forgotten(monkeypatch):
    chosen = Session(uploads=(("film.png", bytes(10)),))
    session._EVERYONE["ended"] = chosen
    assert "ended" in session.everyone()
    del chosen
    assert "ended" not in session.everyone()


def test_what_left_the_box_leaves_the_store(store, monkeypatch):
    chosen, context = Session(), SimpleNamespace(uploaded_file_mgr=store, session_id="a")
    monkeypatch.setattr(session, "current", lambda: chosen)
    monkeypatch.setattr(uploads, "get_script_run_ctx", lambda: context)
    for n in range(3):
        store.add_file("a", UploadedFileRec(str(n), "film.png", "", bytes(10)))
    box = [SimpleNamespace(file_id="0"), SimpleNamespace(file_id="1")]
    uploads.release(box)
    assert list(store.file_storage["a"]) == ["0", "1", "2"], "the third is on its way into the box"
    uploads.release(box[:1])
    assert list(store.file_storage["a"]) == ["0", "2"]
    uploads.release([])
    assert list(store.file_storage["a"]) == ["2"]


def test_the_bounds_are_as_the_box_says():
    said = uploads.no_room("a", [("a", 1)] * 33, {})
    assert "at most 32 files and 200 MB together" in said
    assert uploads.no_room("a", [("a", MB)] * 32, {}) is None
    assert "33 files" in said
    assert uploads.no_room("a", [("a", 200 * MB + 1)], {})
    assert uploads.no_room("a", [("a", 200 * MB)], {}) is None
    assert uploads.no_room("f", [("f", 1)], {who: {0: 200 * MB} for who in "abcde"})
    assert len(form(0, "x" * 255)) < FORM
    assert upload_door.TOO_LARGE == 413
