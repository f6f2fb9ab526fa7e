"""Who a victim is: proposed by one person, decided by a second one."""

from __future__ import annotations

from fastapi import APIRouter, Response

from api import clock
from api.etag import ETAG, Version, etag
from api.identity import IdentificationApprover, Identifier, Reopener, StatedPurpose
from api.limits import Id, VictimId
from api.problems import ACTING, BODY, problems
from api.services import Use
from api.wire import as_shown
from api.wire_decisions import ApprovalIn, IdentificationIn, IdentificationOut, ReopeningIn
from graph.actions.decide import identify

router = APIRouter(tags=["identifications"])


@router.post(
    "/victims/{victim_id}/identifications",
    status_code=201,
    responses={
        201: {"headers": ETAG},
        **problems("not_found", "forbidden", "unapproved_link", "stale_version", "version_missing", *BODY, *ACTING),
    },
)
async def propose_identification(
    victim_id: VictimId, body: IdentificationIn, use: Use, actor: Identifier,
    purpose: StatedPurpose, response: Response,
) -> IdentificationOut:  # fmt: skip
    """Proposes that a victim is a person known to the case system; it stands once a second person approves it."""
    found = await identify.do_identification(
        use.store, victim_id, body.proposal(), actor=actor, now=clock.now(), purpose=purpose
    )
    response.headers["ETag"] = etag(found.version)
    return IdentificationOut.from_identification(found)


@router.post(
    "/identifications/{identification_id}/approvals",
    status_code=201,
    responses={
        201: {"headers": ETAG},
        **problems(
            "not_found", "forbidden", "own_decision", "stale_version", "no_longer_one", "unapproved_link",
            "contradiction", "malformed_version", "version_missing", *BODY, *ACTING,
        ),
    },
)  # fmt: skip
async def decide_identification(
    identification_id: Id, body: ApprovalIn, use: Use, actor: IdentificationApprover,
    purpose: StatedPurpose, seen: Version, response: Response,
) -> IdentificationOut:  # fmt: skip
    """A second person approves the identification, or returns it with a reason."""
    found = await identify.do_identification_approval(
        use.store, identification_id, seen, body.decision, body.reason, actor=actor, now=clock.now(),
        purpose=purpose, faces=as_shown(body.faces),
    )  # fmt: skip
    response.headers["ETag"] = etag(found.version)
    return IdentificationOut.from_identification(found)


@router.post(
    "/identifications/{identification_id}/reopenings",
    status_code=201,
    responses={
        201: {"headers": ETAG},
        **problems(
            "not_found", "forbidden", "stale_version", "malformed_version", "version_missing", *BODY, *ACTING,
        ),
    },
)  # fmt: skip
async def reopen_identification(
    identification_id: Id, body: ReopeningIn, use: Use, actor: Reopener,
    purpose: StatedPurpose, seen: Version, response: Response,
) -> IdentificationOut:  # fmt: skip
    """Takes the second person's decision back: the identification is proposed again, and nobody's identity."""
    found = await identify.do_identification_reopening(
        use.store, identification_id, seen, body.reason, actor=actor, now=clock.now(), purpose=purpose
    )
    response.headers["ETag"] = etag(found.version)
    return IdentificationOut.from_identification(found)
