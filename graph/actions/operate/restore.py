"""The repair of a graph and a gallery log that do not agree: nothing is lost, no verdict is touched.

What the submitted topics hold and the graph lacks goes through embed again as a replay, and what was published and is
no longer in Kafka is published again. Every write is idempotent, so the repair may be repeated.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Final

from graph.actions.link.cursor import LOG
from graph.actions.operate.reconcile import PAGE, Request, pages
from graph.domain import ids
from graph.domain.audit import Act, content_digest
from graph.domain.audit_actions import AuditAction
from graph.store import log
from graph.store.log import Outgoing
from graph.store.queries import restore as queries
from graph.store.session import Row, Store, Tx

FOLLOWS: Final = ("victims", "pairs", "label", "model")
"""Records of people's decisions, by which link changes what it proposes: repeated in their order they end as before."""
BYTES_AT_ONCE: Final = 8_000_000
"""Of the events of one transaction: Neo4j's heap holds several of them."""


async def reset_cursor(store: Store, log_id: str, before: int, *, actor: str, now: datetime) -> None:
    """Link reads the log again from the record behind `before`, whatever stood in the cursor; a running one ends."""

    async def work(tx: Tx) -> None:
        head = await log.lock_head(tx)
        await tx.do(queries.RESET_CURSOR, log=LOG, log_id=log_id, offset=before)
        await log.append(tx, head, [Act(now, actor, AuditAction.RESTORE_LOG_READ_AGAIN, f"gallery:{before + 1}")])

    await store.write(work)


async def reload_link(store: Store) -> None:
    """The running link ends and begins again with what the graph holds."""
    await store.write(lambda tx: tx.do(queries.RAISE_EPOCH, log=LOG))


async def is_publishing(store: Store) -> bool:
    """Whether records wait in the outbox, but for files to delete, which may wait for the media store."""
    row = await store.read(lambda tx: tx.one(queries.OUTBOX))
    return row is not None and bool(row["kinds"])


async def know(store: Store, notices: Sequence[Row]) -> None:
    """The graph knows notices that were sent before its dump was loaded: their numbers are not used again."""
    rows: list[Row] = [
        {
            "notice_id": body["notice_id"], "subject": body["subject"], "number": body["number"],
            "outcome": body["outcome"], "source": body["source"], "supersedes": body.get("supersedes"),
            "at": datetime.fromtimestamp(body["sent_at"] / 1000, UTC).isoformat(),
        }
        for body in notices
    ]  # fmt: skip
    for page in pages(rows):

        async def work(tx: Tx, page: Sequence[Row] = page) -> None:
            await log.lock_head(tx)
            await tx.do(queries.KNOW_NOTICES, rows=page)

        await store.write(work)


async def replay(store: Store, lost: Sequence[Row], *, actor: str, now: datetime) -> None:
    """The events go through embed again under their first names; each row is a whole source event."""
    rest = list(lost)
    while rest:
        size = count = 0
        while count < len(rest) and (not count or size < BYTES_AT_ONCE):
            size += len(rest[count]["value"] or "")
            count += 1
        page, rest = rest[:count], rest[count:]

        async def work(tx: Tx, page: Sequence[Row] = page) -> None:
            head = await log.lock_head(tx)
            places = [row["event"] for row in page]
            act = Act(now, actor, AuditAction.RESTORE_REPLAYED, f"events:{len(page)}", digest=content_digest(places))
            await log.append(tx, head, [act], [Outgoing("replay", row["event"], row) for row in page])

        await store.write(work)


async def erase_again(store: Store, notices: Sequence[Row], *, actor: str, now: datetime) -> int:
    """Erasures that people asked for after the dump was made, by the notices of them; returns how many."""
    subjects: dict[str, Row] = {}
    for body in notices:
        kind = next((name for name in ("media_id", "case_id", "face_id") if name in body), None)
        if body.get("outcome") != "erased" or kind is None:
            continue
        event = str(body["event"])
        _, erasure_id, _ = event.split("/", 2)
        origin = {"event": event, "topic": "", "partition": 0, "offset": 0, "ce_id": event, "source": "",
                  "submitted_at": body.get("requested_at") or body["sent_at"]}  # fmt: skip
        subjects[event] = {
            "erasure": {"subject": {kind: body[kind]}, "reason": "asked for before the restore"}, "origin": origin,
            "erasure_id": erasure_id, "sources": [], "as_asked": True,
        }  # fmt: skip

    async def work(tx: Tx) -> None:
        head = await log.lock_head(tx)
        digest = content_digest([*subjects])
        act = Act(now, actor, AuditAction.RESTORE_ERASED_AGAIN, f"erasures:{len(subjects)}", digest=digest)
        rows = [Outgoing("erasure", next(iter(row["erasure"]["subject"].values())), row) for row in subjects.values()]
        await log.append(tx, head, [act], rows)

    if subjects:
        await store.write(work)
    return len(subjects)


async def publish_again(
    store: Store, *, notices: Collection[str], requests: Sequence[Request], log_lost: bool, actor: str, now: datetime
) -> list[tuple[str, str]]:
    """What goes out again: kind and key, of a notice its id.

    `notices` are the ids that their topics lack. Where the gallery log is `log_lost`, what followed of people's
    decisions is repeated too.
    """
    kinds = ["notice", *FOLLOWS] if log_lost else ["notice"]
    published: list[tuple[str, str]] = []
    after = 0
    while True:
        page = await store.read(
            lambda tx, after=after: tx.rows(queries.PUBLISHED, after=after, kinds=kinds, limit=PAGE)
        )
        named = [(row["seq"], row["kind"], _name(row)) for row in page]
        chosen = [row for row in named if row[1] != "notice" or row[2] in notices]
        await _again(store, [seq for seq, _, _ in chosen], actor, now)
        published += [(kind, name) for _, kind, name in chosen]
        if len(page) < PAGE:
            break
        after = page[-1]["seq"]
    await _again(store, [request.seq for request in requests], actor, now)
    return published + [(request.kind, request.key) for request in requests]


async def notify_again(store: Store, notices: Sequence[Row], *, now: datetime) -> None:
    """Notices of an older release, which kept no body: sent again with what is known of them."""
    for page in pages(notices):

        async def work(tx: Tx, page: Sequence[Row] = page) -> None:
            head = await log.lock_head(tx)
            await log.append(tx, head, [], [_bare(row) for row in page])

        await store.write(work)


async def _again(store: Store, seqs: Sequence[int], actor: str, now: datetime) -> None:
    if not seqs:
        return

    async def work(tx: Tx) -> None:
        head = await log.lock_head(tx)
        await tx.do(queries.PUBLISH_AGAIN, seqs=seqs)
        act = Act(now, actor, AuditAction.RESTORE_PUBLISHED_AGAIN, f"records:{len(seqs)}", digest=content_digest(seqs))
        await log.append(tx, head, [act])

    await store.write(work)


def _name(row: Row) -> str:
    return str(json.loads(row["body"])["notice_id"]) if row["kind"] == "notice" else row["key"]


def _bare(row: Row) -> Outgoing:
    body: dict[str, object] = {name: row[name] for name in ("notice_id", "subject", "number", "outcome")}
    place = str(row["subject"]).removeprefix("event:")
    if place != row["subject"]:
        body["event"] = place.partition("~")[0]
    if row["number"] > 1:
        body["supersedes"] = ids.notice_id(row["subject"], row["number"] - 1)
    return Outgoing("notice", row["subject"], body, source=row["source"])
