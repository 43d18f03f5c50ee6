"""The door to the apps for a browser: their files under types that run, and nothing else of this machine."""

import asyncio
from urllib.parse import urljoin, urlsplit

import pytest

from cxrkd.dashboard.serving.browser_door import BrowserDoor, address
from cxrkd.export import exported

KEY = "0123456789abcdef" * 2


@pytest.fixture
def app(tmp_path, monkeypatch):
    """A folder of an app in a home of its own, beside something that is nobody's business."""
    monkeypatch.setenv("CXRKD_HOME", str(tmp_path))
    folder = exported.folder_of_apps() / KEY
    (folder / "app").mkdir(parents=True)
    (folder / "index.html").write_text("<title>app</title>")
    (folder / "app" / "main.js").write_text("start();")
    (folder / "runtime.wasm.pack").write_bytes(b"\x1f\x8b")
    (tmp_path / "cache" / "secret.txt").write_text("secret")
    return folder


def ask(path, method="GET", headers=()):
    """Status, headers and body of an answer; status 299 where the door lets the request through."""
    answer = {"status": 0, "headers": {}, "body": b""}

    async def behind(scope, receive, send):
        await send({"type": "http.response.start", "status": 299, "headers": []})
        await send({"type": "http.response.body", "body": b"behind"})

    async def receive():
        return await asyncio.Event().wait()  # a client that stays

    async def send(message):
        answer["status"] = message.get("status", answer["status"])
        answer["headers"] |= {key.decode(): value.decode() for key, value in message.get("headers", [])}
        answer["body"] += message.get("body", b"")

    scope = {"type": "http", "method": method, "path": path, "root_path": "", "headers": list(headers)}
    asyncio.run(BrowserDoor(behind)(scope, receive, send))
    return answer


@pytest.mark.parametrize("base", ["", "tools/xray"])
@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ("", "text/html; charset=utf-8"),
        ("app/main.js", "text/javascript; charset=utf-8"),
        ("runtime.wasm.pack", "application/octet-stream"),
    ],
)
def test_files_come_under_types_that_browsers_run(app, base, file, kind):
    got = ask(address(base, KEY) + file)
    assert got["status"] == 200
    assert got["headers"]["content-type"] == kind
    assert got["body"] == (app / (file or "index.html")).read_bytes()
    assert "content-encoding" not in got["headers"]


def test_a_file_that_has_not_changed_is_not_sent_again(app):
    tag = ask(address("", KEY))["headers"]["etag"]
    again = ask(address("", KEY), headers=[(b"if-none-match", tag.encode())])
    assert (again["status"], again["body"]) == (304, b"")


def test_an_address_without_its_slash_is_sent_on(app):
    got = ask(address("", KEY).rstrip("/"))
    assert got["status"] == 307
    assert got["headers"]["location"] == address("", KEY)


@pytest.mark.parametrize("before", ["//evil.org", "///evil.org", "/\\evil.org"])
def test_an_address_that_looks_like_another_host_is_not_sent_there(app, before):
    location = ask(before + address("", KEY).rstrip("/"))["headers"]["location"]
    assert urlsplit(urljoin("http://us.org/", location)).netloc == "us.org"


@pytest.mark.parametrize(
    "rest", ["../../secret.txt", "..%2f..%2fsecret.txt", "/etc/passwd", "nothing.js", "app", "app/../../../secret.txt"]
)
def test_nothing_outside_the_folder_is_served(app, rest):
    got = ask(address("", KEY) + rest)
    assert got["status"] == 404
    assert b"secret" not in got["body"]


def test_a_link_out_of_the_folder_is_not_followed(app):
    (app / "out.txt").symlink_to(app.parents[1] / "secret.txt")
    assert ask(address("", KEY) + "out.txt")["status"] == 404


def test_a_link_that_leads_to_itself_is_no_file(app):
    (app / "loop").symlink_to("loop")
    assert ask(address("", KEY) + "loop/below.js")["status"] == 404


@pytest.mark.parametrize("key", ["", "..", "0123", "x" * 32, KEY[:-1]])
def test_what_is_no_key_is_left_to_the_app_behind(app, key):
    assert ask(f"/in-browser/{key}/secret.txt")["status"] == 299


def test_an_app_that_is_not_there_is_told_of(app):
    assert ask(address("", "f" * 32))["status"] == 404


def test_only_reading_is_answered(app):
    assert ask(address("", KEY), "POST")["status"] == 405
