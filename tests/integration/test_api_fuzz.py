"""Whatever is sent, the answer is a problem detail that tells no more than it should."""

import json
import random
from typing import Any

import httpx
import pytest

from graph.store.session import Store
from tests.support.factories import Scene

pytestmark = pytest.mark.anyio

ODD: list[Any] = [None, True, 0, -1, 1e308, "", "canary-value", "\x00", "é" * 300, [], ["canary-value"], {}, {"a": {}}]
RAW = [b"", b"{", b"null", b"[]", b'"x"', b"\xff\xfe", b'{"a":' * 5000, b"NaN", b'{"decision": NaN}', b"\x00" * 100]


async def test_odd_bodies_are_refused_as_problems_without_an_echo_and_change_nothing(
    api: httpx.AsyncClient, scene: Scene, store: Store
) -> None:
    rng = random.Random(7)
    link_id = await scene.link("n1", "s1")
    targets = {
        f"/links/{link_id}/verdicts": ["decision", "reasons", "text", "canary-key"],
        "/searches": [
            "faces",
            "case_id",
            "purpose",
            "legal_basis",
            "in",
            "limit",
            "canary-key",
            "victim_id",
            "keep_asking",
        ],
    }
    bodies = {path: list(RAW) for path in targets}
    for path, names in targets.items():
        for _ in range(60):
            body = {name: rng.choice(ODD) for name in names if rng.random() < 0.8}
            bodies[path].append(json.dumps({**body, "canary-key": 1}).encode())
    for path, sent in bodies.items():
        for body in sent:
            answer = await api.post(path, content=body, headers={"Content-Type": "application/json", "If-Match": '"0"'})
            assert answer.status_code in {400, 422}, body[:200]
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["code"] in {"malformed_body", "invalid"}
            assert "canary" not in answer.text
    left = await store.read(lambda tx: tx.rows("MATCH (n) WHERE n:Verdict OR n:Search OR n:Outbox RETURN n"))
    assert left == []


ODD_PATHS = [
    ("GET", "/nothing", 404),
    ("GET", "/docs", 404),
    ("GET", "/links/", 404),
    ("DELETE", "/links", 405),
    ("PUT", "/searches", 405),
    ("GET", "/links?state=canary", 422),
    ("GET", "/links?limit=0", 422),
    ("GET", "/links?limit=canary", 422),
    ("GET", "/links?after=" + "c" * 65, 422),
    ("GET", "/cases/%00/graph", 404),
    ("GET", "/cases/%ff%fe/graph", 404),
    ("GET", "/links/" + "x" * 5000, 422),
    ("GET", "/faces/..%2f..%2fetc/crop", 404),
]


async def test_odd_paths_are_refused_as_problems(api: httpx.AsyncClient, subtests: pytest.Subtests) -> None:
    for method, path, status in ODD_PATHS:
        with subtests.test(path=path[:60]):
            answer = await api.request(method, path)

            assert answer.status_code == status
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert "canary" not in answer.text
