"""Clients that send slowly, or too much, are not waited for: over real connections, with times that are short here."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from api import guard
from api.errors import register
from api.guard import JSON_LIMIT, Guard, RequestBody
from api.main import Connection

pytestmark = pytest.mark.anyio
SHORT_S = 0.4
UPLOAD_LIMIT = 2 * JSON_LIMIT
HOST = "Host: 127.0.0.1\r\n"
FORM = "Content-Type: multipart/form-data; boundary=x\r\n"


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RequestBody, "linger_seconds", SHORT_S)


class Hurried(Connection):
    head_seconds = SHORT_S


async def _length(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(len(await request.body())))


async def _unread(_: Request) -> PlainTextResponse:
    return PlainTextResponse("unread")


@asynccontextmanager
async def serving() -> AsyncIterator[int]:
    """The port of a service with everything that stands in front of the routes."""
    app = Starlette(
        routes=[Route("/length", _length, methods=["GET", "POST"]), Route("/unread", _unread, methods=["POST"])]
    )
    register(app)  # type: ignore[arg-type]
    app.add_middleware(Guard, upload_limit=UPLOAD_LIMIT)
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, http=Hurried, log_config=None, timeout_keep_alive=30, lifespan="off")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        await task


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def test_a_head_that_does_not_come_is_not_waited_for() -> None:
    """300 connections without a whole head were kept for as long as their clients liked."""
    async with serving() as port, connected(port) as (silent, _), connected(port) as (half, writer):

        async def drip() -> None:
            # Each byte was a sign of life that began the time anew.
            for byte in b"GET /length HTTP/1.1\r\n" + b"X: " + b"x" * 1000:
                writer.write(bytes([byte]))
                await asyncio.sleep(SHORT_S / 10)

        dripping = asyncio.create_task(drip())
        assert await silent.read() == b""
        # What came after the close is answered by a reset.
        with suppress(ConnectionResetError):
            assert await half.read() == b""
        dripping.cancel()


async def test_a_further_request_of_a_connection_has_its_time_too() -> None:
    async with serving() as port, connected(port) as (reader, writer):
        for _ in range(2):
            writer.write(f"GET /length HTTP/1.1\r\n{HOST}\r\n".encode())
            answer = await reader.readuntil(b"\r\n\r\n0")
            assert b"200 OK" in answer and b"connection: close" not in answer.lower()
            # An idle connection is kept: a head's time begins with its first byte.
            await asyncio.sleep(SHORT_S * 1.5)
        writer.write(b"GET /length HT")
        assert await reader.read() == b""


async def test_a_body_that_does_not_come_is_answered_and_the_connection_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RequestBody, "first_seconds", SHORT_S)
    async with serving() as port, connected(port) as (reader, writer):
        writer.write(f"POST /length HTTP/1.1\r\n{HOST}Content-Length: 100\r\n\r\nten bytes.".encode())
        answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 408 ") and b"connection: close" in answer.lower() and b"too_slow" in answer


async def test_a_body_that_drips_has_its_time_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a loaded machine the connection was reset, and the answer lost, before this client had read it."""
    monkeypatch.setattr(RequestBody, "first_seconds", SHORT_S)
    monkeypatch.setattr(RequestBody, "linger_seconds", 60)
    async with serving() as port, connected(port) as (reader, writer):
        writer.write(f"POST /length HTTP/1.1\r\n{HOST}Content-Length: 1000\r\n\r\n".encode())
        answering = asyncio.create_task(reader.readline())
        while not answering.done():
            writer.write(b"x")
            await asyncio.sleep(SHORT_S / 10)
    assert answering.result().startswith(b"HTTP/1.1 408 ")


async def test_a_slow_body_that_goes_on_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RequestBody, "first_seconds", SHORT_S)
    monkeypatch.setattr(guard, "BYTES_PER_SECOND", 512)  # each chunk allows 16 s more, however slow this machine is
    async with serving() as port, connected(port) as (reader, writer):
        head = f"POST /length HTTP/1.1\r\n{HOST}Content-Length: {10 * 8192}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + b"x" * 8192)
        for _ in range(9):
            await asyncio.sleep(SHORT_S / 4)  # more than twice SHORT_S in all, which a body without bytes is given
            writer.write(b"x" * 8192)
        assert (await reader.read()).endswith(b"81920")


@pytest.mark.parametrize("kind", ["", FORM])
async def test_a_body_that_is_announced_too_large_is_refused_before_it_comes(kind: str) -> None:
    async with serving() as port, connected(port) as (reader, writer):
        writer.write(f"POST /length HTTP/1.1\r\n{HOST}{kind}Content-Length: 600000000\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 413 ") and b"connection: close" in head.lower()
        assert b"too_large" in await reader.read()


@pytest.mark.parametrize(("kind", "limit"), [("", JSON_LIMIT), (FORM, UPLOAD_LIMIT)])
async def test_a_body_in_chunks_is_refused_when_it_becomes_too_large(kind: str, limit: int) -> None:
    async with serving() as port, connected(port) as (reader, writer):
        writer.write(f"POST /length HTTP/1.1\r\n{HOST}{kind}Transfer-Encoding: chunked\r\n\r\n".encode())
        chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
        writer.write(chunk * (limit // 0x10000 + 1))
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 413 ") and b"connection: close" in head.lower()
        assert b"too_large" in await reader.read()


async def test_an_answer_before_the_body_came_closes_the_connection() -> None:
    """A refusal that did not read the body left a connection that read and dropped it for as long as it came."""
    async with serving() as port, connected(port) as (reader, writer):
        writer.write(f"POST /unread HTTP/1.1\r\n{HOST}Content-Length: 600000000\r\n\r\n".encode())
        answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 200 ") and b"connection: close" in answer.lower()


async def test_a_client_that_goes_on_sending_what_is_refused_still_reads_the_answer() -> None:
    async with serving() as port, connected(port) as (reader, writer):
        writer.write(f"POST /length HTTP/1.1\r\n{HOST}Content-Length: 20000000\r\n\r\n".encode())
        for _ in range(20):
            writer.write(b"x" * 1_000_000)
            await writer.drain()
        assert (await reader.read()).startswith(b"HTTP/1.1 413 ")


async def test_a_body_with_two_lengths_is_refused_and_the_connection_closed() -> None:
    """The connection was kept: who reads the body by its other length takes its rest for a further request."""
    async with serving() as port, connected(port) as (reader, writer):
        both = "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
        hidden = f"GET /length HTTP/1.1\r\n{HOST}\r\n"
        writer.write(f"POST /length HTTP/1.1\r\n{HOST}{both}0\r\n\r\n{hidden}".encode())
        answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 400 ") and b"connection: close" in answer.lower()
    assert answer.count(b"HTTP/1.1") == 1
