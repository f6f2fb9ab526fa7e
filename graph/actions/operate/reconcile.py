"""Compares what was submitted and sent with what the graph holds; reads only."""

import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from graph.actions import events
from graph.actions.events import Event
from graph.domain import ids
from graph.files import UPLOAD_SCHEME
from graph.paging import chunks
from graph.store.queries import repair as queries
from graph.store.session import Row, Store, Tx

PAGE: Final = 2000
NOTICE_DAYS: Final = 13
"""Notices younger than this must be in their topic, which retains them for 14 days."""
KEPT_OUTCOMES: Final = frozenset({"faces_found", "no_face", "too_poor", "duplicate"})
"""Outcomes after which the media is in its case."""


@dataclass(frozen=True, slots=True)
class Submitted:
    """An event as its topic holds it.

    `media_id` is empty if only the picture's bytes give it. `key` names what a person waits for (a search or a marked
    face); these events have no notice. `submitted_at` is in milliseconds.
    """

    event: Event
    source: str
    case_id: str
    media_id: str
    submitted_at: int
    key: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """What the graph holds of an event: the outcomes of its notices in order, and its state in quarantine."""

    outcomes: tuple[str, ...] = ()
    quarantine: str = ""
    stored: bool = True
    """Whether its media is in its case, or was erased since."""
    waits: bool = False
    """Whether a person still waits for the answer to it."""

    @property
    def final(self) -> list[str]:
        """The outcomes other than quarantine."""
        return [outcome for outcome in self.outcomes if outcome != "quarantined"]


async def standing(store: Store, submitted: Sequence[Submitted]) -> list[Standing]:
    """What the graph holds of each event, in the same order."""
    found: list[Standing] = []
    for chunk in chunks(submitted, PAGE):
        found += await store.read(lambda tx, chunk=chunk: _standing(tx, chunk))
    return found


async def _standing(tx: Tx, chunk: Sequence[Submitted]) -> list[Standing]:
    names = await events.names(tx, (item.event for item in chunk))
    rows: list[Row] = [
        {
            "number": number,
            "subject": f"event:{names[item.event]}",
            "key": item.key,
            "quarantine_id": ids.quarantine_id(names[item.event]),
            "media_id": item.media_id,
            "case_id": item.case_id,
            "submitted_at": item.submitted_at,
        }
        for number, item in enumerate(chunk)
    ]
    of_events = await tx.rows(queries.EVENTS, rows=rows)
    with_media = [row for row in rows if row["media_id"]]
    of_media = await tx.rows(queries.STORED, rows=with_media)
    stored = {row["number"]: bool(row["in_case"] or row["erased"]) for row in of_media}
    asked = [row for row in rows if row["key"]]
    waits = {row["number"]: bool(row["waits"]) for row in await tx.rows(queries.SEARCHES, rows=asked)}
    return [
        Standing(
            outcomes=tuple(row["outcomes"]),
            quarantine=row["quarantine"] or "",
            stored=stored.get(row["number"], True),
            waits=waits.get(row["number"], False),
        )
        for row in of_events
    ]


@dataclass(frozen=True, slots=True)
class InCase:
    """A media in a case: the number of its faces, None where the case does not have the media. `erased`: at any
    time."""

    faces: int | None
    erased: bool


async def in_case(store: Store, case_id: str, media: Sequence[str]) -> dict[str, InCase]:
    """What the case has of each media."""
    found: dict[str, InCase] = {}
    for chunk in chunks(media, PAGE):
        rows = [{"number": n, "media_id": name, "case_id": case_id, "submitted_at": 0} for n, name in enumerate(chunk)]
        for row in await store.read(lambda tx, rows=rows: tx.rows(queries.STORED, rows=rows)):
            faces = int(row["faces"]) if row["in_case"] else None
            found[chunk[row["number"]]] = InCase(faces, bool(row["erased"]))
    return found


async def due(store: Store, kind: Literal["quarantine", "replay", "root"]) -> set[str]:
    """The keys of records that are still to be sent: the places of events, or the dates of audit roots."""
    return {row["key"] for row in await store.read(lambda tx: tx.rows(queries.DUE, kind=kind))}


@dataclass(frozen=True, slots=True)
class SentNotice:
    """A notice that the graph has sent; `at` is ISO 8601."""

    notice_id: str
    subject: str
    number: int
    outcome: str
    source: str
    at: str


async def sent_notices(store: Store, *, now: datetime) -> list[SentNotice]:
    """The notices of the last NOTICE_DAYS, by id."""
    since = (now - timedelta(days=NOTICE_DAYS)).isoformat()
    pages = store.pages(queries.NOTICES, PAGE, lambda row: row["notice"]["notice_id"], since=since)
    return [SentNotice(**row["notice"]) async for page in pages for row in page]


async def due_notices(store: Store) -> set[str]:
    """The ids of notices that are still to be sent."""
    rows = await store.read(lambda tx: tx.rows(queries.DUE, kind="notice"))
    return {str(json.loads(row["body"])["notice_id"]) for row in rows}


async def unknown_notices(store: Store, notice_ids: Iterable[str]) -> set[str]:
    """Those of the ids that the graph does not know, because it is older than they are."""
    unknown = set(notice_ids)
    for chunk in chunks(sorted(unknown), PAGE):
        rows = await store.read(lambda tx, chunk=chunk: tx.rows(queries.KNOWN_NOTICES, ids=chunk))
        unknown -= {row["notice_id"] for row in rows}
    return unknown


@dataclass(frozen=True, slots=True)
class Request:
    """A published record of something that a person asked for; `ce_id` identifies it in its topic."""

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
    """The requests of people that the relay has published, for as long as the graph stores them."""
    pages = store.pages(queries.REQUESTS, PAGE, lambda row: row["seq"], first=0)
    return [_request(row) async for page in pages for row in page]


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
    """Those of the requests for which a person still waits."""
    waiting: set[int] = set()
    for chunk in chunks(requests, PAGE):
        rows = [asdict(request) for request in chunk]
        waiting |= {row["seq"] for row in await store.read(lambda tx, r=rows: tx.rows(queries.STILL_ASKED, rows=r))}
    return [request for request in requests if request.seq in waiting]


async def changed_verdicts(store: Store, sent: Mapping[str, tuple[int, str, str]]) -> list[str]:
    """The links whose state is not the one last sent; `sent` has by subject the number, link id and state.

    A link of which the graph has sent more since, or which was erased, is as it should be.
    """
    changed: set[str] = set()
    for chunk in chunks(sent.items(), PAGE):
        rows = [{"subject": subject, "link_id": link_id} for subject, (_, link_id, _) in chunk]
        for row in await store.read(lambda tx, rows=rows: tx.rows(queries.LINK_STATES, rows=rows)):
            number, link_id, state = sent[row["subject"]]
            if row["number"] == number and row["state"] not in (None, state):
                changed.add(link_id)
    return sorted(changed)


@dataclass(frozen=True, slots=True)
class FaceCrops:
    """A face and the keys of its crops in the media store."""

    face_id: str
    media_id: str
    keys: list[str]


async def crops(store: Store) -> AsyncIterator[list[FaceCrops]]:
    """All faces with the keys of their crops, in pages."""
    async for page in store.pages(queries.CROPS, PAGE, lambda row: row["face_id"]):
        yield [FaceCrops(**row) for row in page]


async def uploads(store: Store) -> AsyncIterator[list[str]]:
    """The ids of all media whose bytes are in our own store, in pages."""
    async for page in store.pages(queries.UPLOADS, PAGE, lambda row: row["media_id"], scheme=UPLOAD_SCHEME):
        yield [row["media_id"] for row in page]
