"""The queue over the wire: filters and claims in, items out; nothing here has a field for a score."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints

from api import examples
from api.limits import VICTIM_ID_MAX
from api.wire import LinkOut, Moment, Number, WireIn, WireOut
from graph.actions.read.approvals import Approval, ApprovalPage
from graph.actions.read.queue import Claim, Page, Queued, Returned
from graph.actions.read.queue_items import SeenUnit
from graph.domain.queue import CLAIMS_MAX, URGENCIES, Filters, Kind, Position, read_position

Urgency = Literal["routine", "urgent", "danger_now"]
Id = Annotated[str, StringConstraints(min_length=1, max_length=VICTIM_ID_MAX)]
After = Annotated[str, StringConstraints(max_length=140)]


class FiltersIn(WireIn):
    """What to work on; without any, everything that waits in the caller's district."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.FILTERS]})

    case_id: Id | None = Field(default=None, description="a case of the caller's district")
    district: Id | None = Field(default=None, description="only what also lies in this other district")
    victim_id: Id | None = Field(default=None, description="a victim with faces in the caller's district")
    submitted_before: Moment | None = Field(
        default=None, description="the later of the two pictures was submitted before this time"
    )
    submitted_after: Moment | None = None
    leads: bool = Field(default=False, description="also the leads: similar, but below the threshold")
    identified: bool = Field(default=False, description="also victims whose identity is known")

    def filters(self) -> Filters:
        return Filters(
            self.case_id, self.district, self.victim_id, _milliseconds(self.submitted_before),
            _milliseconds(self.submitted_after), self.leads, self.identified,
        )  # fmt: skip


class PageQuery(FiltersIn):
    """The filters as a query, and which page."""

    model_config = ConfigDict(json_schema_extra={"examples": []})

    limit: int = Field(default=20, ge=1, le=100)
    after: After | None = Field(default=None, description="`next` of the page before")


class ClaimIn(WireIn):
    """A wish for the next items."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.CLAIM_REQUEST]})

    filters: FiltersIn = Field(default_factory=FiltersIn)
    n: Number = Field(default=1, ge=1, le=CLAIMS_MAX // 2)
    after: After | None = Field(default=None, description="`next` of an answer that had too few")


class ClaimOut(WireOut):
    """A lease: until `until` nobody else gets the item. `purpose` may stand in `Redthread-Purpose` until then."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.CLAIM]})

    claim_id: str
    at: str
    until: str
    purpose: str

    @classmethod
    def from_claim(cls, claim: Claim) -> ClaimOut:
        return cls(claim_id=claim.claim_id, at=claim.at, until=claim.until, purpose=claim.purpose)


class SkippedOut(WireOut):
    """The item stays away from the caller until `until`."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.SKIPPED]})

    claim_id: str
    until: datetime


class ReturnedOut(WireOut):
    """Why the second person returned what the caller had confirmed."""

    by: str
    at: str
    reason: str

    @classmethod
    def from_returned(cls, returned: Returned) -> ReturnedOut:
        return cls(by=returned.by, at=returned.at, reason=returned.reason)


class UnitOut(WireOut):
    """One side of an item: a victim, a group or a face; kind and id are null in another district."""

    kind: Kind | None
    id: str | None
    face_ids: list[str] = Field(
        description="its faces on this contact sheet; a group's all, poorest first, and a victim's that you may know"
    )

    @classmethod
    def from_unit(cls, unit: SeenUnit) -> UnitOut:
        return cls(kind=unit.kind, id=unit.id, face_ids=list(unit.face_ids))


class QueueItemOut(WireOut):
    """What one person decides in one go: a contact sheet of links between two units, weakest first."""

    status: Literal["claimed", "returned", "waiting"]
    urgency: Urgency
    submitted_at: int = Field(description="of the oldest request: milliseconds since 1970, UTC")
    units: list[UnitOut]
    links: list[LinkOut]
    claim: ClaimOut | None
    returned: ReturnedOut | None

    @classmethod
    def from_queued(cls, queued: Queued) -> QueueItemOut:
        item, claim, returned = queued.item, queued.claim, queued.returned
        return cls(
            status="claimed" if claim else "returned" if returned else "waiting",
            urgency=urgency_name(item.urgency),
            submitted_at=item.submitted_at,
            units=[UnitOut.from_unit(unit) for unit in item.units],
            links=[LinkOut.from_link(link) for link in item.links],
            claim=ClaimOut.from_claim(claim) if claim else None,
            returned=ReturnedOut.from_returned(returned) if returned else None,
        )


class QueuePage(WireOut):
    """Items in the order to work in; `next` is the `after` that goes on, null where nothing else waits.

    A page may have few items, or none, and a `next`: then the filters let little through, and the search goes on there.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [examples.QUEUE]})

    items: list[QueueItemOut]
    next: str | None

    @classmethod
    def from_page(cls, page: Page) -> QueuePage:
        return cls(items=[QueueItemOut.from_queued(queued) for queued in page.items], next=page.next)


class WaitingIdentificationOut(WireOut):
    """That a victim may be a person known to a case system; the first person's reason is not told."""

    identification_id: str
    state: Literal["proposed", "to_be_approved_again"]
    person_ref: str
    basis: str
    face_ids: tuple[str, ...]


class ApprovalOut(WireOut):
    """One person's decision that waits for another: links of one act and victim, or an identification."""

    kind: Literal["links", "identification"]
    urgency: Urgency
    by: str = Field(description="who decided first; never the caller")
    at: str = Field(description="since when it waits")
    face_ids: list[str] = Field(
        description="the faces of its links and victims that the caller may know: an approval names them"
    )
    victim_ids: list[str] = Field(description="one; two where the links would join two registered victims")
    act_id: str | None
    links: list[LinkOut]
    identification: WaitingIdentificationOut | None

    @classmethod
    def from_approval(cls, approval: Approval) -> ApprovalOut:
        named = approval.identification
        return cls(
            kind="links" if named is None else "identification",
            urgency=urgency_name(approval.urgency),
            by=approval.by,
            at=approval.at,
            face_ids=list(approval.face_ids),
            victim_ids=list(approval.victim_ids),
            act_id=approval.act_id,
            links=[LinkOut.from_link(link) for link in approval.links],
            identification=WaitingIdentificationOut.model_validate(asdict(named)) if named else None,
        )


class ApprovalsPage(WireOut):
    """The most urgent first; `next` is the `after` that goes on, null where nothing else waits."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.APPROVALS]})

    items: list[ApprovalOut]
    next: str | None

    @classmethod
    def from_page(cls, page: ApprovalPage) -> ApprovalsPage:
        return cls(items=[ApprovalOut.from_approval(approval) for approval in page.items], next=page.next)


def urgency_name(urgency: int) -> Urgency:
    name: Urgency = URGENCIES[urgency]  # pyright: ignore[reportAssignmentType] - the same three words
    return name


def position(after: str | None) -> Position | None:
    return None if after is None else read_position(after)


def _milliseconds(at: datetime | None) -> int | None:
    return None if at is None else int(at.timestamp() * 1000)
