"""Turns each row of the outbox into a Kafka record, by one table of kinds."""

import json
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from graph.actions.link.outbox import OutboxRow
from graph.domain.errors import OtherModel, RedthreadError
from graph.domain.ids import digest
from streams import topics
from streams.kafka.sending import headers_of
from streams.records import gallery, quarantine
from streams.records.gallery import TYPE_OF, SourceEvent
from streams.records.incoming import CE_MARK, CE_MEDIA, CE_PROBE, CE_REEXAMINATION
from streams.records.quarantine import Headers
from streams.records.reading import from_base64

CE_NOTICE: Final = "redthread.notice.v1"
CE_ROOT: Final = "redthread.audit.root.v1"

Body = dict[str, Any]
"""The JSON object of a row."""


class OutgoingRecord(NamedTuple):
    """A record as it is sent."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers


def _by_key(key: str, _: Body) -> str:
    return key


def _by_content(key: str, body: Body) -> str:
    return digest(key, _json(body))


def _by_field(name: str) -> Callable[[str, Body], str]:
    return lambda _, body: str(body[name])


@dataclass(frozen=True, slots=True)
class _EventKind:
    """A kind of row that becomes a CloudEvent: its type, its id, and its topic or how a source gives it."""

    ce_type: str
    ce_id: Callable[[str, Body], str]
    topic: str | Callable[[str], str] = topics.GALLERY


EVENTS: Final = {
    "notice": _EventKind(CE_NOTICE, _by_field("notice_id"), topics.notices),
    "media": _EventKind(CE_MEDIA, _by_field("ce_id"), topics.media_submitted),
    "probe": _EventKind(CE_PROBE, _by_key, topics.PROBES),
    "mark": _EventKind(CE_MARK, _by_key, topics.PROBES),
    "reexamination": _EventKind(CE_REEXAMINATION, _by_content, topics.PROBES),
    "root": _EventKind(CE_ROOT, _by_key, topics.AUDIT_ROOTS),
    "search": _EventKind(TYPE_OF[gallery.SearchAsked], _by_key),
    "search_ended": _EventKind(TYPE_OF[gallery.SearchEnded], lambda key, _: f"{key}-ended"),
    "victims": _EventKind(TYPE_OF[gallery.VictimsAssigned], _by_content),
    "pairs": _EventKind(TYPE_OF[gallery.PairsJudged], _by_content),
    "label": _EventKind(TYPE_OF[gallery.LabelChanged], _by_field("act_id")),
    "model": _EventKind(TYPE_OF[gallery.ModelSwitched], _by_content),
    "erasure": _EventKind(TYPE_OF[gallery.ErasureRecord], lambda _, body: str(body["origin"]["event"])),
}


def outgoing(row: OutboxRow, body: Body) -> OutgoingRecord:
    """The record of a row with this body."""
    if row.kind == "quarantine":
        return _quarantine_record(body)
    if row.kind == "replay":
        return _replayed_event(body)
    kind = EVENTS[row.kind]
    if row.kind == "erasure":
        body = _stamped(body)
    topic = kind.topic if isinstance(kind.topic, str) else kind.topic(row.source)
    headers = headers_of(kind.ce_type, row.key, kind.ce_id(row.key, body))
    return OutgoingRecord(topic, row.key.encode(), _json(body), headers)


def topic_of_source(row: OutboxRow) -> str | None:
    """The topic of the row where it belongs to one source; None for topics that all sources share."""
    if row.kind == "replay":
        return json.loads(row.body)["topic"]
    kind = EVENTS.get(row.kind)
    return None if kind is None or isinstance(kind.topic, str) else kind.topic(row.source)


def in_sending_order(rows: Sequence[OutboxRow]) -> list[list[OutboxRow]]:
    """The rows in groups that may be sent at once; the rows of one group are sent one after the other.

    Concurrent sends may arrive in any order. So a group holds the rows of one source and key, or all rows for the
    gallery log, which is one total order.
    """
    groups: defaultdict[str, list[OutboxRow]] = defaultdict(list)
    for row in rows:
        kind = EVENTS.get(row.kind)
        to_gallery = kind is not None and kind.topic == topics.GALLERY
        groups["" if to_gallery else f"{row.source} {row.key}"].append(row)
    return list(groups.values())


def _stamped(body: Body) -> Body:
    """The erasure with the time until which it covers submissions: its publication, by this machine's clock.

    An erasure that a restore repeats (`as_asked`) keeps its time: what was submitted since is meant to stay.
    """
    as_asked, origin = body.get("as_asked", False), body["origin"]
    if not as_asked:
        origin = {**origin, "submitted_at": max(origin["submitted_at"], time.time_ns() // 1_000_000)}
    return {**{name: value for name, value in body.items() if name != "as_asked"}, "origin": origin}


def _quarantine_record(body: Body) -> OutgoingRecord:
    facts = {name: body[name] for name in SourceEvent.model_fields}
    reason = RedthreadError(body["reason"], code=body["code"])
    if "host" in body:
        reason = OtherModel(body["reason"], host=body["host"])
    return OutgoingRecord(topics.QUARANTINE, *quarantine.record(SourceEvent(**facts), reason, body["stage"]))


def _replayed_event(body: Body) -> OutgoingRecord:
    """The event's own bytes, with headers that say which event it is and how often it was tried."""
    ours = {
        quarantine.EVENT: body["event"],
        quarantine.SUBMITTED_AT: str(body["submitted_at"]),
        quarantine.ATTEMPTS: str(body["attempts"]),
    }
    headers: Headers = [(name, from_base64(text) or b"") for name, text in body["headers"]]
    headers += [(name, text.encode()) for name, text in ours.items()]
    return OutgoingRecord(body["topic"], from_base64(body["key"]), from_base64(body["value"]), headers)


def _json(body: Body) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()
