"""The review queue: the items that wait for a person, and claims of them."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import AliasChoices, Field, StringConstraints

from api.deps import VICTIM_ID_MAX, CaseAccess, ClaimHolder, Id, Judge, created
from api.errors import ACTING, BODY, LOOKING, problems
from api.wire import LinkOut, Moment, Number, PageOut, Urgency, WireIn, WireOut, example, fields_of
from graph.actions.read import claims, queue
from graph.actions.read.queue_items import Claim, QueueItem, Returned, VisibleSubject
from graph.actions.read.search import milliseconds
from graph.domain import ids
from graph.domain.queue import CLAIMS_MAX, Filters, Position, read_position
from graph.paging import Page

router = APIRouter(tags=["queue"])

ShortId = Annotated[str, StringConstraints(min_length=1, max_length=VICTIM_ID_MAX)]
After = Annotated[str, StringConstraints(max_length=140)]
_FILTERS = """{"case_id": $CASE, "district": null, "victim_id": null, "submitted_before": null, "submitted_after": null,
               "leads": false, "identified": false}"""
_CLAIM = """{"claim_id": "9d0c5b1e7f3a4c8e8b6d2f0a1c3e5d70", "at": "2026-11-20T10:00:00+00:00",
             "until": "2026-11-20T10:15:00+00:00", "purpose": "claim:9d0c5b1e7f3a4c8e8b6d2f0a1c3e5d70"}"""


class FiltersIn(WireIn):
    """What to work on; without any, everything that waits in the caller's district."""

    model_config = example(_FILTERS)

    case_id: ShortId | None = Field(default=None, description="a case of the caller's district")
    district: ShortId | None = Field(default=None, description="only what also lies in this other district")
    victim_id: ShortId | None = Field(default=None, description="a victim with faces in the caller's district")
    submitted_before: Moment | None = Field(
        default=None, description="the later of the two pictures was submitted before this time"
    )
    submitted_after: Moment | None = None
    leads: bool = Field(default=False, description="also the leads: similar, but below the threshold")
    identified: bool = Field(default=False, description="also victims whose identity is known")

    def filters(self) -> Filters:
        return Filters(
            case_id=self.case_id,
            district=self.district,
            victim_id=self.victim_id,
            submitted_before=_milliseconds(self.submitted_before),
            submitted_after=_milliseconds(self.submitted_after),
            leads=self.leads,
            identified=self.identified,
        )


class PageQuery(FiltersIn):
    """The filters as a query, and which page."""

    model_config = example()

    limit: int = Field(default=20, ge=1, le=100)
    after: After | None = Field(default=None, description="`next` of the page before")


class ClaimIn(WireIn):
    """A wish for the next items."""

    model_config = example(f'{{"filters": {_FILTERS}, "n": 1, "after": null}}')

    filters: FiltersIn = Field(default_factory=FiltersIn)
    n: Number = Field(default=1, ge=1, le=CLAIMS_MAX // 2)
    after: After | None = Field(default=None, description="`next` of an answer that had too few")


class ClaimOut(fields_of(Claim, without=("seed",))):
    """A lease: until `until` nobody else gets the item. `purpose` may stand in `Redthread-Purpose` until then."""

    model_config = example(_CLAIM)

    purpose: str


class SkippedOut(WireOut):
    """The item stays away from the caller until `until`."""

    model_config = example('{"claim_id": "9d0c5b1e7f3a4c8e8b6d2f0a1c3e5d70", "until": "2026-11-20T14:00:00Z"}')

    claim_id: str
    until: datetime


class ReturnedOut(fields_of(Returned)):
    """Why the second person returned what the caller had confirmed."""


class UnitOut(fields_of(VisibleSubject)):
    """One side of an item: a victim, a group or a face; kind and id are null in another district."""

    face_ids: list[str] = Field(
        description="its faces on this contact sheet; a group's all, poorest first, and a victim's that you may know"
    )


class QueueItemOut(WireOut):
    """What one person decides in one go: a contact sheet of links between two units, weakest first."""

    status: Literal["claimed", "returned", "waiting"]
    urgency: Urgency
    submitted_at: int = Field(description="of the oldest request: milliseconds since 1970, UTC")
    units: list[UnitOut] = Field(validation_alias=AliasChoices("subjects", "units"))
    links: list[LinkOut]
    claim: ClaimOut | None
    returned: ReturnedOut | None


class QueuePage(PageOut[QueueItemOut]):
    """Items in the order to work in; `next` is the `after` that goes on, null where nothing else waits.

    A page may have few items, or none, and a `next`: then the filters let little through, and the search goes on there.
    """

    model_config = example(f"""
        {{"items": [{{"status": "claimed", "urgency": "danger_now", "submitted_at": 1795165964000,
                      "units": [{{"kind": "face", "id": $FACE, "face_ids": [$FACE]}},
                                {{"kind": null, "id": null, "face_ids": [$OTHER_FACE]}}],
                      "links": [$LINK], "claim": {_CLAIM}, "returned": null}}],
          "next": null}}
    """)


_OWN_CLAIM = ("claim_expired",)


@router.get("/queue", response_model=QueuePage, responses=problems("forbidden", *LOOKING))
async def what_waits(access: CaseAccess, query: Annotated[PageQuery, Query()]) -> Page[QueueItem]:
    """The caller's open claims and returned links, then what waits: by urgency, then by chance, never by score."""
    return await queue.read_queue(access, query.filters(), limit=query.limit, after=position(query.after))


@created(router, "/queue/claims", QueuePage, "forbidden", "claims_limit", *BODY, *ACTING, headers={})
async def claim(access: Judge, body: ClaimIn) -> Page[QueueItem]:
    """Gives the caller the next items: for 15 minutes nobody else gets them. No item: nothing waits."""
    return await claims.do_claim(access, body.filters.filters(), body.n, seed=ids.new_id(), after=position(body.after))


@router.post("/queue/claims/{claim_id}/skips", status_code=201, responses=problems(*_OWN_CLAIM, *ACTING))
async def skip(claim_id: Id, access: ClaimHolder) -> SkippedOut:
    """Ends the claim: the item stays away from the caller for four hours, and is there for others at once."""
    until = await claims.do_skip(access, claim_id)
    return SkippedOut(claim_id=claim_id, until=until)


@created(router, "/queue/claims/{claim_id}/renewals", ClaimOut, *_OWN_CLAIM, *ACTING, headers={})
async def renew(claim_id: Id, access: ClaimHolder) -> Claim:
    """Gives the claim a whole lease again."""
    return await claims.do_renewal(access, claim_id)


def position(after: str | None) -> Position | None:
    """The position in the queue that an earlier answer's `next` names."""
    return None if after is None else read_position(after)


def _milliseconds(at: datetime | None) -> int | None:
    return None if at is None else milliseconds(at)
