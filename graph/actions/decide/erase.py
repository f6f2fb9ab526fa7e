"""A person asks that something is forgotten: it is hidden at once, and link takes it out at its place in the log."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal, LiteralString

from graph.actions.access import AccessEvent, AccessLog
from graph.actions.known import find_victim
from graph.domain import audit, ids
from graph.domain.audit_actions import AuditAction
from graph.domain.errors import Forbidden, Invalid, NotFound
from graph.domain.people import PURPOSE_LIMIT, Permission, Person, check_may, may
from graph.store import log
from graph.store.log import Outgoing
from graph.store.queries import erase as queries
from graph.store.session import Row, Store, Tx

Kind = Literal["media_id", "case_id", "face_id", "victim_id"]

_FIND: Final[Mapping[Kind, LiteralString]] = {
    "media_id": queries.OF_MEDIA,
    "case_id": queries.OF_CASE,
    "face_id": queries.OF_FACES,
    "victim_id": queries.OF_FACES,
}
_HIDE: Final[Mapping[Kind, LiteralString]] = {
    "media_id": queries.HIDE_MEDIA,
    "face_id": queries.HIDE_FACES,
    "victim_id": queries.HIDE_FACES,
}
PAGE: Final = 500
"""Media of a case that are hidden in one transaction: a second on two cores, so that others act in between."""


async def do_erase(store: Store, kind: Kind, subject: str, reason: str, *, actor: Person, now: datetime) -> str:
    """The id of the erasure; from here on nobody sees its subject, and link forgets it. Of a victim: all faces.

    A large case is hidden page by page after the erasure stands: were that cut short, link would take the rest visibly.

    Raises NotFound where the person may not see the subject, Forbidden where the person is no supervisor of every
    district that it lies in.
    """
    if not 1 <= len(reason.strip()) <= PURPOSE_LIMIT:
        raise Invalid(f"reason: from 1 to {PURPOSE_LIMIT} characters")
    erasure_id = ids.new_id()

    async def work(tx: Tx) -> Row | None:
        head = await log.lock_head(tx)
        subjects = [subject]
        if kind == "victim_id":
            subjects = sorted((await find_victim(tx, subject, actor)).faces)
        rows = await tx.rows(_FIND[kind], subjects=subjects)
        districts = sorted({case["district"] for row in rows for case in row["cases"]})
        _check(actor, districts)
        left = await _hide(tx, kind, rows)
        names = [f"{row['kind'].removesuffix('_id')}:{row['subject']}" for row in rows]
        request = {
            "erasure_id": erasure_id, "kind": kind, "subject": subject, "reason": reason, "by": actor.actor,
            "districts": districts, "at": now.isoformat(), "state": "asked", "waiting": names, "subjects": names,
        }  # fmt: skip
        await tx.do(queries.CREATE_REQUEST, request=request)
        entry = audit.Act(
            now, actor.actor, AuditAction.ERASURE_ASKED, f"{kind.removesuffix('_id')}:{subject}", reason,
            audit.content_digest(names),
        )  # fmt: skip
        outgoing = [Outgoing("erasure", row["subject"], _record(erasure_id, number, row, reason, now))
                    for number, row in enumerate(rows)]  # fmt: skip
        await log.append(tx, head, [entry], outgoing)
        return left

    async def go_on(tx: Tx, row: Row) -> Row | None:
        await log.lock_head(tx)
        return await _hide(tx, kind, [row])

    left = await store.write(work)
    while left is not None:
        left = await store.write(lambda tx, row=left: go_on(tx, row))
    return erasure_id


async def _hide(tx: Tx, kind: Kind, rows: list[Row]) -> Row | None:
    """Hides what these rows of a subject name; returns the row of a case of which more is left."""
    subjects = [row["subject"] for row in rows]
    left = None
    if kind == "case_id":
        [case] = rows
        page = await tx.rows(
            queries.HIDE_CASE, case_id=case["subject"], newest=case["newest"] or 0, limit=PAGE
        )  # fmt: skip
        subjects = [row["media_id"] for row in page]
        left = case if len(page) == PAGE else None
    else:
        await tx.do(_HIDE[kind], subjects=subjects)
    await tx.do(queries.DROP_UNDECIDED, subjects=subjects)
    return left


async def read_erasure(store: Store, access_log: AccessLog, erasure_id: str, *, access: AccessEvent) -> Row:
    """The receipt: asked, or done since link has erased everything; the look is in the audit."""
    row = await store.read(lambda tx: tx.one(queries.REQUEST, erasure_id=erasure_id))
    if row is None or not may(access.person, Permission.ERASE, row["request"]["districts"]):
        raise NotFound("there is no such erasure")
    await access_log.record(access.act(AuditAction.ERASURE_SEEN, erasure_id))
    return row["request"]


def _check(actor: Person, districts: list[str]) -> None:
    if not may(actor, Permission.SEE, districts):
        raise NotFound("there is nothing of this id to erase")
    check_may(actor, Permission.ERASE, districts)
    if not all(may(actor, Permission.ERASE, [district]) for district in districts):
        raise Forbidden("it lies in a case of another district too, which has to decide as well", code="other_district")


def _record(erasure_id: str, number: int, row: Row, reason: str, now: datetime) -> dict[str, Any]:
    """The gallery log's record; the relay moves `submitted_at` on to the moment at which it is published.

    Every source whose cases it concerns is told.
    """
    sources = sorted({case["source"] for case in row["cases"] if case["source"]})
    event = f"erasures/{erasure_id}/{number}"
    origin = {
        "event": event, "topic": "", "partition": 0, "offset": number, "ce_id": event,
        "source": sources[0] if len(sources) == 1 else "",
        "submitted_at": max(row["newest"] or 0, int(now.timestamp() * 1000)),
    }  # fmt: skip
    return {
        "erasure": {"subject": {row["kind"]: row["subject"]}, "reason": reason},
        "origin": origin,
        "erasure_id": erasure_id,
        "sources": sources,
    }
