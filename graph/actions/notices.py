"""Notices to case systems: stored with a number per subject, then published from the outbox."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from graph.actions import events
from graph.actions.events import Event, KnownEvent
from graph.domain import ids
from graph.store.log import Outgoing
from graph.store.queries import ingest as queries
from graph.store.session import Row, Tx


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice before it has a number. `body` is what the case system reads.

    A notice of a decision `supersedes` the earlier one of its subject. Any other subject has one notice, and only
    `quarantined` is superseded, by the outcome of the event's replay.
    """

    subject: str
    source: str
    outcome: str
    body: Mapping[str, object]
    event: Event | None = None
    """The submitted event that the notice is about; None where the subject is unique by itself."""
    supersedes: bool = False


async def store_notices(
    tx: Tx, notices: Sequence[Notice], now: datetime, known: Mapping[Event, KnownEvent] | None = None
) -> list[Outgoing]:
    """Stores the notices that are due, with their numbers, and returns them for publication.

    A subject that has a notice gets another one only for a decision, or for an outcome after `quarantined`. A second
    event at a place in Kafka has a subject of its own: `known` is what `events.look_up` found of all events of these
    notices in this transaction.
    """
    if known is None:
        known = await events.look_up(tx, [item.event for item in notices if item.event is not None])
    subjects = [item.subject if item.event is None else f"event:{known[item.event].name}" for item in notices]
    asked = {
        subject
        for subject, item in zip(subjects, notices, strict=True)
        if item.event is None or known[item.event].noticed
    }
    latest: dict[str, tuple[int, str]] = {
        row["subject"]: (row["number"], row["outcome"])
        for row in (await tx.rows(queries.LATEST_NOTICES, subjects=sorted(asked)) if asked else ())
    }
    due: list[Row] = []
    outgoing: list[Outgoing] = []
    for subject, item in zip(subjects, notices, strict=True):
        number, outcome = latest.get(subject, (0, ""))
        if number and not item.supersedes and (outcome != "quarantined" or item.outcome == "quarantined"):
            continue
        number += 1
        latest[subject] = (number, item.outcome)
        row: Row = {
            "notice_id": ids.notice_id(subject, number),
            "subject": subject,
            "number": number,
            "outcome": item.outcome,
        }
        if number > 1:
            row["supersedes"] = ids.notice_id(subject, number - 1)
        fingerprint = item.event.fingerprint if item.event is not None else None
        due.append({**row, "source": item.source, "at": now.isoformat(), "fingerprint": fingerprint})
        outgoing.append(Outgoing("notice", subject, {**row, **item.body}, source=item.source))
    if due:
        await tx.do(queries.CREATE_NOTICES, rows=due)
    return outgoing
