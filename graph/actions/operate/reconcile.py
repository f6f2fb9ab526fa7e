"""Compares what was submitted and sent with what the graph holds; reads only."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final, Literal, TypeVar

from graph.actions import events
from graph.actions.events import Event
from graph.domain import ids
from graph.files import UPLOAD_SCHEME
from graph.store.queries import reconcile as queries
from graph.store.session import Row, Store, Tx

PAGE: Final = 2000
NOTICE_DAYS: Final = 13
"""Notices younger than this must be in their topic, which keeps them for 14 days."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Submitted:
    """An event as its topic holds it. `media_id` is empty where only its bytes tell it, `key` names what a person
    waits for (a search or a marked face), whose events have no notice."""

    event: Event
    source: str
    case_id: str
    media_id: str
    submitted_at: int
    key: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """What the graph says of an event: the outcomes of its notices in order, and its state in quarantine."""

    outcomes: tuple[str, ...] = ()
    quarantine: str = ""
    stored: bool = True
    """Whether its media is in its case, as its outcome says, or was erased since."""
    waits: bool = False
    """Whether a person still waits for what it asks."""

    @property
    def final(self) -> list[str]:
        return [outcome for outcome in self.outcomes if outcome != "quarantined"]


KEPT_OUTCOMES: Final = frozenset({"faces_found", "no_face", "too_poor", "duplicate"})
"""After these the media is in its case."""


async def standing(store: Store, submitted: Sequence[Submitted]) -> list[Standing]:
    """What the graph says of each event, in the same order."""
    found: list[Standing] = []
    for page in pages(submitted):
        found += await store.read(lambda tx, page=page: _standing(tx, page))
    return found


async def _standing(tx: Tx, page: Sequence[Submitted]) -> list[Standing]:
    names = await events.names(tx, (item.event for item in page))
    rows: list[Row] = [
        {
            "number": number, "subject": f"event:{names[item.event]}", "key": item.key,
            "quarantine_id": ids.quarantine_id(names[item.event]), "media_id": item.media_id, "case_id": item.case_id,
            "submitted_at": item.submitted_at,
        }
        for number, item in enumerate(page)
    ]  # fmt: skip
    of_events = await tx.rows(queries.EVENTS, rows=rows)
    kept = [row for row in rows if row["media_id"]]
    stored = {row["number"]: bool(row["stored"]) for row in await tx.rows(queries.STORED, rows=kept)}
    asked = [row for row in rows if row["key"]]
    waits = {row["number"]: bool(row["waits"]) for row in await tx.rows(queries.SEARCHES, rows=asked)}
    return [
        Standing(
            tuple(row["outcomes"]), row["quarantine"] or "", stored.get(row["number"], True),
            waits.get(row["number"], False),
        )
        for row in of_events
    ]  # fmt: skip


async def kept(store: Store, case_id: str, media: Sequence[str]) -> set[str]:
    """Those of the media that are in the case, or were erased at any time."""
    found: set[str] = set()
    for page in pages(media):
        rows = [{"number": n, "media_id": name, "case_id": case_id, "submitted_at": 0} for n, name in enumerate(page)]
        stored = await store.read(lambda tx, rows=rows: tx.rows(queries.STORED, rows=rows))
        found |= {page[row["number"]] for row in stored if row["stored"]}
    return found


async def due(store: Store, kind: Literal["quarantine", "replay", "root"]) -> set[str]:
    """The keys of records that are still to be sent: the places of events, or the dates of the audit's roots."""
    return {row["key"] for row in await store.read(lambda tx: tx.rows(queries.DUE, kind=kind))}


async def sent_notices(store: Store, *, now: datetime) -> list[Row]:
    """The notices of the last NOTICE_DAYS: id, subject, number, outcome, source and time."""
    since = (now - timedelta(days=NOTICE_DAYS)).isoformat()
    found: list[Row] = []
    while True:
        after = found[-1]["notice_id"] if found else ""
        page = await store.read(lambda tx, after=after: tx.rows(queries.NOTICES, after=after, since=since, limit=PAGE))
        found += [row["notice"] for row in page]
        if len(page) < PAGE:
            return found


async def due_notices(store: Store) -> set[str]:
    """The ids of notices that are still to be sent."""
    rows = await store.read(lambda tx: tx.rows(queries.DUE, kind="notice"))
    return {str(json.loads(row["body"])["notice_id"]) for row in rows}


async def unknown_notices(store: Store, notice_ids: Iterable[str]) -> set[str]:
    """Those of the ids that the graph knows nothing of: it is older than they are."""
    wanted = sorted(notice_ids)
    known: set[str] = set()
    for page in pages(wanted):
        rows = await store.read(lambda tx, page=page: tx.rows(queries.KNOWN_NOTICES, ids=page))
        known |= {row["notice_id"] for row in rows}
    return set(wanted) - known


@dataclass(frozen=True, slots=True)
class Request:
    """A published record of what a person asked for; `ce_id` is how its topic names it."""

    seq: int
    kind: str
    key: str
    ce_id: str
    erasure_id: str = ""
    subject: str = ""

    @property
    def name(self) -> str:
        return f"{self.kind}:{self.key}"


async def published_requests(store: Store) -> list[Request]:
    """What people asked for and the relay has published, as long as that is kept."""
    found: list[Request] = []
    while True:
        after = found[-1].seq if found else 0
        page = await store.read(lambda tx, after=after: tx.rows(queries.REQUESTS, after=after, limit=PAGE))
        found += map(_request, page)
        if len(page) < PAGE:
            return found


def _request(row: Row) -> Request:
    body: dict[str, Any] = json.loads(row["body"])
    match row["kind"]:
        case "erasure":
            ((kind, subject),) = body["erasure"]["subject"].items()
            name = f"{kind.removesuffix('_id')}:{subject}"
            return Request(row["seq"], "erasure", row["key"], body["origin"]["ce_id"], body["erasure_id"], name)
        case "media":
            return Request(row["seq"], "media", row["key"], body["ce_id"])
        case kind:
            return Request(row["seq"], kind, row["key"], row["key"])


async def still_asked(store: Store, requests: Sequence[Request]) -> list[Request]:
    """Those of the requests whose askers still wait."""
    waiting: set[int] = set()
    for page in pages([asdict(request) for request in requests]):
        rows = await store.read(lambda tx, page=page: tx.rows(queries.STILL_ASKED, rows=page))
        waiting |= {row["seq"] for row in rows}
    return [request for request in requests if request.seq in waiting]


async def changed_verdicts(store: Store, sent: Mapping[str, tuple[int, str, str]]) -> list[str]:
    """The links whose state is not the one last sent; `sent` has by subject the number, link id and state.

    A link of which the graph has sent more since, or which was erased, is as it should be.
    """
    rows = [{"subject": subject, "link_id": link_id} for subject, (_, link_id, _) in sent.items()]
    changed: set[str] = set()
    for page in pages(rows):
        for row in await store.read(lambda tx, page=page: tx.rows(queries.LINK_STATES, rows=page)):
            number, link_id, state = sent[row["subject"]]
            if row["number"] == number and row["state"] not in (None, state):
                changed.add(link_id)
    return sorted(changed)


async def crops(store: Store) -> AsyncIterator[list[Row]]:
    """All faces with the keys of their crops, page by page."""
    after = ""
    while True:
        page = await store.read(lambda tx, after=after: tx.rows(queries.CROPS, after=after, limit=PAGE))
        if page:
            yield page
        if len(page) < PAGE:
            return
        after = page[-1]["face_id"]


async def uploads(store: Store) -> AsyncIterator[list[str]]:
    """The ids of all media whose bytes lie in our own store, page by page."""
    after = ""
    while True:
        page = await store.read(
            lambda tx, after=after: tx.rows(queries.UPLOADS, after=after, scheme=UPLOAD_SCHEME, limit=PAGE)
        )
        if page:
            yield [row["media_id"] for row in page]
        if len(page) < PAGE:
            return
        after = page[-1]["media_id"]


def pages(items: Sequence[T], size: int = PAGE) -> Iterable[list[T]]:
    """The items in lists of at most `size`."""
    rest = iter(items)
    while page := list(islice(rest, size)):
        yield page
