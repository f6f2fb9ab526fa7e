"""The repair of a graph and a gallery log that are not of one piece: nothing is lost, no verdict is touched.

What the submitted topics hold and the graph lacks goes through embed again as a replay, and what was published and is
no longer in Kafka is published again. Every write is idempotent, so the repair may be repeated.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from graph.actions.ingest import LOG
from graph.actions.reconcile import PAGE, pages
from graph.domain import ids
from graph.domain.audit import Act, content_digest
from graph.store import log
from graph.store.log import Outgoing
from graph.store.queries import restore as queries
from graph.store.session import Row, Store, Tx

FOLLOWS: Final = frozenset({"victims", "pairs", "label"})
"""Records of people's decisions, by which link changes what it proposes: repeated in their order they end as before."""
EVENTS_AT_ONCE: Final = 200
"""Events of one transaction: each may have two megabytes."""


async def reset_cursor(store: Store, log_id: str, before: int, *, actor: str, now: datetime) -> None:
    """Link reads the log again from the record behind `before`, whatever stood in the cursor; a running one ends."""

    async def work(tx: Tx) -> None:
        head = await log.lock_head(tx)
        await tx.do(queries.RESET_CURSOR, log=LOG, log_id=log_id, offset=before)
        await log.append(tx, head, [Act(now, actor, "restore.log_read_again", f"gallery:{before + 1}")])

    await store.write(work)


async def reload_link(store: Store) -> None:
    """The running link ends and begins again with what the graph holds."""
    await store.write(lambda tx: tx.do(queries.RAISE_EPOCH, log=LOG))


async def is_publishing(store: Store) -> bool:
    """Whether records wait in the outbox."""
    row = await store.read(lambda tx: tx.one(queries.OUTBOX))
    return row is not None and row["waits"]


async def replay(store: Store, lost: Sequence[Row], *, actor: str, now: datetime) -> None:
    """The events go through embed again under their first names; each row is a whole source event."""
    for page in pages(lost, EVENTS_AT_ONCE):

        async def work(tx: Tx, page: Sequence[Row] = page) -> None:
            head = await log.lock_head(tx)
            places = [row["event"] for row in page]
            act = Act(now, actor, "restore.replayed", f"events:{len(page)}", digest=content_digest(places))
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
                  "submitted_at": body["sent_at"]}  # fmt: skip
        subjects[event] = {
            "erasure": {"subject": {kind: body[kind]}, "reason": "asked for before the restore"}, "origin": origin,
            "erasure_id": erasure_id, "sources": [], "as_asked": True,
        }  # fmt: skip

    async def work(tx: Tx) -> None:
        head = await log.lock_head(tx)
        act = Act(now, actor, "restore.erased_again", f"erasures:{len(subjects)}", digest=content_digest([*subjects]))
        rows = [Outgoing("erasure", next(iter(row["erasure"]["subject"].values())), row) for row in subjects.values()]
        await log.append(tx, head, [act], rows)

    if subjects:
        await store.write(work)
    return len(subjects)


async def publish_again(
    store: Store,
    *,
    notices: Collection[str],
    sent_events: Collection[str],
    log_lost: bool,
    actor: str,
    now: datetime,
) -> list[tuple[str, str]]:
    """What goes out again of what was published and Kafka does not hold: kind and key, of a notice its id.

    `notices` are the ids that their topics lack, `sent_events` names what the submitted topics hold. Of what went into
    the gallery log all that may be needed is repeated where that log was `log_lost`.
    """
    published: list[tuple[str, str]] = []
    after = 0
    while True:
        page = await store.read(lambda tx, after=after: tx.rows(queries.PUBLISHED, after=after, limit=PAGE))
        rows = [{**row, "body": json.loads(row["body"])} for row in page]
        chosen = [row for row in rows if _is_missing(row, notices, log_lost)]
        chosen += await _still_asked(store, [row for row in rows if _may_be_missing(row, sent_events, log_lost)])
        if chosen:
            await _again(store, [row["seq"] for row in chosen], actor, now)
        published += [(row["kind"], str(row["body"].get("notice_id", row["key"]))) for row in chosen]
        if len(page) < PAGE:
            return published
        after = page[-1]["seq"]


async def notify_again(store: Store, notices: Sequence[Row], *, now: datetime) -> None:
    """Notices of an older release, which kept no body: sent again with what is known of them."""
    for page in pages(notices, EVENTS_AT_ONCE):

        async def work(tx: Tx, page: Sequence[Row] = page) -> None:
            head = await log.lock_head(tx)
            await log.append(tx, head, [], [_bare(row) for row in page])

        await store.write(work)


async def _again(store: Store, seqs: Sequence[int], actor: str, now: datetime) -> None:
    async def work(tx: Tx) -> None:
        head = await log.lock_head(tx)
        await tx.do(queries.PUBLISH_AGAIN, seqs=seqs)
        act = Act(now, actor, "restore.published_again", f"records:{len(seqs)}", digest=content_digest(seqs))
        await log.append(tx, head, [act])

    await store.write(work)


def _is_missing(row: Row, notices: Collection[str], log_lost: bool) -> bool:
    if row["kind"] == "notice":
        return row["body"]["notice_id"] in notices
    return log_lost and row["kind"] in FOLLOWS


def _may_be_missing(row: Row, sent_events: Collection[str], log_lost: bool) -> bool:
    match row["kind"]:
        case "media":
            return row["body"]["ce_id"] not in sent_events
        case "probe" | "mark":
            return row["key"] not in sent_events
        case kind:
            return log_lost and kind in ("search", "erasure")


async def _still_asked(store: Store, rows: Sequence[Row]) -> list[Row]:
    """Those of the records whose askers still wait."""
    if not rows:
        return []
    asked = [
        {"seq": row["seq"], "kind": row["kind"], "key": row["key"], "ce_id": row["body"].get("ce_id", ""),
         "erasure_id": row["body"].get("erasure_id", "")}
        for row in rows
    ]  # fmt: skip
    waiting = {row["seq"] for row in await store.read(lambda tx: tx.rows(queries.STILL_ASKED, rows=asked))}
    return [row for row in rows if row["seq"] in waiting]


def _bare(row: Row) -> Outgoing:
    body: dict[str, object] = {name: row[name] for name in ("notice_id", "subject", "number", "outcome")}
    place = str(row["subject"]).removeprefix("event:")
    if place != row["subject"]:
        body["event"] = place.partition("~")[0]
    if row["number"] > 1:
        body["supersedes"] = ids.notice_id(row["subject"], row["number"] - 1)
    return Outgoing("notice", row["subject"], body, source=row["source"])
