"""What the service answers, refuses and never says. Requests as a server hands them on, without a server."""

import asyncio
import io
import json
import logging
import threading

import httpx2
import numpy as np
import pytest
from PIL import Image

from cxrkd.access import tokens
from cxrkd.cli import main
from cxrkd.data.phantom import render
from cxrkd.errors import AnswerError, NotNowError
from cxrkd.service import receiving
from cxrkd.service.app import NOT_ASKED, service
from cxrkd.service.guard import Guard
from cxrkd.service.receiving import Slots
from tests.images.conftest import dicom, encode


@pytest.fixture(scope="session")
def film():
    return encode(render(31, 0, 0, 128).pixels)


@pytest.fixture(scope="session")
def app(panel, standings):
    return service(panel, standings)


def asking(app, *, local=True, client="127.0.0.1", host="127.0.0.1:8080"):
    """A client of a guarded service, as one that sits on this machine or elsewhere."""
    transport = httpx2.ASGITransport(Guard(app, local=local), client=(client, 5000))
    return httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080", headers={"host": host})


def ask(app, method, path, *, headers=None, content=None, **who):
    async def once():
        async with asking(app, **who) as client:
            return await client.request(method, path, headers=headers, content=content)

    return asyncio.run(once())


def test_it_answers_as_the_command_line_does(app, film, tmp_path, tiny_run, capsys):
    path = tmp_path / "film.png"
    path.write_bytes(film)
    found = ask(app, "POST", "/classify", content=film)
    assert found.status_code == 200, found.text
    words = [
        "classify",
        str(path),
        "--run",
        str(tiny_run.path),
        "--members",
        "teacher,distilled",
        "--engine",
        "pytorch",
    ]
    assert main([*words, "--json"]) == 0
    (expected,) = json.loads(capsys.readouterr().out)["answers"]
    answer = found.json()
    for one in (answer, expected):
        one.pop("name")
        for member in one["members"].values():
            assert member.pop("latency_ms") > 0
    for member, said in answer["members"].items():
        of_command = expected["members"][member].pop("probs")
        np.testing.assert_allclose(list(said["probs"].values()), list(of_command.values()), atol=1e-6)
        assert list(said.pop("probs")) == list(of_command)
    assert answer == expected


def test_answers_fit_the_schema_that_is_published(app, film):
    from cxrkd.service.schema import FilmAnswer, Health, Known

    document = ask(app, "GET", "/openapi.json").json()
    assert set(document["paths"]) == {"/classify", "/health", "/labels"}
    for schema, path in ((Health, "/health"), (Known, "/labels")):
        schema.model_validate_json(ask(app, "GET", path).text, strict=True, extra="forbid")
    answer = ask(app, "POST", "/classify", content=film).text
    FilmAnswer.model_validate_json(answer, strict=True, extra="forbid")
    takes = document["paths"]["/classify"]["post"]["requestBody"]["content"]
    assert "application/dicom" in takes
    assert "429" in document["paths"]["/classify"]["post"]["responses"]


def test_labels_say_how_good_each_network_is(app, tiny_run, standings):
    known = ask(app, "GET", "/labels").json()
    assert (known["run"], known["labels"]) == (tiny_run.id, list(tiny_run.labels))
    assert known["standing"]["teacher"] == json.loads(json.dumps(standings["teacher"].to_dict()))
    assert "not for clinical use" in known["not_for"]


def test_the_page_for_people_fetches_nothing(app):
    found = ask(app, "GET", "/")
    assert found.headers["content-type"].startswith("text/html")
    assert "POST /classify" in found.text
    for fetches in ("<script", "src=", "@import", "url(", "http://cdn", "https://"):
        assert fetches not in found.text
    assert "default-src 'none'" in found.headers["content-security-policy"]
    assert ask(app, "GET", "/docs").status_code == 404


def test_a_flagged_film_is_refused_with_the_verdict_and_answered_by_force(app):
    inverted = encode(255 - render(31, 0, 0, 128).pixels)
    found = ask(app, "POST", "/classify", content=inverted)
    assert found.status_code == 422
    assert found.json()["gate"]["kind"] == "inverted"
    assert "force=true" in found.json()["detail"]
    answer = ask(app, "POST", "/classify?force=true", content=inverted)
    assert answer.status_code == 200
    assert answer.json()["gate"]["passed"] is False


SECRET = "Doe^Jane"


@pytest.mark.parametrize(
    ("content", "status", "says"),
    [
        (b"", 422, "no film in it"),
        (b"no film", 415, "a text file"),
        (b"%PDF-1.7 rubbish", 415, "a PDF document"),
        (b"\x00" * 5000, 415, "not known here"),
        (encode(render(31, 0, 0, 128).pixels)[:-2000], 422, "damaged"),
        (encode(np.zeros((64, 64), np.uint8)), 422, "blank"),
        (encode(np.eye(8, dtype=np.uint8) * 255), 422, "at least 32 x 32"),
        (dicom(np.eye(64, dtype=np.uint16), Rows=60000, Columns=60000, PatientName=SECRET), 422, "megapixels"),
        (dicom(np.eye(64, dtype=np.uint16), PatientName=SECRET)[:-3000], 422, "announces"),
    ],
    ids=["empty", "text", "pdf", "zeros", "cut", "blank", "thumbnail", "bomb", "cut DICOM"],
)
def test_what_is_no_film_gets_a_status_and_a_sentence(app, content, status, says, caplog, capfd):
    found = ask(app, "POST", "/classify", content=content)
    assert (found.status_code, found.json()["gate"]) == (status, None)
    assert says in found.json()["detail"]
    out, err = capfd.readouterr()
    assert SECRET not in found.text + caplog.text + out + err


def png_bomb():
    """Gigabytes of zeros, as a PNG of some kilobytes that announces them."""
    import struct
    import zlib

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 100, 100, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(bytes(50_000_000)))
        + chunk(b"IEND", b"")
    )


def test_a_bomb_is_refused(app):
    assert ask(app, "POST", "/classify", content=png_bomb()).status_code == 422


def test_too_many_bytes_are_refused_before_they_are_read(app, monkeypatch):
    monkeypatch.setattr(receiving, "MOST_BYTES", 1000)
    monkeypatch.setattr(receiving.film_bytes, "__defaults__", (1000, 60.0))
    taken = []

    async def body():
        for _ in range(10_000):
            taken.append(1)
            yield b"\x89PNG\r\n\x1a\n" + bytes(92)

    announced = ask(app, "POST", "/classify", content=b"x" * 1001)
    assert announced.status_code == 413
    assert ask(app, "POST", "/classify", content=body()).status_code == 413
    assert len(taken) < 20
    assert "connection" not in announced.headers, "closed while more comes it is reset, and nobody reads why"


@pytest.mark.parametrize(("method", "path"), [("GET", "/nothing"), ("GET", "/classify"), ("PUT", "/labels")])
def test_what_cannot_be_asked_is_a_sentence(app, method, path):
    refused = ask(app, method, path)
    assert refused.status_code in (404, 405)
    assert refused.json() == {"detail": NOT_ASKED, "gate": None}


def test_a_slow_film_makes_place(app, monkeypatch):
    monkeypatch.setattr(receiving.film_bytes, "__defaults__", (1000, 0.05))

    async def body():
        yield b"\x89PNG"
        await asyncio.sleep(5)
        yield b""

    found = ask(app, "POST", "/classify", content=body())
    assert found.status_code == 408
    assert app.state.slots.taken == 0


def test_a_film_on_its_way_does_not_keep_the_service_from_ending(app):
    """uvicorn cancels what is still at work; that is no error to be traced."""

    async def body():
        yield b"\x89PNG"
        await asyncio.sleep(5)

    async def ended():
        task = asyncio.create_task(asking(app).post("/classify", content=body()))
        await asyncio.sleep(0.1)
        task.cancel()
        return await task

    answer = asyncio.run(ended())
    assert (answer.status_code, answer.json()["detail"][:17]) == (503, "The service ends.")


@pytest.mark.parametrize(
    "headers", [{"content-encoding": "gzip"}, {"content-type": "multipart/form-data; boundary=x"}], ids=["gzip", "form"]
)
def test_a_body_that_is_not_the_file_itself_is_refused(app, headers, film):
    found = ask(app, "POST", "/classify", content=film, headers=headers)
    assert found.status_code == 415
    assert "--data-binary" in found.json()["detail"]


def test_no_more_films_are_taken_at_once_than_there_are_places(panel, standings, film, monkeypatch):
    """Those that are refused are told when to come again, and a place is free afterwards."""
    app, entered, go_on = service(panel, standings, Slots(2)), threading.Semaphore(0), threading.Event()
    answer = app.state.answering.answer

    def slow(data, force):
        entered.release()
        go_on.wait(20)
        return answer(data, force)

    monkeypatch.setattr(app.state.answering, "answer", slow)

    async def flood():
        async with asking(app) as client:
            first = [asyncio.create_task(client.post("/classify", content=film)) for _ in range(2)]
            while app.state.slots.taken < 2:
                await asyncio.sleep(0.01)
            refused = [await client.post("/classify", content=film) for _ in range(5)]
            health = await client.get("/health")
            go_on.set()
            return await asyncio.gather(*first), refused, health

    answered, refused, health = asyncio.run(flood())
    assert [one.status_code for one in answered] == [200, 200]
    assert [one.status_code for one in refused] == [429] * 5
    assert {one.headers["retry-after"] for one in refused} == {"1"}
    assert (health.json()["at_work"], health.json()["at_most"]) == (2, 2)
    assert app.state.slots.taken == 0


def test_many_films_at_once_each_get_their_own_answer(panel, standings):
    app = service(panel, standings, Slots(100))
    films = [encode(np.roll(render(31, 0, 0, 128).pixels, n, 1)) for n in range(12)]

    async def together():
        async with asking(app) as client:
            return await asyncio.gather(*(client.post("/classify?force=true", content=film) for film in films))

    alone = [ask(app, "POST", "/classify?force=true", content=film).json() for film in films]
    assert [one.json() for one in asyncio.run(together())] == alone
    assert len({one["sha256"] for one in alone}) == len(films)


def test_a_network_that_gives_no_number_is_said(app, film, monkeypatch):
    def no_number(self, films):
        raise AnswerError("teacher answered with what is no number.")

    monkeypatch.setattr(type(app.state.answering.panel), "answers", no_number)
    found = ask(app, "POST", "/classify", content=film)
    assert (found.status_code, found.json()["detail"]) == (500, "teacher answered with what is no number.")


def test_what_lies_in_this_machine_is_no_fault_of_the_film(app, film, monkeypatch):
    def not_started(*args, **more):
        raise NotNowError("The film cannot be read now.")

    monkeypatch.setattr("cxrkd.service.answering.film_of", not_started)
    refused = ask(app, "POST", "/classify", content=film)
    assert (refused.status_code, refused.json()["detail"]) == (503, "The film cannot be read now.")
    assert "retry-after" in refused.headers


def test_what_nobody_foresaw_quotes_nothing(app, film, monkeypatch, caplog):
    def broken(self, films):
        raise ValueError(f"could not convert {SECRET}")

    monkeypatch.setattr(type(app.state.answering.panel), "answers", broken)
    found = ask(app, "POST", "/classify", content=film)
    assert found.status_code == 500
    assert "ValueError" in found.json()["detail"]
    assert SECRET not in found.text + caplog.text


def test_nothing_is_logged_of_a_film(app, film, caplog):
    caplog.set_level(logging.DEBUG)
    digest = ask(app, "POST", "/classify", content=film).json()["sha256"]
    ours = [record for record in caplog.records if not record.name.startswith(("asyncio", "httpx", "httpcore"))]
    assert not [record for record in ours if digest[:8] in record.getMessage()]


def test_a_wrong_parameter_is_a_sentence(app, film):
    found = ask(app, "POST", f"/classify?force={SECRET}", content=film)
    assert (found.status_code, found.json()["detail"]) == (422, "Expected true or false for force.")


# Who may ask.


@pytest.fixture
def own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("CXRKD_HOME", str(tmp_path))


def test_other_machines_need_a_token(app, film, own_home):
    token = tokens.tokens()["look"]
    who = {"local": False, "client": "192.0.2.7", "host": "192.0.2.1:8080"}
    for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": f"Basic {token}"}):
        found = ask(app, "POST", "/classify", content=film, headers=headers, **who)
        assert found.status_code == 401
        assert found.headers["www-authenticate"] == "Bearer"
    found = ask(app, "POST", "/classify", content=film, headers={"authorization": f"Bearer {token}"}, **who)
    assert found.status_code == 200
    assert ask(app, "GET", "/labels", **who).status_code == 401
    assert ask(app, "GET", "/health", **who).status_code == 200
    tokens.tokens(new=True)
    found = ask(app, "POST", "/classify", content=film, headers={"authorization": f"Bearer {token}"}, **who)
    assert found.status_code == 401, "a token that was made new opens nothing any more"


@pytest.mark.parametrize(
    ("headers", "host", "status"),
    [
        ({}, "127.0.0.1:8080", 200),
        ({}, "localhost:8080", 200),
        ({}, "evil.org", 403),
        ({"origin": "http://evil.org"}, "127.0.0.1:8080", 403),
        ({"origin": "http://127.0.0.1:8080"}, "127.0.0.1:8080", 200),
        ({"x-forwarded-for": "192.0.2.7"}, "127.0.0.1:8080", 401),
        ({"authorization": "Bearer wrong"}, "127.0.0.1:8080", 401),
    ],
)
def test_pages_of_other_sites_cannot_ask_through_a_browser_here(app, headers, host, status, own_home):
    assert ask(app, "GET", "/labels", headers=headers, host=host).status_code == status


def test_a_picture_in_colour_is_flagged_as_in_classify(app):
    colour = np.zeros((64, 64, 3), np.uint8)
    colour[..., 0] = np.arange(64)[None] * 4
    data = io.BytesIO()
    Image.fromarray(colour).save(data, "PNG")
    assert ask(app, "POST", "/classify", content=data.getvalue()).json()["gate"]["kind"] == "colour"
