"""Connections over a socket: who brings no request makes place for others."""

import asyncio
import socket
from contextlib import asynccontextmanager, suppress

import pytest
import uvicorn

from cxrkd.service import connection


async def app(scope, receive, send):
    """Refuses what is called /refuse at once, and answers others when it has their body."""
    while scope["path"] != "/refuse" and (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@asynccontextmanager
async def serving():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        how = {"log_level": "critical", "lifespan": "off", "timeout_keep_alive": 60}
        config = uvicorn.Config(app, http=connection.Connection, **how)
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve([listening]))
        while not server.started:
            await asyncio.sleep(0.01)
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            await task


def request(path):
    return b"POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n" % path


@pytest.mark.parametrize(
    "pieces",
    [
        [],
        [b"GET / HT"],
        [b"GET / HTTP/1.1\r\n", *[b"X: 1\r\n"] * 90],
        [request(b"/") + b"123456789", b"GET"],
        [request(b"/refuse"), b"1", b"2"],
    ],
    ids=["silent", "half a head", "a head without end", "half a second head", "the body of what was refused"],
)
def test_who_brings_no_request_makes_place(pieces, monkeypatch):
    monkeypatch.setattr(connection, "HEAD_S", 0.2)

    async def call():
        async with serving() as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            task = asyncio.create_task(dribble(writer, pieces))
            await asyncio.wait_for(until_closed(reader), 30)
            task.cancel()
            writer.close()

    asyncio.run(call())


async def until_closed(reader):
    """The end, or a reset where more was on its way."""
    with suppress(ConnectionResetError):
        await reader.read()


async def dribble(writer, pieces, pause_s=0.02):
    for piece in pieces:
        writer.write(piece)
        await asyncio.sleep(pause_s)


def test_a_film_may_take_longer_than_a_head(monkeypatch):
    monkeypatch.setattr(connection, "HEAD_S", 0.5)

    async def call():
        async with serving() as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            await dribble(writer, [request(b"/"), *[b"1"] * 9], pause_s=0.07)
            answer = await reader.readuntil(b"ok")
            writer.close()
            return answer

    assert asyncio.run(call()).startswith(b"HTTP/1.1 200")
