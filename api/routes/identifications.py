"""Who a victim is: proposed by one person, decided by a second one."""

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import Field, StringConstraints

from api.deps import (
    Id,
    IdentificationApprover,
    Identifier,
    Reopener,
    Version,
    VictimId,
    created,
    etag,
)
from api.errors import ACTING, BODY
from api.routes.verdicts import ApprovalIn, ReopeningIn
from api.wire import Faces, WireIn, example, fields_of
from graph.actions.decide import identify
from graph.actions.identification import REFERENCE_LIMIT, Proposal, VisibleIdentification
from graph.domain.identification import Basis
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


class IdentificationOut(fields_of(VisibleIdentification)):
    """An identification with its basis; it stands while `state` is approved."""

    model_config = example("""
        {"identification_id": "9e7d5b3c1a8f6e4d2c0b9a7f5e3d1c8b", "victim_id": $VICTIM_ID,
         "person_ref": "north:person-4711", "basis": "interview", "reason": "named by her teacher",
         "state": "proposed", "version": 0, "by": "anna@north", "at": "2026-11-20T11:00:00+00:00",
         "face_ids": [$FACE, $OTHER_FACE], "decided_by": null, "decided_at": null, "decision_reason": null}
    """)


_PROPOSAL = ("not_found", "forbidden", "already_proposed", "unapproved_link", "stale_version", "version_missing")
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


@created(router, "/victims/{victim_id}/identifications", IdentificationOut, *_PROPOSAL, *BODY, *ACTING)
async def propose_identification(
    victim_id: VictimId, body: IdentificationIn, access: Identifier, response: Response
) -> VisibleIdentification:
    """Proposes that a victim is a person known to the case system; it stands once a second person approves it."""
    proposal = Proposal(body.person_ref, body.basis, body.reason, body.faces)
    found = await identify.do_identification(access, victim_id, proposal)
    response.headers["ETag"] = etag(found.version)
    return found


@created(router, "/identifications/{identification_id}/approvals", IdentificationOut, *_DECISION, *BODY, *ACTING)
async def decide_identification(
    identification_id: Id, body: ApprovalIn, access: IdentificationApprover, version: Version, response: Response
) -> VisibleIdentification:
    """A second person approves the identification, or returns it with a reason."""
    found = await identify.do_identification_approval(
        access, identification_id, version, body.decision, body.reason, faces=body.faces
    )
    response.headers["ETag"] = etag(found.version)
    return found


@created(router, "/identifications/{identification_id}/reopenings", IdentificationOut, *_REOPENING, *BODY, *ACTING)
async def reopen_identification(
    identification_id: Id, body: ReopeningIn, access: Reopener, version: Version, response: Response
) -> VisibleIdentification:
    """Takes the second person's decision back: the identification is proposed again, and nobody's identity."""
    found = await identify.do_identification_reopening(access, identification_id, version, body.reason)
    response.headers["ETag"] = etag(found.version)
    return found
