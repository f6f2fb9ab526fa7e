"""Repairs a graph and a gallery log that disagree, without losing a record or changing a verdict.

Events that the submitted topics hold and the graph lacks go through embed again as replays. Records that were published
and are no longer in Kafka are published again. Every write is idempotent, so the repair may be repeated.
"""

import json
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from graph.actions.link.cursor import LOG
from graph.actions.operate.reconcile import PAGE, Request, SentNotice
from graph.domain import ids
from graph.domain.audit import Act, content_digest
from graph.domain.audit_actions import AuditAction
from graph.paging import chunks
from graph.store import log
from graph.store.log import Outgoing
from graph.store.queries import repair as queries
from graph.store.session import Row, Store, Tx

FOLLOWS: Final = ("victims", "pairs", "label", "model")
"""Records of people's decisions, by which link changes its proposals; repeated in order they give the same result."""
BYTES_AT_ONCE: Final = 8_000_000
"""Bytes of the events of one transaction: several of them fit into Neo4j's heap."""


async def reset_cursor(store: Store, log_id: str, before: int, *, actor: str, now: datetime) -> None:
    """Makes link read the log again from the record behind `before`; a running link process ends."""

    async def work(tx: Tx, head: log.Head) -> None:
        await tx.do(queries.RESET_CURSOR, log=LOG, log_id=log_id, offset=before)
        await log.append(tx, head, [Act(now, actor, AuditAction.RESTORE_LOG_READ_AGAIN, f"gallery:{before + 1}")])

    await log.write(store, work)


async def reload_link(store: Store) -> None:
    """Makes the running link process end and start again from what the graph holds."""
    await store.write(lambda tx: tx.do(queries.RAISE_EPOCH, log=LOG))


async def is_publishing(store: Store) -> bool:
    """Whether records wait in the outbox, except files to delete, which may wait for the media store."""
    row = await store.read(lambda tx: tx.one(queries.OUTBOX))
    return row is not None and bool(row["kinds"])


async def know(store: Store, notices: Sequence[Row]) -> None:
    """Stores notices that were sent before the graph's dump was loaded, so that their numbers are not used again."""
    rows: list[Row] = [
        {
            **{name: body[name] for name in ("notice_id", "subject", "number", "outcome", "source")},
            "supersedes": body.get("supersedes"),
            "at": datetime.fromtimestamp(body["sent_at"] / 1000, UTC).isoformat(),
        }
        for body in notices
    ]
    for chunk in chunks(rows, PAGE):

        async def work(tx: Tx, chunk: Sequence[Row] = chunk) -> None:
            await log.lock_head(tx)
            await tx.do(queries.KNOW_NOTICES, rows=chunk)

        await store.write(work)


async def replay(store: Store, lost: Sequence[Row], *, actor: str, now: datetime) -> None:
    """Sends the events through embed again under their first names; each row is a whole source event."""
    for chunk in _of_limited_size(lost):

        async def work(tx: Tx, chunk: Sequence[Row] = chunk) -> None:
            places = [row["event"] for row in chunk]
            act = Act(now, actor, AuditAction.RESTORE_REPLAYED, f"events:{len(chunk)}", digest=content_digest(places))
            await _append(tx, [act], [Outgoing("replay", row["event"], row) for row in chunk])

        await store.write(work)


def _of_limited_size(events: Sequence[Row]) -> Iterator[list[Row]]:
    """The events in lists of at least one, and at most about BYTES_AT_ONCE bytes."""
    chunk: list[Row] = []
    size = 0
    for event in events:
        if chunk and size >= BYTES_AT_ONCE:
            yield chunk
            chunk, size = [], 0
        chunk.append(event)
        size += len(event["value"] or "")
    if chunk:
        yield chunk


async def erase_again(store: Store, notices: Sequence[Row], *, actor: str, now: datetime) -> int:
    """Repeats the erasures that people asked for after the dump was made, as their notices name them; how many."""
    subjects: dict[str, Row] = {}
    for body in notices:
        kind = next((name for name in ("media_id", "case_id", "face_id") if name in body), None)
        if body.get("outcome") != "erased" or kind is None:
            continue
        event = str(body["event"])
        _, erasure_id, _ = event.split("/", 2)
        subjects[event] = {
            "erasure": {
                "subject": {kind: body[kind]},
                "reason": "asked for before the restore",
                "code": body.get("code"),
            },
            "origin": {
                "event": event,
                "topic": "",
                "partition": 0,
                "offset": 0,
                "ce_id": event,
                "source": "",
                "submitted_at": body.get("requested_at") or body["sent_at"],
            },
            "erasure_id": erasure_id,
            "sources": [],
            "as_asked": True,
        }

    async def work(tx: Tx) -> None:
        digest = content_digest([*subjects])
        act = Act(now, actor, AuditAction.RESTORE_ERASED_AGAIN, f"erasures:{len(subjects)}", digest=digest)
        rows = [Outgoing("erasure", next(iter(row["erasure"]["subject"].values())), row) for row in subjects.values()]
        await _append(tx, [act], rows)

    if subjects:
        await store.write(work)
    return len(subjects)


async def publish_again(
    store: Store, *, notices: Collection[str], requests: Sequence[Request], log_lost: bool, actor: str, now: datetime
) -> list[tuple[str, str]]:
    """Publishes records again, and returns kind and key of each (of a notice its id).

    `notices` are the ids that their topics lack. If the gallery log is lost, the records of people's decisions are
    published again too.
    """
    kinds = ["notice", *FOLLOWS] if log_lost else ["notice"]
    published: list[tuple[str, str]] = []
    async for page in store.pages(queries.PUBLISHED, PAGE, lambda row: row["seq"], first=0, kinds=kinds):
        named = [(row["seq"], row["kind"], _name(row)) for row in page]
        chosen = [row for row in named if row[1] != "notice" or row[2] in notices]
        await _publish(store, [seq for seq, _, _ in chosen], actor, now)
        published += [(kind, name) for _, kind, name in chosen]
    await _publish(store, [request.seq for request in requests], actor, now)
    return published + [(request.kind, request.key) for request in requests]


async def notify_again(store: Store, notices: Sequence[SentNotice]) -> None:
    """Sends notices of an older release again, which stored no body, with the facts that are known of them."""
    for chunk in chunks(notices, PAGE):
        await store.write(lambda tx, chunk=chunk: _append(tx, [], [_bare(notice) for notice in chunk]))


async def _append(tx: Tx, acts: Sequence[Act], outgoing: Sequence[Outgoing]) -> None:
    await log.append(tx, await log.lock_head(tx), acts, outgoing)


async def _publish(store: Store, seqs: Sequence[int], actor: str, now: datetime) -> None:
    if not seqs:
        return

    async def work(tx: Tx, head: log.Head) -> None:
        await tx.do(queries.PUBLISH_AGAIN, seqs=seqs)
        act = Act(now, actor, AuditAction.RESTORE_PUBLISHED_AGAIN, f"records:{len(seqs)}", digest=content_digest(seqs))
        await log.append(tx, head, [act])

    await log.write(store, work)


def _name(row: Row) -> str:
    return str(json.loads(row["body"])["notice_id"]) if row["kind"] == "notice" else row["key"]


def _bare(notice: SentNotice) -> Outgoing:
    body: dict[str, object] = {
        "notice_id": notice.notice_id,
        "subject": notice.subject,
        "number": notice.number,
        "outcome": notice.outcome,
    }
    place = notice.subject.removeprefix("event:")
    if place != notice.subject:
        body["event"] = place.partition("~")[0]
    if notice.number > 1:
        body["supersedes"] = ids.notice_id(notice.subject, notice.number - 1)
    return Outgoing("notice", notice.subject, body, source=notice.source)
