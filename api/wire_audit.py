"""The audit and the quarantine over the wire: ids, digests and facts; no face, no bytes."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field

from api import examples
from api.wire import WireOut
from graph.actions.read.audit import Proved
from graph.domain.audit import Entry


class AuditEntryOut(WireOut):
    """Who did what to what, when and why; `digest` proves the content of the act without telling it."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.AUDIT_ENTRY]})

    seq: int
    at: str
    actor: str
    action: str
    subject: str
    purpose: str
    digest: str
    previous_hash: str
    hash: str

    @classmethod
    def from_entry(cls, entry: Entry) -> AuditEntryOut:
        return cls(
            seq=entry.seq, at=entry.at, actor=entry.actor, action=entry.action, subject=entry.subject,
            purpose=entry.purpose, digest=entry.digest, previous_hash=entry.previous_hash, hash=entry.hash,
        )  # fmt: skip


class AuditPage(WireOut):
    """`next` is the `after` of the next page, null on the last one."""

    items: list[AuditEntryOut]
    next: int | None


class PlaceOut(WireOut):
    seq: int
    hash: str


class ProvedOut(WireOut):
    """What was checked and found; go on behind `next`, naming the hash of `to` as `after_hash`, until it is null."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.PROVED]})

    first: int = Field(serialization_alias="from", description="the first entry that was checked")
    last: PlaceOut = Field(serialization_alias="to", description="the last entry that was checked")
    head: PlaceOut = Field(description="the end of the whole chain")
    roots: int = Field(description="daily roots compared with the entries that they name")
    result: Literal["whole", "broken"]
    fault: str | None = Field(description="the first thing that is wrong")
    next: int | None

    @classmethod
    def from_proved(cls, proved: Proved) -> ProvedOut:
        return cls(
            first=proved.first, last=PlaceOut(seq=proved.last.seq, hash=proved.last.hash), roots=proved.roots,
            head=PlaceOut(seq=proved.head.seq, hash=proved.head.hash), fault=proved.fault, next=proved.next,
            result="broken" if proved.fault else "whole",
        )  # fmt: skip


class QuarantinedOut(WireOut):
    """An event that could not be processed: where it stood, at which stage it failed and why."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.QUARANTINED]})

    quarantine_id: str
    event: str
    topic: str
    partition: int
    offset: int
    stage: str
    code: str
    reason: str
    source: str
    attempts: int
    status: Literal["waiting", "replayed", "resolved"]
    submitted_at: int = Field(description="milliseconds since 1970, UTC")


class QuarantinePage(WireOut):
    """`next` is the `after` of the next page, null on the last one."""

    items: list[QuarantinedOut]
    next: str | None


class ReplayedOut(WireOut):
    quarantine_id: str
    status: Literal["replayed"] = "replayed"
