"""The audit page: filters, paging, verification and download, for auditors alone."""

import html
import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI

from graph.actions.operate.audit_file import verify_file
from graph.domain import audit
from graph.domain.audit_actions import AuditAction
from graph.domain.people import Person, Role
from graph.store import log
from graph.store.session import Store, Tx
from tests.integration.conftest import Pages, entries, pages_of
from tests.support.factories import ANNA

pytestmark = pytest.mark.anyio
AUDREY = Person("audrey", frozenset({Role.AUDITOR}))
HOSTILE = "<script>alert(1)</script> \u202e\u0301"


async def write(
    store: Store, number: int, action: AuditAction = AuditAction.FACE_SEEN, *, at: datetime | None = None
) -> None:
    at = at or datetime.now(UTC)

    async def work(tx: Tx) -> None:
        acts = [audit.Act(at, ANNA.actor, action, f"{HOSTILE}{place}", HOSTILE) for place in range(number)]
        await log.append(tx, await log.lock_head(tx), acts)

    await store.write(work)


async def test_entries_of_today_are_shown_in_words_and_others_by_filters(
    app: FastAPI, store: Store, pages: Pages
) -> None:
    today = datetime.now(UTC)
    pages_of(app).state.services = replace(app.state.services, now=lambda: today)
    await write(store, 1, AuditAction.LINK_JUDGED, at=today - timedelta(days=3))
    await write(store, 60, at=today)
    audrey = await pages(AUDREY)
    text = (await audrey.get("/app/audit")).text
    assert "the picture of a face" in text and "face.seen" in text and "link.judged</code>" not in text
    assert "<script>alert" not in text and "&lt;script&gt;" in text
    assert "61 entries in this period, oldest first" in text
    following = (await audrey.get("/app/audit", params={"start": "", "actor": ANNA.actor, "after": 50})).text
    assert "First page" in following and "Next page" not in following
    [first] = re.findall(r'href="([^"]+)" data-key="Home"', (await audrey.get("/app/audit?start=&after=50")).text)
    assert "link.judged</code>" in (await audrey.get(html.unescape(first))).text, "all time stays all time"
    judged = (await audrey.get("/app/audit", params={"action": "link.judged"})).text
    assert "link.judged</code>" in judged and "face.seen</code>" not in judged
    nothing = (await audrey.get("/app/audit", params={"subject": HOSTILE})).text
    assert "No entry fits" in nothing and "<script>alert" not in nothing
    old = {"start": f"{today - timedelta(days=4):%Y-%m-%d}", "end": f"{today - timedelta(days=2):%Y-%m-%d}"}
    assert "link.judged</code>" in (await audrey.get("/app/audit", params=old)).text
    for wrong in ({"start": "soon"}, {"end": "9999-12-31"}, {"after": "-1"}):
        assert (await audrey.get("/app/audit", params=wrong)).status_code == 422, wrong


async def test_the_chain_is_verified_and_a_change_is_named(store: Store, pages: Pages) -> None:
    await write(store, 3)
    audrey = await pages(AUDREY)
    assert "The audit is whole" in (await audrey.get("/app/audit/verification")).text
    tail = (await audrey.get("/app/audit/verification?after=2")).text
    assert "Whole from entry 3 on" in tail and "The audit is whole" not in tail
    await store.write(lambda tx: tx.do("MATCH (e:AuditEntry {seq: 2}) SET e.actor = 'somebody.else'"))
    text = (await audrey.get("/app/audit/verification")).text
    assert "The audit is not whole" in text and "entry 2 was changed" in text


async def test_a_part_is_downloaded_and_proves_itself(store: Store, pages: Pages, tmp_path: Path) -> None:
    await write(store, 3)
    audrey = await pages(AUDREY)
    answer = await audrey.post("/app/audit/export", data={"kind": "person", "person": ANNA.actor})
    assert answer.status_code == 200 and "attachment" in answer.headers["content-disposition"]
    assert answer.headers["cache-control"] == "no-store"
    file = tmp_path / "export"
    file.write_bytes(answer.content)
    found = verify_file(file, None)
    assert (found.fault, found.shown) == (None, 4)
    assert json.loads(answer.content.splitlines()[0])["asked"]["by"] == AUDREY.actor
    assert (await entries(store))[-1].action == "audit.exported"
    backwards = {"kind": "period", "start": "2026-02-01", "end": "2026-01-31"}
    for wrong in ({"kind": "person"}, {"kind": "period", "start": "2026-01-01"}, {"kind": "all"}, backwards):
        assert (await audrey.post("/app/audit/export", data=wrong)).status_code == 422, wrong
    assert (await audrey.post("/app/audit/export", data={"kind": "victim", "victim": "none"})).status_code == 404
