"""What holds for every request: Host, size, headers, and a 500 that tells nothing."""

import logging

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from api.guard import HEADERS, JSON_LIMIT, Guard

pytestmark = pytest.mark.anyio


async def _length(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(len(await request.body())), headers={"Cache-Control": "private"})


async def _fails(request: Request) -> PlainTextResponse:
    raise ValueError(f"a secret in {await request.body()!r}")


@pytest.fixture
def client() -> httpx.AsyncClient:
    app = Starlette(routes=[Route("/length", _length, methods=["POST"]), Route("/fails", _fails, methods=["POST"])])
    app.add_middleware(Guard, upload_limit=2 * JSON_LIMIT)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://127.0.0.1:8400")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8400", "LOCALHOST:1", "localhost", "[::1]", "[::1]:8400"])
async def test_names_of_this_machine_are_answered(client: httpx.AsyncClient, host: str) -> None:
    assert (await client.post("/length", headers={"Host": host})).text == "0"


async def test_a_public_name_is_answered_where_the_settings_tell_it() -> None:
    app = Starlette(routes=[Route("/length", _length, methods=["POST"])])
    app.add_middleware(Guard, upload_limit=1, hosts=["Redthread.police.example"])
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="https://redthread.police.example") as client:
        assert (await client.post("/length")).status_code == 200
        assert (await client.post("/length", headers={"Host": "other.police.example"})).status_code == 400


@pytest.mark.parametrize("host", ["", "evil.example", "127.0.0.1.evil.example", "localhost.", "10.0.0.1:8400", "[::2]"])
async def test_other_names_are_refused(client: httpx.AsyncClient, host: str) -> None:
    answer = await client.post("/length", headers={"Host": host})

    assert (answer.status_code, answer.json()["code"]) == (400, "host_refused")
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_body_may_be_as_large_as_its_kind_allows(client: httpx.AsyncClient) -> None:
    async def size(length: int, kind: str) -> int:
        answer = await client.post("/length", content=b"x" * length, headers={"Content-Type": kind})
        return answer.status_code

    assert await size(JSON_LIMIT, "application/json") == 200
    assert await size(JSON_LIMIT + 1, "application/json") == 413
    assert await size(2 * JSON_LIMIT, "multipart/form-data; boundary=x") == 200
    assert await size(2 * JSON_LIMIT + 1, "multipart/form-data; boundary=x") == 413


async def test_every_answer_has_the_headers_and_a_route_may_set_its_own(client: httpx.AsyncClient) -> None:
    answer = await client.post("/length")

    assert answer.headers["cache-control"] == "private"
    for name, value in HEADERS.items():
        assert name == "Cache-Control" or answer.headers[name] == value


async def test_what_nobody_expected_is_a_500_that_tells_nothing(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        answer = await client.post("/fails", content=b"payload")

    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "secret" not in answer.text + caplog.text
    assert "payload" not in answer.text + caplog.text
    assert "ValueError" in caplog.text
    assert "test_guard.py" in caplog.text
