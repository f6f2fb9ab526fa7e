"""Who a victim is: proposed by one person, decided by a second one."""

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import Field, StringConstraints

from api.deps import (
    ETAG,
    ActPurpose,
    Id,
    IdentificationApprover,
    Identifier,
    Reopener,
    ServicesDep,
    Version,
    VictimId,
    etag,
)
from api.errors import ACTING, BODY, problems
from api.routes.verdicts import ApprovalIn, ReopeningIn
from api.wire import Faces, WireIn, WireOut, example
from graph.actions.decide import identify
from graph.actions.decide.identify import REFERENCE_LIMIT, Proposal, VisibleIdentification
from graph.domain.identification import Basis, IdentificationState
from graph.domain.link import TEXT_LIMIT

router = APIRouter(tags=["identifications"])


class IdentificationIn(WireIn):
    """`person_ref` is the case system's reference of a person, never a name; `faces` are those of the victim seen."""

    model_config = example("""
        {"person_ref": "north:person-4711", "basis": "interview", "reason": "named by her teacher",
         "faces": [$FACE, $OTHER_FACE]}
    """)

    person_ref: Annotated[str, StringConstraints(min_length=1, max_length=REFERENCE_LIMIT)]
    basis: Basis
    reason: str = Field(min_length=1, max_length=TEXT_LIMIT)
    faces: Faces = None


class IdentificationOut(WireOut):
    """An identification with its basis; it stands while `state` is approved."""

    model_config = example("""
        {"identification_id": "9e7d5b3c1a8f6e4d2c0b9a7f5e3d1c8b", "victim_id": $VICTIM_ID,
         "person_ref": "north:person-4711", "basis": "interview", "reason": "named by her teacher",
         "state": "proposed", "version": 0, "by": "anna@north", "at": "2026-11-20T11:00:00+00:00",
         "face_ids": [$FACE, $OTHER_FACE], "decided_by": null, "decided_at": null, "decision_reason": null}
    """)

    identification_id: str
    victim_id: str | None
    person_ref: str
    basis: Basis
    reason: str
    state: IdentificationState
    version: int
    by: str
    at: str
    face_ids: list[str]
    decided_by: str | None
    decided_at: str | None
    decision_reason: str | None


_CREATED = {201: {"headers": ETAG}}
_PROPOSAL = ("not_found", "forbidden", "unapproved_link", "stale_version", "version_missing")
_DECISION = (
    "not_found",
    "forbidden",
    "own_decision",
    "stale_version",
    "no_longer_one",
    "unapproved_link",
    "contradiction",
    "malformed_version",
    "version_missing",
)
_REOPENING = ("not_found", "forbidden", "stale_version", "malformed_version", "version_missing")


@router.post(
    "/victims/{victim_id}/identifications",
    status_code=201,
    response_model=IdentificationOut,
    responses={**_CREATED, **problems(*_PROPOSAL, *BODY, *ACTING)},
)
async def propose_identification(
    victim_id: VictimId,
    body: IdentificationIn,
    services: ServicesDep,
    actor: Identifier,
    purpose: ActPurpose,
    response: Response,
) -> VisibleIdentification:
    """Proposes that a victim is a person known to the case system; it stands once a second person approves it."""
    proposal = Proposal(body.person_ref, body.basis, body.reason, body.faces)
    found = await identify.do_identification(
        services.store, victim_id, proposal, actor=actor, now=services.now(), purpose=purpose
    )
    response.headers["ETag"] = etag(found.version)
    return found


@router.post(
    "/identifications/{identification_id}/approvals",
    status_code=201,
    response_model=IdentificationOut,
    responses={**_CREATED, **problems(*_DECISION, *BODY, *ACTING)},
)
async def decide_identification(
    identification_id: Id,
    body: ApprovalIn,
    services: ServicesDep,
    actor: IdentificationApprover,
    purpose: ActPurpose,
    version: Version,
    response: Response,
) -> VisibleIdentification:
    """A second person approves the identification, or returns it with a reason."""
    found = await identify.do_identification_approval(
        services.store,
        identification_id,
        version,
        body.decision,
        body.reason,
        actor=actor,
        now=services.now(),
        purpose=purpose,
        faces=body.faces,
    )
    response.headers["ETag"] = etag(found.version)
    return found


@router.post(
    "/identifications/{identification_id}/reopenings",
    status_code=201,
    response_model=IdentificationOut,
    responses={**_CREATED, **problems(*_REOPENING, *BODY, *ACTING)},
)
async def reopen_identification(
    identification_id: Id,
    body: ReopeningIn,
    services: ServicesDep,
    actor: Reopener,
    purpose: ActPurpose,
    version: Version,
    response: Response,
) -> VisibleIdentification:
    """Takes the second person's decision back: the identification is proposed again, and nobody's identity."""
    found = await identify.do_identification_reopening(
        services.store, identification_id, version, body.reason, actor=actor, now=services.now(), purpose=purpose
    )
    response.headers["ETag"] = etag(found.version)
    return found
