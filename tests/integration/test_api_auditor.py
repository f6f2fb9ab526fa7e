"""Auditors see the audit and have it proved, operators see and replay the quarantine, nobody else does either."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest

from api.app import build_app
from api.deps import Services
from api.readiness import Readiness
from graph.actions.access import AccessLog
from graph.actions.operate import quarantine
from graph.domain import audit, ids
from graph.domain.people import Person, Role
from graph.files import MediaStore
from graph.store import log
from graph.store.session import Store, Tx
from tests.integration.conftest import entries
from tests.integration.processes.test_quarantine import failed
from tests.support.factories import NOW
from tests.support.signed_in import as_, sign_in

pytestmark = pytest.mark.anyio
EVENT_ID = ids.quarantine_id(failed(1, "")["event"])
ROUTES = {
    "GET /audit": Role.AUDITOR,
    "GET /audit/verification": Role.AUDITOR,
    "GET /quarantine": Role.OPERATOR,
    f"POST /quarantine/{EVENT_ID}/replays": Role.OPERATOR,
}


class Client:
    """The service, asked as a person in any roles."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.roles = frozenset({Role.AUDITOR, Role.OPERATOR})
        self._client = client

    async def ask(self, route: str, **query: Any) -> httpx.Response:
        method, _, path = route.partition(" ")
        headers = {"Redthread-Purpose": "inspection", **as_(Person("audrey", self.roles, "north"))}
        return await self._client.request(method, path, params=query, headers=headers)

    async def told(self, route: str, **query: Any) -> Any:
        answer = await self.ask(route, **query)
        assert answer.status_code in (200, 202), answer.text
        return answer.json()


@pytest.fixture
async def audrey(store: Store, files: MediaStore) -> AsyncIterator[Client]:
    @asynccontextmanager
    async def services() -> AsyncIterator[Services]:
        who = sign_in()
        yield Services(store, files, AccessLog(store), who, Readiness(store, files, who))

    app = build_app(services, upload_limit=1_000_000, version="test")
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http,
    ):
        yield Client(http)


async def act(store: Store, *acts: audit.Act) -> None:
    async def work(tx: Tx) -> None:
        await log.append(tx, await log.lock_head(tx), acts)

    await store.write(work)


def looks(count: int, actor: str = "anna", **more: Any) -> list[audit.Act]:
    return [
        audit.Act(NOW + timedelta(hours=number), actor, "face.seen", f"face{number}", "p", **more)
        for number in range(count)
    ]


@pytest.mark.parametrize("route", ROUTES)
async def test_only_the_role_whose_work_it_is_may_and_a_refusal_tells_nothing(
    store: Store, audrey: Client, route: str
) -> None:
    await quarantine.index(store, [failed(1, "missing_file")], now=NOW)
    for role in Role:
        audrey.roles = frozenset({role})
        before = await entries(store)
        answer = await audrey.ask(route)
        if role is ROUTES[route]:
            assert answer.status_code in (200, 202)
            continue
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
        assert await entries(store) == before


async def test_entries_come_oldest_first_a_page_at_a_time_and_looking_is_an_entry(store: Store, audrey: Client) -> None:
    await act(store, *looks(5))

    first = await audrey.told("GET /audit", limit=3)
    second = await audrey.told("GET /audit", limit=3, after=first["next"])

    assert [item["seq"] for item in first["items"]] == [1, 2, 3]
    assert [item["subject"] for item in second["items"]] == ["face3", "face4", "audit"]
    assert second["next"] is None
    looked = (await entries(store))[5:]
    assert [(entry.actor, entry.action, entry.purpose) for entry in looked] == [
        ("audrey", "audit.seen", "inspection")
    ] * 2
    assert looked[0].digest != looked[1].digest


@pytest.mark.parametrize(
    ("wanted", "seqs"),
    [
        ("event.replayed", [1, 2]),
        ("replayed", [1, 2]),
        ("replay.refused", [3]),
        ("replay refused", [3]),
        ("link.approved", [4]),
        ("link.returned", []),
        ("unknown", []),
    ],
)
async def test_entries_of_an_earlier_release_are_found_by_the_current_and_the_former_name_of_their_action(
    store: Store, audrey: Client, wanted: str, seqs: list[int]
) -> None:
    names = ("event.replayed", "event.replayed", "replay.refused", "link.approved")
    await act(store, *(audit.Act(NOW, "relay", name, "event:t/0/1") for name in names))
    await store.statement("MATCH (e:AuditEntry {seq: 1}) SET e.action = 'replayed'")
    await store.statement("MATCH (e:AuditEntry {seq: 3}) SET e.action = 'replay refused'")

    found = await audrey.told("GET /audit", action=wanted)

    assert [item["seq"] for item in found["items"]] == seqs


@pytest.mark.parametrize(
    ("wanted", "seqs"),
    [
        ({"actor": "ben"}, [6, 7, 8]),
        ({"subject": "face1"}, [2, 7]),
        ({"action": "link.judged"}, [9]),
        ({"actor": "anna", "subject": "face1"}, [2]),
        ({"from": "2026-11-20T10:00:00Z", "to": "2026-11-20T12:00:00+00:00"}, [2, 3, 7, 8]),
        ({"from": "2026-11-20T14:00:00+02:00"}, [4, 5]),
        ({"to": "2026-11-20T10:00:00Z", "actor": "anna"}, [1, 9]),
        ({"from": "2030-01-01T00:00:00Z"}, []),
        ({"actor": "nobody"}, []),
        ({"after": 8}, [9]),
    ],
)
async def test_entries_are_found_by_time_actor_action_and_subject(
    store: Store, audrey: Client, wanted: dict[str, str], seqs: list[int]
) -> None:
    await act(store, *looks(5), *looks(3, "ben"), audit.Act(NOW, "anna", "link.judged", "link"))
    found = await audrey.told("GET /audit", **wanted)

    assert [item["seq"] for item in found["items"]] == seqs


async def test_what_is_asked_wrongly_is_refused(audrey: Client) -> None:
    wrong = [{"limit": 0}, {"limit": 1001}, {"after": -1}, {"from": "2026-11-20T10:00:00"}, {"from": "x"}]
    for query in wrong:
        assert (await audrey.ask("GET /audit", **query)).status_code == 422
    for query in [{"limit": 50_001}, {"after_hash": "x"}]:
        assert (await audrey.ask("GET /audit/verification", **query)).status_code == 422
    assert (await audrey.ask("GET /quarantine", after="x")).status_code == 422


async def test_the_chain_is_proved_range_by_range_to_its_head(store: Store, audrey: Client) -> None:
    await act(store, *looks(9))
    (seventh,) = (await entries(store))[6:7]
    await store.statement(
        f"CREATE (:AuditRoot {{date: '2026-11-20', seq: 7, hash: '{seventh.hash}', count: 7}})"  # type: ignore[arg-type]
    )

    first = await audrey.told("GET /audit/verification", limit=6)
    second = await audrey.told("GET /audit/verification", limit=6, after=first["next"], after_hash=first["to"]["hash"])

    assert (first["from"], first["to"]["seq"], first["roots"], first["result"]) == (1, 6, 0, "whole")
    assert (second["from"], second["to"]["seq"], second["roots"], second["result"]) == (7, 10, 1, "whole")
    assert second["to"] == second["head"]
    assert (second["next"], second["fault"]) == (None, None)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ("MATCH (e:AuditEntry {seq: 4}) SET e.purpose = 'another'", "entry 4 was changed"),
        ("MATCH (e:AuditEntry {seq: 4}) DELETE e", "entry 4 is missing: entry 5 follows entry 3"),
        ("MATCH (e:AuditEntry) WHERE e.seq > 4 DELETE e", "the end is cut: the head names entry 6, the last entry in"),
        ("CREATE (:AuditRoot {date: '2026-11-20', seq: 5, hash: 'x', count: 5})", "entry 5 is not the one that the"),
    ],
)
async def test_changes_of_the_graph_by_hand_are_reported(store: Store, audrey: Client, change: Any, fault: str) -> None:
    await act(store, *looks(6))
    await store.statement(change)

    found = await audrey.told("GET /audit/verification")

    assert found["result"] == "broken"
    assert found["fault"].startswith(fault)
    assert found["next"] is None


async def test_another_chain_than_the_one_proved_before_is_reported(store: Store, audrey: Client) -> None:
    await act(store, *looks(3))

    found = await audrey.told("GET /audit/verification", after=2, after_hash="0" * 64)

    assert found["fault"].startswith("entry 3 does not follow entry 2")
    assert (await audrey.told("GET /audit/verification", after=99))["fault"] == "entry 99 is missing"


async def test_the_quarantine_is_listed_oldest_first_without_its_bytes(store: Store, audrey: Client) -> None:
    await quarantine.index(
        store, [{**failed(place, "missing_file"), "value": "c2VjcmV0"} for place in (3, 1, 2)], now=NOW
    )

    first = await audrey.told("GET /quarantine", limit=2)
    second = await audrey.told("GET /quarantine", limit=2, after=first["next"])

    assert [item["offset"] for item in first["items"] + second["items"]] == [1, 2, 3]
    assert second["next"] is None
    assert "c2VjcmV0" not in str(first)
    assert (await entries(store))[-1].action == "quarantine.seen"


async def test_a_replay_is_sent_once_and_stands_in_the_audit(store: Store, audrey: Client) -> None:
    await quarantine.index(store, [failed(1, "missing_file"), {**failed(2, "too_large"), "truncated": True}], now=NOW)
    route = f"POST /quarantine/{EVENT_ID}/replays"

    assert await audrey.told(route) == {"quarantine_id": EVENT_ID, "status": "replayed"}

    [entry] = await entries(store)
    assert (entry.actor, entry.action) == ("audrey", "event.replayed")
    again = await audrey.ask(route)
    assert (again.status_code, again.json()["code"]) == (409, "not_waiting")
    cut = await audrey.ask(f"POST /quarantine/{ids.quarantine_id(failed(2, '')['event'])}/replays")
    assert (cut.status_code, cut.json()["code"]) == (409, "truncated")
    assert (await audrey.ask("POST /quarantine/nothing/replays")).status_code == 404
    assert [item["offset"] for item in (await audrey.told("GET /quarantine", status="replayed"))["items"]] == [1]
