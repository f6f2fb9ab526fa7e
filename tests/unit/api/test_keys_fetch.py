"""Where the issuer's keys come from: as its metadata say, under the issuer's own name, and never by a redirect."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from api.sign_in.keys import SIZE_MAX, fetch_from, is_safe
from tests.support.signed_in import ISSUER

pytestmark = pytest.mark.anyio

KEYS = {"keys": [ISSUER.public_jwk()]}


class Served:
    """A web server of the test's own; `pages` are its answers by path."""

    def __init__(self) -> None:
        self.pages: dict[str, tuple[int, bytes, dict[str, str]]] = {}
        pages = self.pages

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body, headers = pages.get(self.path, (404, b"", {}))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def put(self, path: str, body: object, status: int = 200, **headers: str) -> None:
        self.pages[path] = (status, json.dumps(body).encode(), headers)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    found = Served()
    yield found
    found.server.shutdown()


async def test_the_metadata_of_the_issuer_name_its_keys(served: Served) -> None:
    about = {"issuer": f"{served.url}/realm", "jwks_uri": f"{served.url}/keys"}
    served.put("/realm/.well-known/openid-configuration", about)
    served.put("/keys", KEYS)

    assert await fetch_from(f"{served.url}/realm", "")() == KEYS
    assert await fetch_from("https://id.police.example", f"{served.url}/keys")() == KEYS


@pytest.mark.parametrize(
    "about",
    [
        {"issuer": "https://id.other.example", "jwks_uri": "/keys"},
        {"issuer": "", "jwks_uri": "http://id.other.example/keys"},
        {"issuer": "", "jwks_uri": "file:///etc/keys.json"},
        {"issuer": ""},
        ["no object"],
    ],
)
async def test_metadata_of_another_issuer_or_with_keys_that_anybody_can_change_are_not_believed(
    served: Served, about: Any
) -> None:
    if isinstance(about, dict) and not about["issuer"]:
        about = {**about, "issuer": served.url}
    served.put("/.well-known/openid-configuration", about)
    served.put("/keys", KEYS)

    with pytest.raises(ValueError):
        await fetch_from(served.url, "")()


async def test_a_redirect_an_error_and_a_flood_are_no_keys(served: Served) -> None:
    served.put("/keys", KEYS)
    served.put("/moved", {}, 302, Location="/keys")
    served.put("/broken", KEYS, 500)
    served.put("/flood", "x" * (SIZE_MAX + 1))
    for path in ("/moved", "/broken", "/flood", "/nothing"):
        with pytest.raises(ValueError):
            await fetch_from(served.url, served.url + path)()


async def test_the_keys_of_the_local_stack_are_a_file(tmp_path: Path) -> None:
    file = tmp_path / "a folder" / "jwks.json"
    file.parent.mkdir()
    file.write_text(json.dumps(KEYS))

    assert await fetch_from("urn:redthread:development", file.as_uri())() == KEYS


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://id.police.example/keys", True),
        ("http://127.0.0.1:8080/keys", True),
        ("http://localhost/keys", True),
        ("http://localhost.evil.example/keys", False),
        ("http://id.police.example/keys", False),
        ("file:///keys.json", False),
        ("https://", False),
        ("None", False),
    ],
)
def test_keys_are_believed_from_where_nobody_between_can_change_them(url: str, safe: bool) -> None:
    assert is_safe(url) is safe
