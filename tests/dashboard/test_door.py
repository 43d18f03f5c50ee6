"""Who comes in by the door, and as whom: requests as a server hands them on, without a server."""

import asyncio
import json

import pytest
from streamlit import config as streamlit_config
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.web.server import server_util
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from cxrkd.access import doorway, tokens
from cxrkd.access.roles import THIS_MACHINE, Person
from cxrkd.dashboard.serving import server
from cxrkd.dashboard.serving.door import PERSON, SEAL, Door, Policy, introduced

SHARED = Policy(local=False, hosts=frozenset({"films.clinic.org"}))


@pytest.fixture(autouse=True)
def _own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("CXRKD_HOME", str(tmp_path))


class Answer:
    """What came back, and who the app inside was told is asking (None where it was not reached)."""

    def __init__(self):
        self.status, self.headers, self.body, self.closed = None, [], b"", None
        self.reached, self.who, self.heard = False, None, []

    def header(self, name):
        return [value.decode() for key, value in self.headers if key == name.encode()]


def ask(policy, path="/", *, kind="http", host="127.0.0.1:8501", client="127.0.0.1", method="GET", query="", **more):
    """Send one request through a door; further headers by name, `frames` as a websocket receives them."""
    answer, frames = Answer(), more.pop("frames", [])
    local = more.pop("local", "127.0.0.1")
    hosts = [] if host is None else [host] if isinstance(host, str) else host
    headers = [(b"host", one.encode("latin-1")) for one in hosts]
    headers += [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in more.items()]
    scope = {"type": kind, "path": path, "method": method, "query_string": query.encode(), "headers": headers}
    scope |= {"client": (client, 50_000), "server": (local, 8501), "scheme": "http" if kind == "http" else "ws"}
    messages = [{"type": "websocket.receive", "bytes": frame} for frame in frames] + [{"type": "websocket.disconnect"}]

    async def app(scope, receive, send):
        answer.reached = True
        told = dict(scope["headers"]).get(PERSON)
        answer.who = introduced(told.decode())[0] if told else None
        while kind == "websocket" and (message := await receive())["type"] != "websocket.disconnect":
            answer.heard.append(message["bytes"])
        if kind == "http":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"inside"})

    async def receive():
        return messages.pop(0)

    async def send(message):
        if message["type"] == "http.response.start":
            answer.status, answer.headers = message["status"], message["headers"]
        elif message["type"] == "http.response.body":
            answer.body += message["body"]
        else:
            answer.closed = message["code"]

    asyncio.run(Door(app, lambda: policy)(scope, receive, send))
    return answer


def enter(policy, role, **how):
    """Open the link of a role; what the browser then sends as its cookie."""
    found = ask(policy, query=f"token={tokens.tokens()[role]}", **how)
    assert (found.status, found.reached) == (200, False)
    return found.header("set-cookie")[0].partition(";")[0]


def test_on_this_machine_nobody_needs_a_link():
    for kind in ("http", "websocket"):
        for host in ("localhost:8501", "LOCALHOST.", "127.0.0.1", "[::1]:8501", "127.0.0.53:80"):
            assert ask(Policy(), kind=kind, host=host).who == THIS_MACHINE, host


@pytest.mark.parametrize(
    "host",
    [
        "evil.org",
        "localhost.evil.org",
        "evil.org:8501",
        "localhost@evil.org",
        "evil.org#localhost",
        "localhost/",
        "%6cocalhost",
        "local%00host",
        "localhost:port",
        "localhost:99999",
        "localhost:80:80",
        "2130706433",
        "0x7f.1",
        "127.1",
        "0",
        "0.0.0.0",
        "[::1",
        "::1",
        "[fe80::1%25lo]",
        "[::ffff:10.0.0.1]",
        "ⓛocalhost".encode().decode("latin-1"),
        "localhost, evil.org",
        "localhost\tevil.org",
        "",
        " ",
        ".",
        None,
        ["localhost", "localhost"],
        ["localhost", "evil.org"],
    ],
)
@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_a_foreign_or_odd_host_is_not_answered_whatever_its_origin_says(host, kind):
    origin = {"origin": f"http://{host}"} if isinstance(host, str) else {}
    for found in (ask(Policy(), kind=kind, host=host), ask(Policy(), kind=kind, host=host, **origin)):
        assert not found.reached
        assert (found.status, found.closed) == ((403, None) if kind == "http" else (None, 1008))


def test_named_hosts_and_the_address_that_was_reached_are_answered():
    cookie = enter(SHARED, "look")
    for host in ("films.clinic.org", "FILMS.clinic.org.:443", "10.0.0.5:8501"):
        assert ask(SHARED, host=host, local="10.0.0.5", cookie=cookie).reached, host
    for host in ("clinic.org", "x.films.clinic.org", "10.0.0.6"):
        assert not ask(SHARED, host=host, local="10.0.0.5", cookie=cookie).reached, host
    assert ask(SHARED, host="[::ffff:10.0.0.5]", local="::ffff:10.0.0.5", cookie=cookie).reached


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.org",
        "null",
        "",
        "http://localhost.evil.org:8501",
        "http://localhost:3000",  # another program of this machine
        "https://localhost",
        "http://127.0.0.1:8501",  # another name is another origin to a browser
        "http://localhost:8501/path",
        "http://user@localhost:8501",
        "file://localhost:8501",
        "http://localhost:8501 http://evil.org",
        "http://[::1",
    ],
)
def test_pages_of_other_origins_open_no_websocket_and_send_nothing(origin):
    assert not ask(Policy(), kind="websocket", host="localhost:8501", origin=origin).reached
    for method in ("POST", "PUT", "DELETE", "GET"):
        assert ask(Policy(), method=method, host="localhost:8501", origin=origin).status == 403


def test_our_own_pages_do():
    assert ask(Policy(), kind="websocket", host="localhost:8501", origin="http://localhost:8501").reached
    assert ask(Policy(), method="PUT", host="[0:0::1]:8501", origin="http://[::1]:8501").reached
    cookie = enter(SHARED, "make")
    behind_proxy = {"x_forwarded_for": "10.0.0.9", "cookie": cookie, "origin": "https://films.clinic.org"}
    assert ask(SHARED, kind="websocket", host="films.clinic.org", **behind_proxy).reached


@pytest.mark.parametrize("path", ["/", "/distill", "/static/js/main.js", "/media/x.png", "/_stcore/host-config"])
def test_without_a_link_nothing_is_shown(path):
    found = ask(SHARED, path)
    assert (found.status, found.reached) == (401, False)
    assert b"Open it with the link" in found.body
    assert found.header("cache-control") == ["no-store"]


def test_uploads_and_websockets_pass_the_same_door():
    tokens.tokens()
    for method in ("PUT", "DELETE", "OPTIONS", "POST"):
        assert ask(SHARED, "/_stcore/upload_file/a/b", method=method).status == 401
    for cookie in ("", "cxrkd_8501=", "cxrkd_8501=make.aaaaaa.bbbb", "cxrkd_8502=x", "cxrkd_8501"):
        assert ask(SHARED, "/_stcore/stream", kind="websocket", cookie=cookie).closed == 1008
    assert ask(SHARED, "/_stcore/stream", kind="websocket", query=f"token={tokens.tokens()['make']}").closed == 1008


def test_only_the_sign_of_life_is_open():
    assert ask(SHARED, "/_stcore/health").reached
    assert ask(SHARED, "/_stcore/health", host="evil.org").reached
    for path in ("/_stcore/health/", "/_stcore/health/../stream", "/x/_stcore/health", "/_stcore/script-health-check"):
        assert not ask(SHARED, path).reached
    assert not ask(SHARED, "/_stcore/health", method="POST").reached
    assert not ask(SHARED, "/_stcore/health", kind="websocket").reached


@pytest.mark.parametrize("role", ["look", "make"])
def test_a_link_is_exchanged_for_a_cookie_and_leaves_the_address(role):
    token = tokens.tokens()[role]
    found = ask(SHARED, "/distill", query=f"run=a%26b&token={token}")
    (cookie,) = found.header("set-cookie")
    assert cookie.startswith(f"cxrkd_8501={role}.")
    assert cookie.endswith("; Path=/; HttpOnly; SameSite=Strict")
    assert token not in cookie + found.body.decode()
    assert b'content="0;url=/distill?run=a%26b"' in found.body
    known = ask(SHARED, kind="websocket", cookie=f"a=b; {cookie.partition(';')[0]}", client="10.0.0.7").who
    assert (known.role, known.address, len(known.mark)) == (role, "10.0.0.7", 6)


def test_two_slashes_lead_to_no_other_host():
    found = ask(SHARED, "//evil.org/x", query=f"token={tokens.tokens()['look']}")
    assert b'content="0;url=/evil.org/x"' in found.body


@pytest.mark.parametrize("token", ["", "x", "%00", "ü", "a&token=b"])
def test_a_wrong_token_is_refused_though_the_cookie_is_right(token):
    cookie = enter(SHARED, "make")
    found = ask(SHARED, query=f"token={token}", cookie=cookie)
    assert found.reached if not token else (found.status == 403 and not found.header("set-cookie"))


def test_new_links_close_what_the_old_ones_opened():
    cookie = enter(SHARED, "make")
    assert ask(SHARED, cookie=cookie).who.role == "make"
    tokens.tokens(new=True)
    assert ask(SHARED, cookie=cookie).status == 401


def test_nobody_can_say_who_they_are():
    cookie = enter(SHARED, "look")
    for name in ("x-cxrkd-person", "X-Cxrkd-Person"):
        forged = {name: 'x.{"role": "make"}', "cookie": cookie}
        assert ask(SHARED, kind="websocket", **forged).who.role == "look"
    assert introduced("") is introduced("x.y") is introduced(f"{SEAL[:-1]}.e30=") is introduced("é.é") is None


@pytest.mark.parametrize(
    "how",
    [
        {"client": "10.0.0.7"},
        {"local": "10.0.0.5"},
        {"x_forwarded_for": "127.0.0.1"},
        {"x_forwarded_host": "localhost"},
        {"forwarded": "for=127.0.0.1"},
        {"via": "1.1 proxy"},
        {"x_real_ip": "127.0.0.1"},
    ],
)
def test_whoever_comes_from_elsewhere_needs_a_link_though_the_server_listens_here_only(how):
    assert ask(Policy(), **how).status == 401
    assert ask(Policy(), kind="websocket", **how).closed == 1008


def test_signing_in_opens_the_role_that_its_email_has():
    def policy(person):
        return Policy(local=False, signed_in=lambda cookies: person, sign_in=lambda: "/auth/login?provider=a&b")

    closed = ask(policy(None))
    assert closed.status == 401
    assert b'href="/auth/login?provider=a&amp;b"' in closed.body
    assert ask(policy(None), "/auth/login").who is None
    assert ask(policy(None), "/auth/login").reached
    assert not ask(policy(None), "/auth/login/x").reached
    assert not ask(SHARED, "/auth/login").reached
    ann = Person("make", email="ann@clinic.org")
    assert ask(policy(ann), kind="websocket").who == ann


@pytest.mark.parametrize(
    ("about", "role"),
    [
        ({"is_logged_in": True, "email": "ann@clinic.org"}, "make"),
        ({"is_logged_in": True, "email": "ann@clinic.org", "email_verified": True}, "make"),
        ({"is_logged_in": True, "email": "ann@clinic.org", "email_verified": False}, None),
        ({"is_logged_in": False, "email": "ann@clinic.org"}, None),
        ({"is_logged_in": True, "email": "eve@evil.org"}, None),
        ({"is_logged_in": True}, None),
    ],
)
def test_streamlits_own_cookie_says_who_has_signed_in(about, role, monkeypatch):
    monkeypatch.setattr(server_util, "get_cookie_secret", lambda: "of this server")
    monkeypatch.setenv("CXRKD_MAKE_EMAILS", "ann@clinic.org")

    def came_with(secret):
        signed = create_signed_value(secret, USER_COOKIE_NAME, json.dumps(about))
        return server._signed_in({USER_COOKIE_NAME: signed.decode()})

    found = came_with("of this server")
    assert (found and found.role) == role
    assert came_with("of another") is server._signed_in({}) is None


def test_a_client_cannot_clear_everybodys_caches():
    rerun, clear = BackMsg(), BackMsg(clear_cache=True)
    rerun.rerun_script.query_string = "a=b"
    frames = [clear.SerializeToString(), rerun.SerializeToString(), clear.SerializeToString(), b"\xff\xff", b""]
    heard = ask(Policy(), kind="websocket", frames=frames).heard
    assert heard == [rerun.SerializeToString(), b"\xff\xff", b""]  # what is no message is Streamlit's to refuse


def test_foreign_pages_cannot_frame_ours():
    for found in (ask(Policy()), ask(SHARED)):
        assert found.header("x-frame-options") == ["SAMEORIGIN"]
        assert found.header("content-security-policy") == ["frame-ancestors 'self'"]


def test_below_a_path_the_door_is_the_same():
    below = Policy(local=False, base="/cxr")
    assert ask(below, "/cxr/_stcore/health").reached
    assert ask(below, "/cxr/").status == 401
    assert ask(below, "/cxr/distill", cookie=enter(below, "look", path="/cxr/")).reached


def test_the_settings_of_the_operator(monkeypatch):
    options = {
        "server.address": "127.0.0.1",
        "server.baseUrlPath": "",
        "server.allowedHosts": ["*", "lab.org"],
        "secrets.files": [],
    }
    monkeypatch.setattr(streamlit_config, "get_option", options.get)
    monkeypatch.delenv(server.SHARE, raising=False)
    assert server.policy().local
    for address in ("0.0.0.0", None, "", "::", "10.0.0.5", "example.org"):
        options["server.address"] = address
        assert not server.policy().local, address
    options["server.address"] = "::1"
    assert server.policy().local
    monkeypatch.setenv(server.SHARE, "1")
    monkeypatch.setenv(server.HOSTS, "https://Films.Clinic.org/, fe80::1,bücher.de")
    shared = server.policy()
    assert not shared.local
    assert shared.hosts == {"::1", "films.clinic.org", "fe80::1", "xn--bcher-kva.de", "lab.org"}


def test_hosts_are_compared_in_one_form():
    assert doorway.place("[::FFFF:127.0.0.1]:80") == doorway.Place("127.0.0.1", 80)
    assert doorway.is_loopback("localhost")
    assert not doorway.is_loopback("localhost.evil.org")
    assert not doorway.is_loopback(None)
