"""One visitor without a browser: Streamlit's messages over a websocket, files over HTTP."""

from __future__ import annotations

import http.client
import time
import uuid
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Common_pb2 import FileURLs
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect

from tests.load.figures import Answered, Said, markers, probabilities
from tests.load.films import Film

PATIENCE_S = 300.0
WRONG_FOR_S = 10.0
_FINISHED = (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)


class RefusedError(Exception):
    """The page shows an error in place of an answer, such as that too many are waiting."""


@dataclass
class Shown:
    """What a page has shown since it was last asked anything."""

    widgets: dict[str, str] = field(default_factory=dict)
    charts: dict[str, str] = field(default_factory=dict)
    headings: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def add(self, element: object) -> None:
        """Note an element by its key, which its id ends with: `$$ID-HASH-KEY`."""
        kind = element.WhichOneof("type")  # type: ignore[attr-defined]
        one = getattr(element, kind)
        if kind in ("button_group", "file_uploader"):
            self.widgets[one.id.split("-", 2)[-1]] = one.id
        elif kind == "plotly_chart":
            self.charts[one.id.split("-", 2)[-1]] = one.spec
        elif kind == "heading" and one.tag == "h2":
            self.headings.append(one.body.replace("\\", ""))
        elif kind == "alert" and one.format == one.ERROR:
            self.errors.append(one.body)
        elif kind == "markdown":
            self.lines.append(one.body)


class Visitor:
    """A tab that is open on one page, with an empty upload box.

    Args:
        address: of the server, such as http://127.0.0.1:8650.
        page: "classify" or "explain".
    """

    def __init__(self, address: str, page: str = "classify") -> None:
        self.page = page
        self.polls: dict[str, float] = {}
        self._due: dict[str, float] = {}
        self._host = urlsplit(address).netloc
        self._token = _xsrf(self._host)
        self._widgets: dict[str, object] = {}
        self._socket: ClientConnection = connect(
            f"ws://{self._host}/_stcore/stream",
            subprotocols=["streamlit"],  # type: ignore[list-item]
            max_size=None,
            ping_interval=None,  # a busy server is the finding, no reason to hang up
            open_timeout=PATIENCE_S,
            additional_headers={"Cookie": f"_streamlit_xsrf={self._token}"},
        )
        self._session = ""
        self._shown = Shown()
        self._rerun()
        self._until_finished()
        self._choose_uploads()

    def close(self) -> None:
        """Leave."""
        self._socket.close()

    def ask(self, film: Film) -> Answered:
        """Upload a film in place of the last one, and wait for what the page says about it.

        Raises:
            RefusedError: the page shows an error in its place.
        """
        began = time.perf_counter()
        self._shown = Shown()
        self._upload(film)
        self._rerun()
        # A page that began before it knew of the film may still arrive; one that stays is the answer, right or wrong.
        while self._films() != (film.name,) or not self._said():
            try:
                self._until_finished(WRONG_FOR_S if self._said() else PATIENCE_S)
            except TimeoutError:
                break
            if self._shown.errors and not self._said():
                raise RefusedError(self._shown.errors[0])
        seconds = time.perf_counter() - began
        return Answered(film.name, self.page, seconds, self._films(), self._said())

    def _said(self) -> Said:
        for key, spec in self._shown.charts.items():
            if self.page == "classify" and key.startswith("probs_"):
                return probabilities(spec)
            if self.page == "explain" and key == "agreement":
                return markers(spec)
        return {}

    def _films(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for name in self._shown.headings if name.endswith(".png")))

    def _choose_uploads(self) -> None:
        self._widgets[self._shown.widgets[f"{self.page}_source"]] = ["Uploads"]
        self._rerun()
        while f"{self.page}_upload" not in self._shown.widgets:
            self._until_finished()
        self._box = self._shown.widgets[f"{self.page}_upload"]

    def _upload(self, film: Film) -> None:
        ask = BackMsg()
        ask.file_urls_request.request_id = uuid.uuid4().hex
        ask.file_urls_request.file_names.append(film.name)
        ask.file_urls_request.session_id = self._session
        self._socket.send(ask.SerializeToString())
        while True:
            message = self._receive()
            if message is None:
                self._poll()
            elif message.WhichOneof("type") == "file_urls_response":
                break
        (urls,) = message.file_urls_response.file_urls
        _send(self._host, "PUT", urls.upload_url, self._token, *_as_form(film))
        if (last := self._widgets.get(self._box)) is not None:  # a browser has the server forget what leaves the box
            _send(self._host, "DELETE", last[1].delete_url, self._token)  # type: ignore[index]
        self._widgets[self._box] = (film, urls)

    def _rerun(self, fragment: str = "") -> None:
        message = BackMsg()
        state = message.rerun_script
        state.page_name = self.page
        if fragment:
            state.fragment_id, state.is_auto_rerun = fragment, True
        else:
            self.polls.clear()
        for key, value in self._widgets.items():
            widget = state.widget_states.widgets.add(id=key)
            if isinstance(value, list):
                widget.string_array_value.data.extend(value)
            else:
                _as_uploaded(widget, *value)  # type: ignore[misc]
        self._socket.send(message.SerializeToString())

    def _until_finished(self, patience_s: float = PATIENCE_S) -> None:
        """Read until a run of the page, or of a fragment of it, has ended; fragments are asked for as a browser does.

        Raises:
            TimeoutError: none has for so long.
        """
        end = time.monotonic() + patience_s
        while True:
            message = self._receive(end - time.monotonic())
            if message is None:
                self._poll()
            elif message.WhichOneof("type") == "script_finished" and message.script_finished in _FINISHED:
                return

    def _receive(self, patience_s: float = PATIENCE_S) -> ForwardMsg | None:
        """The next message, its content noted; None when a fragment is due before one comes."""
        due = min([self._due[f] - time.monotonic() for f in self.polls], default=PATIENCE_S)
        try:
            message = ForwardMsg.FromString(self._socket.recv(timeout=max(min(due, patience_s), 0.0)))  # type: ignore[arg-type]
        except TimeoutError:
            if due < patience_s:
                return None
            raise
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self._session = message.new_session.initialize.session_id
            if not message.metadata.run.fragment_ids:
                self._shown, self.polls = Shown(), {}
        elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
            self._shown.add(message.delta.new_element)
        elif kind == "auto_rerun":
            self.polls[message.auto_rerun.fragment_id] = message.auto_rerun.interval
            self._due[message.auto_rerun.fragment_id] = time.monotonic() + message.auto_rerun.interval
        elif kind == "stop_auto_rerun":
            for fragment in message.stop_auto_rerun.fragment_ids:
                self.polls.pop(fragment, None)
        return message

    def _poll(self) -> None:
        for fragment, interval in self.polls.items():
            if self._due[fragment] <= time.monotonic():
                self._due[fragment] = time.monotonic() + interval
                self._rerun(fragment)


def _xsrf(host: str) -> str:
    connection = http.client.HTTPConnection(host, timeout=PATIENCE_S)
    connection.request("GET", "/_stcore/health")
    cookies = connection.getresponse().headers.get_all("Set-Cookie") or []
    connection.close()
    return next((c.split("=", 1)[1].split(";")[0] for c in cookies if c.startswith("_streamlit_xsrf=")), "")


def _as_form(film: Film) -> tuple[bytes, str]:
    """The body of an upload and its type."""
    boundary = uuid.uuid4().hex
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="{film.name}"; filename="{film.name}"\r\n'
        "Content-Type: image/png\r\n\r\n"
    )
    body = head.encode() + film.data + f"\r\n--{boundary}--\r\n".encode()
    return body, f"multipart/form-data; boundary={boundary}"


def _send(host: str, verb: str, url: str, token: str, body: bytes = b"", kind: str = "") -> None:
    headers = {"X-Xsrftoken": token, "Cookie": f"_streamlit_xsrf={token}"} | ({"Content-Type": kind} if kind else {})
    connection = http.client.HTTPConnection(host, timeout=PATIENCE_S)
    connection.request(verb, url, body, headers)
    answer = connection.getresponse()
    connection.close()
    if answer.status >= 300:
        raise RefusedError(f"the server refused to {verb} {url} with status {answer.status}")


def _as_uploaded(widget: object, film: Film, urls: FileURLs) -> None:
    info = widget.file_uploader_state_value.uploaded_file_info.add()  # type: ignore[attr-defined]
    info.name, info.size, info.file_id = film.name, len(film.data), urls.file_id
    info.file_urls.CopyFrom(urls)
